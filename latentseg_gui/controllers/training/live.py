"""Live refit: after every correction the model learns from it, for a fraction of a second."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from latentseg_gui.controllers.training.finetune import FineTuneController, TrainingPlan
from latentseg_gui.document.training.learning import REFIT
from latentseg_gui.workers.lanes import ChildLane, Lane

_DELAY_MS = 60


class LiveController(QObject):
    """Starts a refit when masks have changed; corrections made meanwhile start another one after it."""

    def __init__(self, finetune: FineTuneController, *, lane: Lane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._finetune = finetune
        self._lane = lane
        self._is_on = False
        self._is_new = False
        self._is_outdated = False
        self._is_waiting = False
        self._timer = QTimer(self, singleShot=True, interval=_DELAY_MS)
        self._timer.timeout.connect(self._refit)
        finetune.ended.connect(self._on_ended)
        finetune.state_changed.connect(self._on_state_changed)

    def set_on(self, is_on: bool) -> None:
        """Refits after every correction from now on, or no longer."""
        self._is_on = self._is_new = is_on
        if not is_on:
            return
        if isinstance(self._lane, ChildLane):
            self._lane.start()  # it takes seconds, and the first correction shall not wait for it
        self._timer.start()

    def note_correction(self, *_: object) -> None:
        """Somebody did, undid or redid something to the masks."""
        if self._is_on:
            self._timer.start()

    def _refit(self) -> None:
        if self._finetune.is_running:
            self._is_outdated = True
            return
        if self._finetune.awaited() or not self._finetune.samples.counts.is_complete:
            self._is_waiting = True  # labels are counted beside the window, a few at a time
            return
        self._is_outdated = self._is_waiting = False
        plan = TrainingPlan(REFIT.name, REFIT.seconds, self._finetune.plan.settings)
        self._finetune.refit(plan, says_why=self._is_new)
        self._is_new = False

    def _on_ended(self) -> None:
        if self._is_outdated and self._is_on:
            self._timer.start()

    def _on_state_changed(self) -> None:
        """What was missing may be there."""
        if self._is_waiting and self._is_on:
            self._timer.start()
