"""Corrected masks -> a new version of the weights, while the window stays alive."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, Signal

from latentseg_gui.controllers.interfaces import Dialogs, ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.training.background import BackgroundQuestion
from latentseg_gui.controllers.training.readiness import Readiness
from latentseg_gui.controllers.training.training_set import TrainingSet
from latentseg_gui.controllers.training.weights import WeightsController
from latentseg_gui.controllers.waiting import LabelsToCome, WaitingStart
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable, labels_with_ids
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.training.learning import SPEEDS, LearningSettings
from latentseg_gui.document.training.runs import FineTuneProgress, FineTuneResult, TrainingSample
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.inference.training.messages import FineTune
from latentseg_gui.io.storage import make_folder

PAUSE, RESUME, FINISH = "pause", "resume", "finish"
"""What the training worker understands while it runs."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How the next run shall go; the panel sets it. ``network`` is "" for that of the weights in use."""

    speed: str = "quick"
    seconds: float = SPEEDS["quick"].seconds
    settings: LearningSettings = field(default_factory=LearningSettings)
    is_rest_background: bool = False
    network: str = ""

    def with_seconds(self, seconds: float) -> TrainingPlan:
        """The same with another time budget."""
        return replace(self, seconds=seconds)


class FineTuneController(QObject):
    """Runs one fine-tuning at a time in the training process.

    It trains on copies of what is labelled, in a clone of the live weights; the live ones change only
    when the outcome is adopted.
    """

    progressed = Signal(object)
    """`FineTuneProgress` of the running job."""

    state_changed = Signal()
    """It started, ended, or what it would train on changed."""

    ended = Signal(object)
    """`FineTuneResult`, or None where there is none."""

    def __init__(
        self,
        document: Document,
        weights: WeightsController,
        *,
        training: Jobs,
        readers: Jobs,
        errors: ErrorSink,
        versions_folder: Path,
        coming: LabelsToCome | None = None,
        dialogs: Dialogs | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.samples = TrainingSet(document, readers=readers, coming=coming, parent=self)
        self.samples.changed.connect(self.state_changed)
        self.background = BackgroundQuestion(self.samples, dialogs, self)
        self.readiness = Readiness(self.samples, self.background, weights, self)
        self._document = document
        self._weights = weights
        self._training = training
        self._errors = errors
        self._folder = versions_folder
        self._job: int | None = None
        self._reading: TrainingPlan | None = None
        self._is_paused = False
        self._is_refit = False
        self._is_refusal_told = False
        self.plan = TrainingPlan()
        self.waiting = _waiting(self, document, errors)

    @property
    def is_running(self) -> bool:
        """Whether a fine-tuning is under way."""
        return self._job is not None or self._reading is not None

    @property
    def is_paused(self) -> bool:
        """Whether the running job holds still."""
        return self._is_paused

    @property
    def is_refitting(self) -> bool:
        """Whether what is under way is a refit that nobody asked for by hand."""
        return self.is_running and self._is_refit

    def obstacle(self) -> str:
        """Why it cannot start, as a sentence; empty where it can."""
        if self.is_running and not self._is_refit:
            return self.tr("A fine-tuning is running.")
        return self.readiness.lacking()

    def awaited(self, *, needs_classes: bool = True) -> str:
        """What is missing and comes by itself, as a sentence, for whatever wants to train; empty where nothing is.

        Args:
            needs_classes: whether it matters which classes are labelled.
        """
        if self.is_refitting:
            return self.tr("A refit is under way.")
        if self.is_running:
            return self.tr("A fine-tuning is running.")
        return self.readiness.awaited(needs_classes=needs_classes)

    def start(self) -> None:
        """Starts as `plan` says, once nothing is missing that comes by itself; says why where it cannot."""
        if obstacle := self.obstacle():
            self.waiting.stop()
            self._errors.inform(obstacle)
        elif self.waiting.waits_for(self.awaited()) or not self.background.ask():
            return
        elif not self.waiting.waits_for(self.awaited()):  # something else may have begun meanwhile
            self._begin(self.plan, is_refit=False)

    def hold(self, why: str) -> None:
        """Begins nothing while something else learns, which ``why`` says in a sentence; "" lets it begin again."""
        self.readiness.held = why
        self.state_changed.emit()

    def cancel(self) -> None:
        """Ends the running job, or takes back the one that waits; the live weights stay as they are."""
        if self.waiting.sentence:
            self.waiting.stop()
        elif self._job is not None:
            self._training.cancel(self._job)
        elif self._reading is not None:
            self._on_cancelled()
            self.samples.stop()

    def set_paused(self, is_paused: bool) -> None:
        """Lets the running job hold still, or go on; the time that it may take stands still, too."""
        if self._job is not None and is_paused != self._is_paused:
            self._is_paused = is_paused
            self._training.lane.tell(self._job, PAUSE if is_paused else RESUME)
        self.state_changed.emit()  # also where nothing could be held: a button that was pressed tells it wrong

    def toggle_pause(self) -> None:
        """Holds the running job, or lets it go on."""
        self.set_paused(not self._is_paused)

    def finish(self) -> None:
        """Ends the running job now, with the best weights so far."""
        if self._job is not None:
            self._is_paused = False
            self._training.lane.tell(self._job, FINISH)
            self.state_changed.emit()

    def refit(self, plan: TrainingPlan, *, says_why: bool = False) -> None:
        """Starts as ``plan`` says; where it cannot, it waits for what is missing, which it may say.

        Whoever calls this has waited until labels are counted, and nothing is `awaited`.
        """
        obstacle = (
            obstacle_of_live(self._weights.live) or self.obstacle() or self.background.obstacle_of_refit()
        )
        if not self.is_running and not obstacle:
            self._begin(plan, is_refit=True)
        elif obstacle and says_why:
            self._errors.inform(
                self.tr("Live refit is on, but has nothing to begin with. {0}").format(obstacle)
            )

    def _begin(self, plan: TrainingPlan, *, is_refit: bool) -> None:
        self._is_refit = is_refit
        plan = replace(plan, is_rest_background=self.background.is_rest)
        self._reading = plan
        self.samples.collect(
            partial(self._submit, plan, self._document.classes),  # labels are numbered by the classes of now
            self._on_failed,
            is_current=lambda: self._reading is plan,
            on_dropped=self._on_cancelled,
        )
        self.state_changed.emit()

    def _submit(self, plan: TrainingPlan, classes: ClassTable, samples: tuple[TrainingSample, ...]) -> None:
        self._reading = None
        version = self._weights.next_name()
        try:
            make_folder(self._folder)
        except LatentsegError as error:
            self._on_failed(error)
            return
        request = FineTune(
            weights=self._weights.coming_path if goes_on(plan, self._weights.live) else None,
            version=version,
            samples=samples,
            class_names=classes.names,
            class_colours=classes.colours,
            output=self._folder / f"{version}.safetensors",
            seconds=plan.seconds,
            speed=plan.speed,
            settings=plan.settings,
            shown=self._document.images.current_id or "",
            is_rest_background=plan.is_rest_background,
            network=plan.network,
            smallest=classes.smallest,
        )
        self._is_paused = False
        self._job = self._training.submit(
            request,
            partial(self._on_result, plan, len(samples)),
            title=self.tr("Fine-tuning"),
            key="finetune",
            on_progress=partial(self._on_progress, classes.names),
            on_failure=self._on_failed,
            on_cancelled=self._on_cancelled,
        )
        self.state_changed.emit()

    def _on_progress(self, class_names: tuple[str, ...], progress: object) -> None:
        """Shows what a live refit sees, too, before its weights are loaded for clicks and other images."""
        if isinstance(progress, FineTuneProgress):
            self.progressed.emit(progress)
        elif (
            isinstance(progress, Prediction)
            and self._document.classes.names == class_names
            and self._document.masks.shape(progress.image_id) == progress.labels.shape
        ):
            labels = labels_with_ids(progress.labels, self._document.classes)
            self._document.predictions.set(replace(progress, labels=labels))

    def _on_result(self, plan: TrainingPlan, images: int, result: FineTuneResult) -> None:
        self._job = None
        self._weights.adopt(result, images=images, is_live=result.is_better, is_refit=plan.speed == "live")
        if result.note:
            self._errors.inform(result.note)
        elif self._is_refit:
            self._tell_refusal(result)
        else:  # for those who do not look at the panel
            words = self.tr("Fine-tuning has ended: {0} is in use now.")
            if not result.is_better:
                words = self.tr("Fine-tuning has ended: {0} is not better, so the weights in use stay.")
            self._errors.inform(words.format(result.version))
        self._end(result)

    def _tell_refusal(self, result: FineTuneResult) -> None:
        """Says why the overlay does not follow, at the first of several refits that are not taken over."""
        is_news = not result.is_better and not self._is_refusal_told
        self._is_refusal_told = not result.is_better
        if is_news:
            words = self.tr(
                "Refit not used: mean IoU {0} on held-out pixels, {1} without it. Correct more, or fine-tune."
            )
            self._errors.inform(words.format(f"{result.metric_after:.2f}", f"{result.metric_before:.2f}"))

    def _on_failed(self, error: LatentsegError) -> None:
        self._job = self._reading = None
        action = " ".join(
            part for part in (error.action, self.tr("The weights in use have not changed.")) if part
        )
        self._errors.report(LatentsegError(error.what, action=action, detail=error.detail))
        self._end(None)

    def _on_cancelled(self) -> None:
        self._job = self._reading = None
        self._errors.inform(self.tr("Fine-tuning was cancelled; the weights in use have not changed."))
        self._end(None)

    def _end(self, result: FineTuneResult | None) -> None:
        self._is_paused = self._is_refit = False
        self.ended.emit(result)
        self.state_changed.emit()


def _waiting(finetune: FineTuneController, document: Document, errors: ErrorSink) -> WaitingStart:
    """What starts it again as soon as nothing is awaited any more."""
    waiting = WaitingStart(
        finetune.tr("Fine-tuning"),
        finetune.tr("Fine-tuning starts when that is done."),
        start=finetune.start,
        looks=finetune.state_changed,
        labels=finetune.samples.coming,
        document=document,
        errors=errors,
        parent=finetune,
    )
    waiting.began.connect(finetune.state_changed)
    waiting.ended.connect(finetune.state_changed)
    return waiting


def obstacle_of_live(live: WeightsInfo | None) -> str:
    """Why weights cannot learn while masks are corrected; empty where they can."""
    if not isinstance(live, WeightsInfo) or live.can("live"):
        return ""
    words = QCoreApplication.translate(
        "training",
        "{0} cannot learn while you correct; fine-tune it, or go back to weights of the latent-expert network.",
    )
    return words.format(live.title)


def goes_on(plan: TrainingPlan, live: WeightsInfo | None) -> bool:
    """Whether the network that shall learn is that of the weights in use, and goes on from them."""
    return not plan.network or not isinstance(live, WeightsInfo) or plan.network == live.network
