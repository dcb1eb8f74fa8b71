"""Whose maps are shown: those of the learned experts, or those of the clicks."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from latentseg_gui.document.types import AttentionMaps, PromptAttention
from latentseg_gui.panels.experts.body import ExpertsBody
from latentseg_gui.panels.experts.hands import ExpertsHands
from latentseg_gui.panels.experts.maps import MapSource, as_source
from latentseg_gui.panels.experts.presenter import ExpertsPresenter

EXPERTS, CLICKS = "experts", "clicks"


class Sources(QObject):
    """Keeps both and shows the one that is chosen.

    Signals:
        clicks_wanted: the maps of the clicks are to be shown and shall be computed.
    """

    clicks_wanted = Signal()

    def __init__(
        self, body: ExpertsBody, presenter: ExpertsPresenter, hands: ExpertsHands, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._body, self._presenter, self._hands = body, presenter, hands
        self._sources: dict[str, MapSource | None] = {EXPERTS: None, CLICKS: None}
        body.source.chosen.connect(self._on_chosen)

    @property
    def chosen(self) -> str:
        """`EXPERTS` or `CLICKS`."""
        return self._body.source.value

    def set_experts(self, maps: AttentionMaps | MapSource | None) -> None:
        """Takes the maps of an image; None while there are none."""
        self._body.comparisons.set_likeness(maps.likeness if isinstance(maps, AttentionMaps) else None)
        self._set(EXPERTS, as_source(maps))

    def set_clicks(self, maps: PromptAttention | MapSource | None) -> None:
        """Takes the maps of the clicks; None while they are not known."""
        self._set(CLICKS, as_source(maps))

    def offer_clicks(self, is_offered: bool) -> None:
        """Offers the maps of clicks where there are clicks."""
        self._body.source.setVisible(is_offered)
        if not is_offered:
            self._sources[CLICKS] = None
            if self.chosen == CLICKS:
                self._body.source.set_value(EXPERTS)
                self._on_chosen()

    def _set(self, key: str, source: MapSource | None) -> None:
        self._sources[key] = source
        if key == self.chosen:
            self._presenter.set_maps(source)
            self._hands.announce_if_shown()

    def _on_chosen(self) -> None:
        self._hands.forget_choice()
        self._presenter.set_maps(self._sources[self.chosen])
        if self.chosen == CLICKS:
            self.clicks_wanted.emit()
