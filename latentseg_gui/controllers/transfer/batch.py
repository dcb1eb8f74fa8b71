"""Predicting many images into a folder, while the window stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from uuid import uuid4

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs, JobSource
from latentseg_gui.controllers.prediction.class_mapping import LabelMap
from latentseg_gui.controllers.transfer.batch_pipeline import BatchPipeline, Task
from latentseg_gui.controllers.transfer.mask_snapshots import MaskSnapshot, snapshot_of
from latentseg_gui.controllers.transfer.output_dialog import OutputDialogController
from latentseg_gui.controllers.transfer.output_plans import Output, OutputPreview, Page, pages_of, preview_of
from latentseg_gui.controllers.transfer.output_run import Done, OutputReport, OutputRun, not_written
from latentseg_gui.controllers.waiting import LabelsToCome
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.inference.messages import PredictionExtras
from latentseg_gui.io.ledger import Ledger
from latentseg_gui.io.masks import FORMATS
from latentseg_gui.io.transfer.batch import BatchFolder, BatchItem, done_before, file_stamp
from latentseg_gui.io.transfer.sources import source_images
from latentseg_gui.panels.output import OutputChoice, OutputQuestion, Scope

_AHEAD = 3
"""One image is read, one predicted, one written."""


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
        files: Jobs,
        extras: Callable[[], PredictionExtras],
        errors: ErrorSink,
        coming: LabelsToCome,
        window: QWidget | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._engine = engine
        self._files = files
        self._extras = extras
        self._errors = errors
        self._weights: WeightsInfo | None = None
        self._run: OutputRun | None = None
        self._sources: dict[BatchItem, str] = {}
        self._pipeline: BatchPipeline | None = None
        self.output = OutputDialogController(files, coming, window, self)
        self.output.confirmed.connect(self._on_confirmed)
        self.selected: tuple[str, ...] = ()
        """The images that are selected in the list."""

    @property
    def is_running(self) -> bool:
        """Whether a run is under way."""
        return self._run is not None

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live now; a run that used those before stops."""
        before, self._weights = self._weights, weights
        self.output.set_no_model("")
        if self._run is not None and before is not None and before.version != weights.version:
            self._run.cancel()
            self._errors.inform(
                self.tr("The weights have changed: the prediction of the folder was stopped. Start it again.")
            )

    def set_selected(self, image_ids: Sequence[str]) -> None:
        """Other images are selected in the list."""
        self.selected = tuple(image_ids)

    def choose(self) -> None:
        """Asks of what, in which formats and to where, and begins; the model may be there only later."""
        if self._run is not None:
            self._errors.inform(
                self.tr("Images are being predicted already; stop that first, or wait for it.")
            )
            return
        self.output.open(self._question, self._previewing)

    def start(self, choice: OutputChoice) -> None:
        """Predicts; which images that means is looked up first."""
        self._files.submit(
            self._making(choice), self._begin, title=self.tr("Looking for images"), key="batch plan"
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
        count, unmasked = len(document.images.ids), len(self._ids("unmasked"))
        return OutputQuestion(
            title=self.tr("Predict folder"),
            explanation=self.tr(
                "The model predicts every image, with what is switched on in the Model menu; where you have "
                "labelled something, your labels are kept. "
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
            with_pictures=tuple(name for name, each in FORMATS.items() if each.with_pictures),
            chosen=self.output.formats,
            folder=self.output.folder_for(self._document),
            action=self.tr("Predict"),
        )

    def _ids(self, scope: str) -> list[str]:
        document = self._document
        if scope == "selected":
            return [each for each in document.images.ids if each in self.selected]
        if scope == "unmasked":
            labelled = set(document.masks.labelled_ids())
            return [each for each in document.images.ids if each not in labelled]
        return list(document.images.ids)

    def _making(self, choice: OutputChoice) -> Callable[[], Output]:
        """What makes of a choice, in a background thread, which images are meant, under which names."""
        classes, settings = self._document.classes.numbered, self._settings()
        if choice.source is not None:
            return partial(_output_of_folder, choice.source, choice, classes, settings)
        pages = pages_of(self._document, self._ids(choice.scope))
        return partial(Output.of, pages, choice, classes, settings, whole=True)

    def _previewing(self, choice: OutputChoice) -> Callable[[], OutputPreview]:
        """What says, in a background thread, what a choice comes to."""
        return partial(_previewed, self._making(choice), no_model=self.output.no_model)

    def _settings(self) -> str:
        """What the masks depend on besides the images and classes."""
        weights = self._weights
        if weights is None:
            return ""
        stamp = "" if weights.path is None else file_stamp(weights.path)
        return f"{weights.version} {weights.path} {stamp} {weights.class_names} {weights.device} {self._extras()}"

    def _begin(self, output: Output) -> None:
        if self._run is not None or not output.items:
            self._errors.inform(self.tr("There are no images to be predicted."))
            return
        self._pipeline = BatchPipeline(self._engine, self._files, LabelMap(self._weights), self._extras())
        self._sources = dict(zip(output.items, output.image_ids, strict=True))
        run = OutputRun(
            f"batch#{uuid4().hex}",
            self.tr("Predicting {0} of {1}"),
            (output.folder, output.plan),
            output.items,
            ledger=Ledger(may_replace=output.may_replace),
            files=self._files,
            make=self._make,
            ahead=_AHEAD,
            is_continued=True,
            parent=self,
        )
        self._run = run
        run.cancelled.connect(self._pipeline.cancel)
        run.began.connect(self.began)
        run.progressed.connect(self.progressed)
        run.ended.connect(self.ended)
        run.finished.connect(self._on_finished)
        run.failed.connect(self._on_failed)
        run.start()

    def _make(self, folder: BatchFolder, item: BatchItem, done: Done) -> None:
        image_id = self._sources.get(item, "")
        if self._document.images.has(image_id):
            snapshot = snapshot_of(self._document, image_id, item.stem, item.name)
        else:
            snapshot = MaskSnapshot(
                item.stem, item.name, item.path, item.frame, None, None, None, folder.plan.classes
            )
        if self._pipeline is not None:
            self._pipeline.make(Task(folder, item, snapshot, done))

    def _on_confirmed(self, choice: OutputChoice) -> None:
        self.start(choice)

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
            if report.made == 1:
                text = self.tr("1 image predicted to {1} in {2:.0f} s.")
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


def _output_of_folder(folder: Path, choice: OutputChoice, classes: ClassTable, settings: str) -> Output:
    """Runs in a background thread: every page of every image below a folder, but for what was written there."""
    pages = [Page(path) for path in source_images(folder, choice.folder)]
    return Output.of(pages, choice, classes, settings, whole=True)


def _previewed(make: Callable[[], Output], *, no_model: str) -> OutputPreview:
    """Runs in a background thread."""
    output = make()
    done = done_before(output.folder, output.plan, output.items)
    return preview_of(
        output, done, predicted=len(output.items) - len(done) if no_model else 0, no_model=no_model
    )
