"""Whose maps are shown: those of the learned experts, or those of the clicks."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from latentseg_gui.document.experts.maps import ExpertMaps, PromptAttention
from latentseg_gui.panels.experts.maps import MapPart, MapSource, as_source
from latentseg_gui.panels.experts.selection import ExpertsSelection
from latentseg_gui.panels.experts.view import ExpertsView
from latentseg_gui.panels.experts.view_model import ExpertsViewModel

EXPERTS, CLICKS = "experts", "clicks"


class Sources(QObject):
    """Keeps both and shows the one that is chosen.

    Signals:
        clicks_wanted: the maps of the clicks are to be shown and shall be computed.
    """

    clicks_wanted = Signal()

    def __init__(
        self, view: ExpertsView, model: ExpertsViewModel, selection: ExpertsSelection, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._view, self._model, self._selection = view, model, selection
        self._sources: dict[str, MapSource | None] = {EXPERTS: None, CLICKS: None}
        self._part: MapPart | None = None
        view.source.chosen.connect(self._on_chosen)

    @property
    def chosen(self) -> str:
        """`EXPERTS` or `CLICKS`."""
        return self._view.source.value

    def set_experts(self, maps: ExpertMaps | MapSource | None) -> None:
        """Takes the maps of an image; None while there are none."""
        self._view.comparisons.set_similarity(maps.similarity if isinstance(maps, ExpertMaps) else None)
        self._set(EXPERTS, as_source(maps))

    def set_part(self, part: MapPart | None) -> None:
        """Takes finer maps of the experts for the part of the image that is visible; None drops them."""
        self._part = part
        if self.chosen == EXPERTS:
            self._model.set_part(part)
            self._selection.announce_if_shown()

    def set_refining(self, is_on: bool) -> None:
        """Says that finer maps are on their way."""
        self._model.set_refining(is_on and self.chosen == EXPERTS)

    def set_clicks(self, maps: PromptAttention | MapSource | None) -> None:
        """Takes the maps of the clicks; None while they are not known."""
        self._set(CLICKS, as_source(maps))

    def offer_clicks(self, is_offered: bool) -> None:
        """Offers the maps of clicks where there are clicks."""
        self._view.source.setVisible(is_offered)
        if not is_offered:
            self._sources[CLICKS] = None
            if self.chosen == CLICKS:
                self._view.source.set_value(EXPERTS)
                self._on_chosen()

    def _set(self, key: str, source: MapSource | None) -> None:
        self._sources[key] = source
        if key == EXPERTS:
            self._part = None
        if key == self.chosen:
            self._model.set_maps(source)
            self._selection.announce_if_shown()

    def _on_chosen(self) -> None:
        self._selection.forget_choice()
        self._model.set_maps(self._sources[self.chosen])
        if self.chosen == EXPERTS:
            self._model.set_part(self._part)
        if self.chosen == CLICKS:
            self.clicks_wanted.emit()
