"""Which network suits these images: several learn from the user's labels, and the best is taken with one click."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.training.finetune import FineTuneController
from latentseg_gui.controllers.training.training_view import class_colours, painted
from latentseg_gui.controllers.training.weights import WeightsController
from latentseg_gui.controllers.waiting import WaitingStart
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.training.compared_networks import (
    NetworkOutcome,
    NetworkProgress,
    NetworksCompared,
)
from latentseg_gui.document.training.learning import LATENT_EXPERT
from latentseg_gui.document.training.runs import FineTuneResult, TrainingSample
from latentseg_gui.document.types import Labels
from latentseg_gui.inference.messages import OtherPrediction, PredictWith
from latentseg_gui.inference.training.messages import CompareNetworks
from latentseg_gui.io.storage import make_folder, remove_file
from latentseg_gui.panels.training import ComparisonWish, NetworksDialog, PictureShown

_SIDE = 280
"""Longer side of the pictures side by side, in pixels."""


@dataclass(frozen=True, slots=True)
class _Compared:
    """What a comparison learns from, for as long as its outcome is shown.

    Attributes:
        images: by id the pixels uint8 [h, w, 3] and labels uint8 [h, w], every n-th of them.
        steps: by image id that n.
    """

    classes: ClassTable
    images: dict[str, tuple[NDArray[np.uint8], Labels]]
    steps: dict[str, int]


class NetworkComparisonController(QObject):
    """Lets networks learn one after the other beside the window; nothing is in use before the user takes it.

    Args:
        document: the truth.
        weights: takes what the user takes.
        finetune: knows what is labelled, and waits meanwhile.
        training: where networks learn.
        engine: predicts with what they have learned.
        errors: tells the user.
        folder: for files of weights, which end with the window.
        window: that the dialog belongs to.
        parent: owner of this QObject.
    """

    def __init__(
        self,
        document: Document,
        weights: WeightsController,
        finetune: FineTuneController,
        *,
        training: Jobs,
        engine: Jobs,
        errors: ErrorSink,
        folder: Path,
        window: QWidget,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._weights = weights
        self._finetune = finetune
        self._training = training
        self._engine = engine
        self._errors = errors
        self._folder = folder
        self._window = window
        self._job: int | None = None
        self._number = 0
        self._wish = ComparisonWish((), 0.0)
        self._reading: ComparisonWish | None = None
        self._compared: _Compared | None = None
        self._outcome = NetworksCompared((), "")
        self._shown = ""
        self._pictures: dict[str, PictureShown] = {}
        self.dialog: NetworksDialog | None = None
        self.waiting = _waiting(self, lambda: self.start(self._wish), finetune, document, errors)
        for change in (self.waiting.began, self.waiting.ended, finetune.state_changed):
            change.connect(self._show_obstacle)
        document.events.images_changed.connect(self._on_images_changed)

    @property
    def is_running(self) -> bool:
        """Whether networks learn."""
        return self._job is not None or self._reading is not None

    @property
    def outcome(self) -> NetworksCompared:
        """How the last comparison ended; without rows where there is none."""
        return self._outcome

    def open(self) -> None:
        """Shows the dialog, with what goes on or came of it."""
        if self.dialog is None:
            self.dialog = self._made()
        self._show_obstacle()
        self.dialog.show()
        self.dialog.activateWindow()

    def start(self, wish: ComparisonWish) -> None:
        """Begins, once nothing is missing that comes by itself; says why where it cannot."""
        self._wish, obstacle = wish, self._obstacle()
        if obstacle or not wish.networks:
            self.waiting.stop()
            self._errors.inform(obstacle or self.tr("Tick at least one network."))
        elif self.waiting.waits_for(self._finetune.awaited()) or not self._finetune.background.ask():
            return
        elif not self.waiting.waits_for(self._finetune.awaited()):  # something else may have begun meanwhile
            self._reading = wish
            self._finetune.hold(self.tr("Networks are being compared."))
            self._finetune.samples.collect(
                partial(self._submit, wish, self._document.classes),  # labels are numbered by these
                self._on_failed,
                is_current=lambda: self._reading is wish,
                on_dropped=self._on_cancelled,
            )

    def cancel(self) -> None:
        """Ends it, or takes back the one that waits; nothing of it is kept."""
        if self.waiting.sentence:
            self.waiting.stop()
        elif self._job is not None:
            self._training.cancel(self._job)
        elif self.is_running:
            self._on_cancelled()
            self._finetune.samples.stop()

    def use(self, name: str) -> None:
        """Takes what a network has learned as a version, and uses it."""
        outcome = next((each for each in self._outcome.outcomes if each.name == name), None)
        if outcome is None or outcome.weights is None or self._compared is None:
            return
        taken = next((each for each in self._weights.versions.values() if each.path == outcome.weights), None)
        if taken is not None:  # pressed again
            self._weights.activate(taken.name)
            return
        result = _result(outcome, outcome.weights, self._weights.next_name(), self._outcome.measured_on)
        self._weights.adopt(result, images=len(self._compared.images), is_live=True)
        self._errors.inform(self.tr("{0} is in use now, as {1}.").format(outcome.title, result.version))

    def _on_images_changed(self) -> None:
        """Where all images are gone that it learned from, as when another project is opened, so are its rows."""
        compared = self._compared
        if compared is None or any(self._document.images.has(each) for each in compared.images):
            return
        if self.is_running:
            self.cancel()
        else:
            self._forget()
            self._show_table()

    def _made(self) -> NetworksDialog:
        dialog = NetworksDialog(self._window)
        dialog.start_requested.connect(self.start)
        dialog.cancel_requested.connect(self.cancel)
        dialog.use_requested.connect(self.use)
        dialog.image_requested.connect(self._show_image)
        return dialog

    def _obstacle(self) -> str:
        if self.is_running:
            return self.tr("Networks are being compared already.")
        if self._weights.live is None and not self._weights.has_failed:
            return self.tr("The model is still being loaded. The networks are listed when that is done.")
        return self._finetune.readiness.lacking()

    def _show_obstacle(self) -> None:
        if self.dialog is None:
            return
        live, waiting = self._weights.live, self.waiting.sentence
        self.dialog.set_networks(() if live is None else live.networks)
        self.dialog.set_running(is_running=self.is_running or bool(waiting), why_not_yet=waiting)
        self.dialog.set_obstacle("" if self.is_running else self._obstacle())

    def _submit(self, wish: ComparisonWish, classes: ClassTable, samples: tuple[TrainingSample, ...]) -> None:
        self._reading = None
        self._forget()
        self._number += 1
        try:
            make_folder(self._folder)
        except LatentsegError as error:
            self._on_failed(error)
            return
        self._compared = _kept(samples, classes)
        files = self._folder, f"compared-{self._number}-"
        request = _request(wish, samples, classes, self._finetune, files)
        self._job = self._training.submit(
            request,
            self._on_compared,
            title=self.tr("Comparing networks"),
            key="compare networks",
            on_progress=self._on_progress,
            on_failure=self._on_failed,
            on_cancelled=self._on_cancelled,
        )
        self._show_obstacle()
        self._show_table()

    def _on_progress(self, progress: object) -> None:
        if isinstance(progress, NetworkProgress) and self.dialog is not None:
            self.dialog.set_progress(progress)

    def _on_compared(self, outcome: NetworksCompared) -> None:
        self._outcome = outcome
        self._end()
        if self.dialog is None or not self.dialog.isVisible():
            text = self.tr("The networks are compared: open Compare networks to see how they did.")
            self._errors.inform(text)

    def _on_failed(self, error: LatentsegError) -> None:
        self._forget()
        self._end()
        self._errors.report(error)

    def _on_cancelled(self) -> None:
        self._forget()
        self._end()
        self._errors.inform(self.tr("The comparison was cancelled; nothing of it is kept."))

    def _end(self) -> None:
        self._job = self._reading = None
        self._finetune.hold("")
        self._show_obstacle()
        self._show_table()

    def _forget(self) -> None:
        """Lets the last comparison go, with the files that did not become versions."""
        kept = {version.path for version in self._weights.versions.values()}
        for outcome in self._outcome.outcomes:
            if outcome.weights is not None and outcome.weights not in kept:
                with suppress(LatentsegError):
                    remove_file(outcome.weights)
        self._outcome, self._compared, self._shown, self._pictures = NetworksCompared((), ""), None, "", {}

    def _show_table(self) -> None:
        """The outcome, and the images to look at it on: the one that is on the canvas first."""
        dialog, compared = self.dialog, self._compared
        if dialog is None:
            return
        dialog.set_outcome(self._outcome, () if compared is None else compared.classes.names)
        ids = list(compared.images) if compared is not None and self._outcome.outcomes else []
        ids.sort(key=lambda each: each != self._document.images.current_id)
        images = self._document.images
        dialog.set_images([(each, images.name(each)) for each in ids if images.has(each)])

    def _show_image(self, image_id: str) -> None:
        """Asks every network what it sees in an image."""
        compared, dialog = self._compared, self.dialog
        if compared is None or dialog is None or image_id not in compared.images:
            return
        self._shown = image_id
        pixels, labels = compared.images[image_id]
        picture = painted(pixels, labels, class_colours(compared.classes))
        self._pictures = {"": PictureShown(self.tr("Your labels"), picture)}
        for outcome in self._outcome.outcomes:
            if outcome.weights is not None:
                self._pictures[outcome.name] = PictureShown(outcome.title, pixels, is_waited_for=True)
        dialog.set_pictures(tuple(self._pictures.values()))
        for outcome in self._outcome.outcomes:
            if outcome.weights is not None:
                self._ask(image_id, outcome, compared)

    def _ask(self, image_id: str, outcome: NetworkOutcome, compared: _Compared) -> None:
        self._engine.submit(
            PredictWith(image_id, outcome.weights, outcome.title, self._weights.device),
            partial(self._on_predicted, image_id, outcome),
            key=f"compared {outcome.name}",
            is_current=lambda: self._shown == image_id and self._compared is compared,
        )

    def _on_predicted(self, image_id: str, outcome: NetworkOutcome, answer: OtherPrediction) -> None:
        compared = self._compared
        if compared is None or self.dialog is None:
            return
        pixels, step = compared.images[image_id][0], compared.steps[image_id]
        labels = answer.prediction.labels[::step, ::step]
        picture = painted(pixels, labels, class_colours(compared.classes))
        self._pictures[outcome.name] = PictureShown(outcome.title, picture)
        self.dialog.set_pictures(tuple(self._pictures.values()))


def _waiting(
    comparing: NetworkComparisonController,
    start: Callable[[], None],
    finetune: FineTuneController,
    document: Document,
    errors: ErrorSink,
) -> WaitingStart:
    """What begins again as soon as nothing is awaited any more."""
    return WaitingStart(
        comparing.tr("Comparing networks"),
        comparing.tr("Comparing starts when that is done."),
        start=start,
        looks=finetune.state_changed,
        labels=finetune.samples.coming,
        document=document,
        errors=errors,
        parent=comparing,
    )


def _request(
    wish: ComparisonWish,
    samples: tuple[TrainingSample, ...],
    classes: ClassTable,
    finetune: FineTuneController,
    files: tuple[Path, str],
) -> CompareNetworks:
    """What is asked of the training process; ``files`` is where weights are written, and how their names begin."""
    return CompareNetworks(
        networks=wish.networks,
        samples=samples,
        class_names=classes.names,
        class_colours=classes.colours,
        folder=files[0],
        prefix=files[1],
        seconds=wish.seconds,
        settings=finetune.plan.settings,
        is_rest_background=finetune.background.is_rest,
        smallest=classes.smallest,
    )


def _result(outcome: NetworkOutcome, weights: Path, version: str, measured_on: str) -> FineTuneResult:
    """What a network has learned, as if it alone had been fine-tuned."""
    return FineTuneResult(
        weights=weights,
        version=version,
        metric_before=math.nan,
        metric_after=outcome.mean_iou,
        is_better=True,
        seconds=outcome.seconds,
        validated_on=measured_on,
        network="" if outcome.name == LATENT_EXPERT else outcome.title,
    )


def _kept(samples: tuple[TrainingSample, ...], classes: ClassTable) -> _Compared:
    """What is needed to show images of a comparison, in little memory."""
    images, steps = {}, {}
    for sample in samples:
        step = math.ceil(max(sample.labels.shape) / _SIDE)
        steps[sample.image_id] = step
        images[sample.image_id] = (
            sample.pixels[::step, ::step].copy(),
            sample.labels[::step, ::step].copy(),
        )
    return _Compared(classes, images, steps)
