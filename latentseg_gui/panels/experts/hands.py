"""What the user does with the experts, turned into intents."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from latentseg_gui.document.experts import Gains
from latentseg_gui.panels.experts.body import ExpertsBody
from latentseg_gui.panels.experts.gains import toggled_out, toggled_solo, with_gain
from latentseg_gui.panels.experts.presenter import ExpertsPresenter


class ExpertsHands(QObject):
    """Listens to the body, changes what is shown, says what is wanted.

    Signals: see `ExpertsPanel`.
    """

    overlay_requested = Signal(object)
    territory_requested = Signal(bool)
    gains_changed = Signal(object)  # Signal(dict) loses integer keys on the way
    rename_requested = Signal(int, str)
    note_requested = Signal(int, str)

    def __init__(self, body: ExpertsBody, presenter: ExpertsPresenter, parent: QObject) -> None:
        super().__init__(parent)
        self._body = body
        self._presenter = presenter
        body.controls.changed.connect(self._on_view_chosen)
        body.map_wanted.connect(self.toggle_map)
        body.influence.expert_chosen.connect(self.choose)
        gallery, detail = body.gallery, body.detail
        gallery.chosen.connect(self.choose)
        gallery.pressed_first.connect(self._on_pressed_first)
        gallery.pressed_again.connect(self._on_overlay_wanted)
        gallery.knock_out_wanted.connect(self.toggle_knock_out)
        gallery.solo_wanted.connect(self.toggle_solo)
        detail.overlay_wanted.connect(self._on_overlay_wanted)
        detail.knock_out_wanted.connect(self.toggle_knock_out)
        detail.solo_wanted.connect(self.toggle_solo)
        detail.gain_wanted.connect(self._on_gain_wanted)
        detail.heads_chosen.connect(presenter.refresh_marks)
        detail.reset_wanted.connect(self._on_reset_wanted)
        detail.renamed.connect(self.rename_requested)
        detail.note_edited.connect(self.note_requested)

    def choose(self, expert: int) -> None:
        """Makes an expert the current one; a map of an expert over the image follows."""
        presenter = self._presenter
        if expert == presenter.current or not 0 <= expert < presenter.state.count:
            return
        presenter.set_current(expert)
        if presenter.shown == "expert":
            self._announce_overlay()

    def forget_choice(self) -> None:
        """Nothing is chosen or shown: other rows take the place of these."""
        self._presenter.current = -1
        if self._presenter.shown is not None:
            self._show_map(None)

    def step(self, distance: int) -> None:
        """Goes through the experts in the order shown."""
        order, current = self._presenter.order, self._presenter.current
        if order:
            place = order.index(current) + distance if current in order else 0
            self.choose(order[place % len(order)])

    def toggle_map(self, kind: str) -> None:
        """Shows one kind of map over the image, or hides it."""
        self._show_map(None if self._presenter.shown == kind else kind)

    def toggle_knock_out(self) -> None:
        """Knocks the current expert out, or takes it in again."""
        if self._presenter.current >= 0 and self._presenter.can_intervene:
            self._want(toggled_out(*self._presenter.intervention))

    def toggle_solo(self) -> None:
        """Leaves only the current expert, or takes all in again."""
        if self._presenter.current >= 0 and self._presenter.can_intervene:
            self._want(toggled_solo(*self._presenter.intervention))

    def announce_if_shown(self) -> None:
        """The map over the image is another although nobody asked for it: new maps, new view."""
        if self._presenter.shown is not None:
            self.overlay_requested.emit(self._presenter.overlay())

    def _show_map(self, kind: str | None) -> None:
        self._presenter.shown = kind
        self._announce_overlay()

    def _announce_overlay(self) -> None:
        presenter = self._presenter
        presenter.refresh_marks()
        self.territory_requested.emit(presenter.shown == "territory")
        self.overlay_requested.emit(presenter.overlay())

    def _want(self, gains: Gains) -> None:
        self._presenter.set_gains(gains)
        self.gains_changed.emit(gains)

    def _on_view_chosen(self) -> None:
        self._presenter.set_choice(self._body.controls.choice)
        self.announce_if_shown()

    def _on_pressed_first(self) -> None:
        if self._presenter.shown != "expert":
            self._show_map("expert")

    def _on_overlay_wanted(self) -> None:
        self.toggle_map("expert")

    def _on_gain_wanted(self, gain: float) -> None:
        gains, where, shape = self._presenter.intervention
        self._want(with_gain(gains, where, gain, shape))

    def _on_reset_wanted(self) -> None:
        self._want({})
