"""Predicting many images into a folder, while the window stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from latentseg_gui.controllers.export import not_written, settle, write_item
from latentseg_gui.controllers.jobs import Jobs, JobSource
from latentseg_gui.controllers.labels import LabelMap
from latentseg_gui.controllers.mask_snapshots import MaskSnapshot, snapshot_of
from latentseg_gui.controllers.output_plans import Output, OutputPreview, preview_of
from latentseg_gui.controllers.output_run import Done, OutputReport, OutputRun
from latentseg_gui.controllers.ports import ErrorSink
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.types import ImageRecord, WeightsInfo
from latentseg_gui.inference.messages import PredictedPixels, PredictPixels
from latentseg_gui.io.batch import BatchFolder, BatchItem, BatchPlan, batch_items, done_before, file_stamp
from latentseg_gui.io.images import ImageError, list_images, probe, read_image
from latentseg_gui.io.masks import FORMATS
from latentseg_gui.panels.output import OutputChoice, OutputDialog, OutputQuestion, Scope

_BEHIND_THE_USER = -10
"""Clicks and the image that is looked at come first."""

_AHEAD = 3
"""One image is read, one predicted, one written."""

_PREVIEW = 9


@dataclass(frozen=True, slots=True)
class _Task:
    """One image on its way."""

    folder: BatchFolder
    item: BatchItem
    snapshot: MaskSnapshot
    done: Done


class BatchController(JobSource):
    """Predicts images of the list, or of a folder that need not be open, with the weights in use.

    Reading, predicting and writing overlap; every image is a job of its own, so that clicks are answered
    in between. A run that was stopped or killed is gone on with when it is started again.
    """

    finished = Signal(object)
    """Carries the `OutputReport` of a run."""

    def __init__(
        self,
        document: Document,
        *,
        engine: Jobs,
        readers: Jobs,
        writers: Jobs,
        errors: ErrorSink,
        window: QWidget | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._engine = engine
        self._readers = readers
        self._writers = writers
        self._errors = errors
        self._window = window
        self._weights: WeightsInfo | None = None
        self._run: OutputRun | None = None
        self._sources: dict[BatchItem, str] = {}
        self._labels = LabelMap()
        self._listed: dict[Path, tuple[BatchItem, ...]] = {}
        self.dialog: OutputDialog | None = None
        self.selected: tuple[str, ...] = ()
        """The images that are selected in the list."""
        self.formats: tuple[str, ...] = ("png",)
        self.folder = ""

    @property
    def is_running(self) -> bool:
        """Whether a run is under way."""
        return self._run is not None

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live now; a run that used those before stops."""
        before, self._weights = self._weights, weights
        if self._run is not None and before is not None and before.version != weights.version:
            self._run.cancel()
            self._errors.inform(
                self.tr("The weights have changed: the prediction of the folder was stopped. Start it again.")
            )

    def set_selected(self, image_ids: Sequence[str]) -> None:
        """Other images are selected in the list."""
        self.selected = tuple(image_ids)

    def choose(self) -> None:
        """Asks of what, in which formats and to where, and begins."""
        if self._weights is None:
            self._errors.inform(self.tr("The model is still being loaded; try again in a moment."))
            return
        if self._run is not None:
            self._errors.inform(
                self.tr("Images are being predicted already; stop that first, or wait for it.")
            )
            return
        dialog = OutputDialog(self._question(), self._window)
        dialog.preview_requested.connect(self._on_preview_requested)
        dialog.confirmed.connect(self._on_confirmed)
        dialog.finished.connect(self._on_dialog_finished)
        self.dialog = dialog
        dialog.open()

    def start(self, choice: OutputChoice) -> None:
        """Predicts; the images of a folder are looked up first."""
        if choice.source is None:
            self._begin(self._output(choice))
            return
        self._readers.submit(
            partial(_items_of, choice.source),
            partial(self._on_listed, choice),
            title=self.tr("Looking for images"),
            key="batch list",
        )

    def cancel(self) -> None:
        """Stops after the images that are on their way; the run can be gone on with."""
        if self._run is not None:
            self._run.cancel()

    def cancel_named(self, full_name: str) -> None:
        """Stops the run of this name; other names are not ours."""
        if self._run is not None and full_name == self._run.name:
            self._run.cancel()

    def abandon(self) -> None:
        """The window ends."""
        if self._run is not None:
            self._run.abandon()

    def _question(self) -> OutputQuestion:
        document = self._document
        count, unmasked = len(document.image_ids), len(self._ids("unmasked"))
        return OutputQuestion(
            title=self.tr("Predict folder"),
            explanation=self.tr(
                "The model predicts every image; where you have labelled something, your labels are kept. "
                "A run that was stopped goes on where it was when it is started again."
            ),
            scopes=(
                Scope("all", self.tr("All images of the list ({0})").format(count), count > 0),
                Scope("unmasked", self.tr("Images without a mask ({0})").format(unmasked), unmasked > 0),
                Scope(
                    "selected",
                    self.tr("Images selected in the list ({0})").format(len(self.selected)),
                    bool(self.selected),
                ),
                Scope("folder", self.tr("Images of a folder:"), wants_folder=True),
            ),
            formats=tuple((name, each.label) for name, each in FORMATS.items()),
            chosen=self.formats,
            folder=self.folder,
            action=self.tr("Predict"),
        )

    def _ids(self, scope: str) -> list[str]:
        document = self._document
        if scope == "selected":
            return [each for each in document.image_ids if each in self.selected]
        if scope == "unmasked":
            vouched = set(document.vouched_ids())
            return [each for each in document.image_ids if each not in vouched]
        return list(document.image_ids)

    def _output(self, choice: OutputChoice) -> Output:
        """What a choice means; for a folder, its images must have been listed."""
        if choice.source is None:
            return Output.of(self._document, self._ids(choice.scope), choice, self._settings())
        items = self._listed.get(choice.source, ())
        plan = BatchPlan(choice.formats, self._document.classes, self._settings())
        return Output(choice.folder, plan, items).beside_images()

    def _settings(self) -> str:
        """What the masks depend on besides the images and classes."""
        weights = self._weights
        if weights is None:
            return ""
        stamp = "" if weights.path is None else file_stamp(weights.path)
        return f"{weights.version} {weights.path} {stamp} {weights.class_names} {weights.device}"

    def _begin(self, output: Output) -> None:
        if self._run is not None or not output.items:
            self._errors.inform(self.tr("There are no images to be predicted."))
            return
        self._labels = LabelMap(self._weights)
        self._sources = dict(zip(output.items, output.image_ids, strict=False))
        run = OutputRun(
            f"batch#{uuid4().hex}",
            self.tr("Predicting {0} of {1}"),
            (output.folder, output.plan),
            output.items,
            files=self._writers,
            make=self._make,
            ahead=_AHEAD,
            is_continued=True,
            parent=self,
        )
        self._run = run
        run.began.connect(self.began)
        run.progressed.connect(self.progressed)
        run.ended.connect(self.ended)
        run.finished.connect(self._on_finished)
        run.failed.connect(self._on_failed)
        run.start()

    def _make(self, folder: BatchFolder, item: BatchItem, done: Done) -> None:
        image_id = self._sources.get(item)
        if image_id is not None and self._document.has_image(image_id):
            snapshot = snapshot_of(self._document, image_id, item.stem, item.name)
        else:
            snapshot = MaskSnapshot(item.stem, item.name, item.path, item.frame, None, None, None)
        task = _Task(folder, item, snapshot, done)
        if snapshot.pixels is not None:
            self._predict(task, snapshot.pixels)
            return
        self._readers.submit(
            partial(read_image, item.path, frame=item.frame),
            partial(self._on_read, task),
            key=f"batch read {item.path} {item.frame}",
            priority=_BEHIND_THE_USER,
            on_failure=partial(done, item),
        )

    def _on_read(self, task: _Task, answer: object) -> None:
        if isinstance(answer, ImageRecord):
            self._predict(replace(task, snapshot=replace(task.snapshot, pixels=answer.pixels)), answer.pixels)

    def _predict(self, task: _Task, pixels: NDArray[np.uint8]) -> None:
        needs = any(FORMATS[name].needs_probabilities for name in task.folder.plan.formats)
        self._engine.submit(
            PredictPixels(task.item.name, pixels, needs_probabilities=needs),
            partial(self._on_predicted, task),
            key=f"batch predict {task.item.path} {task.item.frame}",
            priority=_BEHIND_THE_USER,
            on_failure=partial(task.done, task.item),
        )

    def _on_predicted(self, task: _Task, answer: object) -> None:
        if not isinstance(answer, PredictedPixels):
            return
        self._writers.submit(
            partial(_write_predicted, task, answer, self._labels),
            partial(settle, task.done, task.item),
            key=f"batch write {task.item.stem}",
            priority=_BEHIND_THE_USER,
            on_failure=partial(task.done, task.item),
        )

    def _on_preview_requested(self, choice: OutputChoice) -> None:
        self._readers.submit(
            partial(self._preview, choice, self._output(choice)),
            partial(self._on_preview, choice),
            key="batch preview",
            priority=_PREVIEW,
        )

    def _preview(self, choice: OutputChoice, output: Output) -> OutputPreview:
        """Runs in a background thread."""
        if choice.source is not None:
            items = _items_of(choice.source)
            self._listed[choice.source] = items
            output = replace(output, items=items).beside_images()
        return preview_of(output, done_before(output.folder, output.plan, output.items))

    def _on_preview(self, choice: OutputChoice, answer: object) -> None:
        if isinstance(answer, OutputPreview) and self.dialog is not None:
            self.dialog.set_preview(choice, answer.text(), can_go=answer.can_go)

    def _on_dialog_finished(self, _: int) -> None:
        self.dialog = None

    def _on_confirmed(self, choice: OutputChoice) -> None:
        self.formats, self.folder = choice.formats, str(choice.folder)
        self.start(choice)

    def _on_listed(self, choice: OutputChoice, answer: object) -> None:
        if isinstance(answer, tuple) and choice.source is not None:
            self._listed[choice.source] = answer
            self._begin(self._output(choice))

    def _on_finished(self, report: OutputReport) -> None:
        self._end()
        if report.errors:
            self._errors.report(not_written(report))
        elif report.is_cancelled:
            text = self.tr(
                "Stopped: {0} of {1} images are done. Start it again with the same folder to go on."
            )
            self._errors.inform(text.format(report.made + report.kept, report.total))
        else:
            text = self.tr("{0} images predicted to {1} in {2:.0f} s.")
            self._errors.inform(text.format(report.made, report.folder, report.seconds))
        self.finished.emit(report)

    def _on_failed(self, error: LatentsegError) -> None:
        self._end()
        self._errors.report(error)

    def _end(self) -> None:
        if self._run is not None:
            self._run.deleteLater()
        self._run = None
        self._sources = {}


def _write_predicted(task: _Task, answer: PredictedPixels, labels: LabelMap) -> None:
    """Runs in a background thread: the classes of the weights become those of the document."""
    classes, prediction = task.folder.plan.classes, answer.prediction
    snapshot = replace(
        task.snapshot,
        prediction=replace(prediction, labels=labels.to_document(prediction.labels, classes)),
        probabilities=labels.probabilities(answer.probabilities, classes),
    )
    write_item(task.folder, task.item, snapshot)


def _items_of(folder: Path) -> tuple[BatchItem, ...]:
    """Runs in a background thread: every page of every image below a folder."""
    pages = []
    for path in list_images(folder):
        try:
            frames = probe(path).frames
        except ImageError:
            frames = 1
        pages += [(path, frame) for frame in range(frames)]
    return tuple(batch_items(pages, folder))
