"""Look inside: what each expert attends to, and what depends on it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from latentseg_gui.document.experts import Gains
from latentseg_gui.document.types import AttentionMaps, Labels
from latentseg_gui.panels.experts.body import ExpertsBody
from latentseg_gui.panels.experts.comparisons import Comparisons
from latentseg_gui.panels.experts.hands import ExpertsHands
from latentseg_gui.panels.experts.maps import MapSource
from latentseg_gui.panels.experts.pixel_mix import Pixels
from latentseg_gui.panels.experts.presenter import ExpertsPresenter
from latentseg_gui.panels.experts.sources import Sources
from latentseg_gui.panels.experts.values import ExpertLabels, ExpertOverlay, InfluenceRow, InterventionResult


class ExpertsPanel(QWidget):
    """Gallery, interventions, pixel mix, influence.

    Signals:
        overlay_requested: `ExpertOverlay` to lay over the image, None for nothing; also sent when
            the view, the head, the scale or the maps behind a shown overlay change.
        territory_requested: whether the map of territories shall be shown.
        gains_changed: `Gains` by expert, or by (head, expert).
        rename_requested, note_requested: expert, text.
        influence_requested: knock out one expert after the other and measure.
        pins_changed: positions (list of (x, y)) of pinned pixels.
        pixel_described: who explains the pixel under the cursor, in words.
        save_requested: write figures, maps and tables of the experts.
    """

    overlay_requested = Signal(object)
    territory_requested = Signal(bool)
    gains_changed = Signal(object)
    rename_requested = Signal(int, str)
    note_requested = Signal(int, str)
    influence_requested = Signal()
    pins_changed = Signal(object)
    pixel_described = Signal(str)
    save_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._body = ExpertsBody(self)
        self._presenter = ExpertsPresenter(self._body)
        self._hands = hands = ExpertsHands(self._body, self._presenter, self)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._body)
        hands.overlay_requested.connect(self.overlay_requested)
        hands.territory_requested.connect(self.territory_requested)
        hands.gains_changed.connect(self.gains_changed)
        hands.rename_requested.connect(self.rename_requested)
        hands.note_requested.connect(self.note_requested)
        self._body.influence.requested.connect(self.influence_requested)
        self._body.pixel.pins_changed.connect(self.pins_changed)
        self._body.pixel.described.connect(self.pixel_described)
        self._body.save_wanted.connect(self.save_requested)
        self._pixels = Pixels(self._body.pixel, self._presenter.state)
        self._sources = Sources(self._body, self._presenter, hands, self)

    @property
    def current(self) -> int:
        """The chosen expert, -1 for none."""
        return self._presenter.current

    @property
    def gains(self) -> Gains:
        """Factors that differ from 1."""
        return self._presenter.gains

    @property
    def overlay(self) -> ExpertOverlay | None:
        """What the canvas shall show now."""
        return self._presenter.overlay()

    @property
    def comparisons(self) -> Comparisons:
        """Where to put what was found by comparing experts."""
        return self._body.comparisons

    @property
    def pixels(self) -> Pixels:
        """The pixel under the cursor, and pinned ones."""
        return self._pixels

    @property
    def sources(self) -> Sources:
        """Where the maps of clicks go beside those of the experts."""
        return self._sources

    def set_maps(self, maps: AttentionMaps | MapSource | None) -> None:
        """Shows the maps of an image, of whatever attention; None while there are none."""
        self._sources.set_experts(maps)

    def set_waiting(self, is_waiting: bool, *, instead: str = "") -> None:
        """Says whether there is an image whose maps are to come, or ``instead`` why there will be none."""
        self._body.set_waiting(is_waiting, instead=instead)

    def set_labels(self, labels: Labels | None, class_names: Sequence[str]) -> None:
        """Takes mask or prediction [H, W] for the class affinities."""
        self._presenter.set_labels(labels, tuple(class_names))

    def set_expert_labels(self, labels: ExpertLabels) -> None:
        """Shows the names and notes of experts."""
        self._presenter.set_expert_labels(labels)

    def set_gains(self, gains: Gains) -> None:
        """Shows factors that were set elsewhere; says nothing back."""
        self._presenter.set_gains(gains)

    def set_result(self, result: InterventionResult | None) -> None:
        """Shows what the factors changed."""
        self._body.result.set_result(result)

    def set_influence(self, rows: Sequence[InfluenceRow]) -> None:
        """Shows a measurement of all experts."""
        self._body.influence.set_rows(rows, self._presenter.names)
        self._body.influence_fold.set_open(True)

    def set_influence_progress(self, fraction: float | None) -> None:
        """Shows how far the measurement is, 0..1; None where none runs."""
        self._body.influence.set_progress(fraction)

    def select(self, expert: int) -> None:
        """Makes an expert the current one, as the user does."""
        self._hands.choose(expert)

    def step(self, distance: int) -> None:
        """Goes through the experts in the order shown, as Tab does."""
        self._hands.step(distance)

    def toggle_map(self, kind: str) -> None:
        """Shows "expert", "territory" or "entropy" over the image, or hides it."""
        self._hands.toggle_map(kind)

    def toggle_knock_out(self) -> None:
        """Knocks the current expert out, or takes it in again."""
        self._hands.toggle_knock_out()

    def toggle_solo(self) -> None:
        """Leaves only the current expert, or takes all in again."""
        self._hands.toggle_solo()
