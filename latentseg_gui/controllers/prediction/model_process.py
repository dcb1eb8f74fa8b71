"""When the model's process dies, hangs or cannot go on: what was known of it is forgotten, and it is said."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject

from latentseg_gui.controllers.interfaces import ErrorSink, Offers
from latentseg_gui.controllers.prediction.predict import PredictController
from latentseg_gui.controllers.training.weights import WeightsController
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.workers.events import JobFailure
from latentseg_gui.workers.lanes import ChildLane


class ModelProcessController(QObject):
    """Listens to the lane of the model. What was asked is asked again by `Jobs`; here the rest is put right."""

    def __init__(
        self,
        lane: ChildLane,
        *,
        training: ChildLane,
        predict: PredictController,
        weights: WeightsController,
        errors: ErrorSink,
        offers: Offers,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._lane = lane
        self._predict = predict
        self._weights = weights
        self._errors = errors
        self._offers = offers
        self._how = ""
        lane.child_lost.connect(self._on_child_lost)
        lane.lane_state_changed.connect(self._on_state_changed)
        lane.hanging.connect(partial(self._on_hanging, lane))
        training.hanging.connect(partial(self._on_hanging, training))
        lane.replay_failed.connect(self._on_replay_failed)
        predict.weights_missing.connect(self._on_weights_missing)

    def _on_child_lost(self, how: str) -> None:
        self._how = how

    def _on_state_changed(self, state: str) -> None:
        if state == "broken":
            self._offer_start()
        elif state == "restarting":
            if self._how:
                self._errors.inform(
                    self.tr(
                        "The model stopped ({0}) and is started again. Your work is untouched; "
                        "what was asked of it is asked again."
                    ).format(self._how)
                )
            self._how = ""
            self._predict.forget_encoded()

    def _offer_start(self) -> None:
        self._how = ""
        self._predict.forget_encoded(has_successor=False)
        self._offers.offer(
            LatentsegError(
                self.tr("The model stopped several times in a row and does not run now."),
                action=self.tr(
                    "Your work is untouched. Close other programs if memory is short, then start it again. If it stops "
                    "again, the self-test in the menu of the device says what is wrong."
                ),
            ),
            self.tr("Start the model again"),
            self._start_again,
        )

    def _start_again(self) -> None:
        self._lane.restart()
        if self._weights.live is None:
            self._weights.activate_shipped()

    def _on_weights_missing(self) -> None:
        """Somebody points at an image: where the model never got as far as its weights, it tries again."""
        if self._lane.state == "broken":
            self._start_again()

    def _on_hanging(self, lane: ChildLane, is_hanging: bool) -> None:
        if not is_hanging:
            return
        is_model = lane is self._lane
        what = (
            self.tr("The model does not answer any more.")
            if is_model
            else self.tr("Training has come to a halt.")
        )
        again = (
            self.tr("what was asked is asked again.") if is_model else self.tr("the run in progress is lost.")
        )
        action = self.tr("Wait, or start it again: your work is untouched, and {0}").format(again)
        button = self.tr("Start the model again") if is_model else self.tr("End this training")
        self._offers.offer(LatentsegError(what, action=action), button, partial(_restart, lane))

    def _on_replay_failed(self, failure: JobFailure) -> None:
        """The weights in use are no longer to be had by a new process."""
        self._errors.report(LatentsegError(failure.what, action=failure.action, detail=failure.detail))
        self._weights.activate_shipped()


def _restart(lane: ChildLane) -> None:
    """Starts a process that hangs again; one that has come back by itself meanwhile goes on."""
    if lane.is_hanging:
        lane.restart()
