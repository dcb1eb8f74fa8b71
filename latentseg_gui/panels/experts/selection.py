"""Which expert is chosen, which map is shown, which experts are altered."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from latentseg_gui.document.experts.experts import Gains
from latentseg_gui.panels.experts.gains import toggled_out, toggled_solo, with_gain
from latentseg_gui.panels.experts.values import ExpertOverlay, Selection
from latentseg_gui.panels.experts.view import ExpertsView
from latentseg_gui.panels.experts.view_model import ExpertsViewModel


class ExpertsSelection(QObject):
    """Follows the view and the keys of the window, and says what becomes of it.

    Signals:
        changed: `Selection`: another expert is chosen, another map is shown, experts are altered; also sent
            when the view, the head, the scale or the maps behind a shown overlay change.
    """

    changed = Signal(object)

    def __init__(self, view: ExpertsView, model: ExpertsViewModel, parent: QObject) -> None:
        super().__init__(parent)
        self._view = view
        self._model = model
        view.controls.changed.connect(self._on_view_chosen)
        view.map_wanted.connect(self.toggle_map)
        view.influence.expert_chosen.connect(self.choose)
        gallery, detail = view.gallery, view.detail
        gallery.chosen.connect(self.choose)
        gallery.pressed_first.connect(self._on_pressed_first)
        gallery.pressed_again.connect(self._on_overlay_wanted)
        gallery.knock_out_wanted.connect(self.toggle_knock_out)
        gallery.solo_wanted.connect(self.toggle_solo)
        detail.overlay_wanted.connect(self._on_overlay_wanted)
        detail.knock_out_wanted.connect(self.toggle_knock_out)
        detail.solo_wanted.connect(self.toggle_solo)
        detail.gain_wanted.connect(self._on_gain_wanted)
        detail.heads_chosen.connect(model.refresh_marks)
        detail.reset_wanted.connect(self._on_reset_wanted)

    @property
    def current(self) -> int:
        """The chosen expert, -1 for none."""
        return self._model.current

    @property
    def gains(self) -> Gains:
        """Factors that differ from 1."""
        return self._model.gains

    @property
    def overlay(self) -> ExpertOverlay | None:
        """What the canvas shall show now."""
        return self._model.overlay()

    def choose(self, expert: int) -> None:
        """Makes an expert the current one; a map of an expert over the image follows."""
        model = self._model
        if expert == model.current or not 0 <= expert < model.state.count:
            return
        model.set_current(expert)
        self._announce()

    def forget_choice(self) -> None:
        """Nothing is chosen or shown: other rows take the place of these."""
        self._model.current = -1
        if self._model.shown is not None:
            self._show_map(None)

    def step(self, distance: int) -> None:
        """Goes through the experts in the order shown."""
        order, current = self._model.order, self._model.current
        if order:
            place = order.index(current) + distance if current in order else 0
            self.choose(order[place % len(order)])

    def toggle_map(self, kind: str) -> None:
        """Shows one kind of map over the image, or hides it."""
        self._show_map(None if self._model.shown == kind else kind)

    def toggle_knock_out(self) -> None:
        """Knocks the current expert out, or takes it in again."""
        if self._model.current >= 0 and self._model.can_intervene:
            self._want(toggled_out(*self._model.intervention))

    def toggle_solo(self) -> None:
        """Leaves only the current expert, or takes all in again."""
        if self._model.current >= 0 and self._model.can_intervene:
            self._want(toggled_solo(*self._model.intervention))

    def announce_if_shown(self) -> None:
        """The map over the image is another although nobody asked for it: new maps, new view."""
        if self._model.shown is not None:
            self._tell()

    def _show_map(self, kind: str | None) -> None:
        self._model.shown = kind
        self._announce()

    def _announce(self) -> None:
        self._model.refresh_marks()
        self._tell()

    def _tell(self, *, has_new_gains: bool = False) -> None:
        model = self._model
        self.changed.emit(Selection(model.current, model.overlay(), model.gains, has_new_gains))

    def _want(self, gains: Gains) -> None:
        self._model.set_gains(gains)
        self._tell(has_new_gains=True)

    def _on_view_chosen(self) -> None:
        self._model.set_choice(self._view.controls.choice)
        self.announce_if_shown()

    def _on_pressed_first(self) -> None:
        if self._model.shown != "expert":
            self._show_map("expert")

    def _on_overlay_wanted(self) -> None:
        self.toggle_map("expert")

    def _on_gain_wanted(self, gain: float) -> None:
        gains, where, shape = self._model.intervention
        self._want(with_gain(gains, where, gain, shape))

    def _on_reset_wanted(self) -> None:
        self._want({})
