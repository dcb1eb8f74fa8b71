"""Masks out to files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from uuid import uuid4

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from latentseg_gui.controllers.interfaces import ErrorSink, Offers
from latentseg_gui.controllers.jobs import Jobs, JobSource
from latentseg_gui.controllers.prediction.class_mapping import LabelMap
from latentseg_gui.controllers.transfer.batch_pipeline import BatchPipeline, Task
from latentseg_gui.controllers.transfer.mask_snapshots import snapshot_of, write_item
from latentseg_gui.controllers.transfer.output_dialog import OutputDialogController
from latentseg_gui.controllers.transfer.output_plans import Output, OutputPreview, pages_of, preview_of
from latentseg_gui.controllers.transfer.output_run import (
    Done,
    OutputReport,
    OutputRun,
    not_written,
    note_written,
)
from latentseg_gui.controllers.transfer.quick_export import QuickExport
from latentseg_gui.controllers.waiting import LabelsToCome
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.inference.messages import PredictionExtras
from latentseg_gui.io.ledger import Ledger
from latentseg_gui.io.masks import FORMATS
from latentseg_gui.io.transfer.batch import BatchFolder, BatchItem
from latentseg_gui.panels.output import OutputChoice, OutputQuestion, Scope


class ExportController(JobSource):
    """Writes what is labelled, completed by the prediction where that is wanted, in the formats of others."""

    def __init__(
        self,
        document: Document,
        *,
        writers: Jobs,
        engine: Jobs,
        extras: Callable[[], PredictionExtras],
        errors: ErrorSink,
        offers: Offers,
        coming: LabelsToCome,
        window: QWidget | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._writers = writers
        self._engine = engine
        self._extras = extras
        self._weights: WeightsInfo | None = None
        self._errors = errors
        self._offers = offers
        self._runs: dict[str, OutputRun] = {}
        self._planning = 0
        self._coming = coming
        self._quick = QuickExport(document, writers=writers, errors=errors, coming=coming, parent=self)
        self.saving = self._quick.waiting
        self.export_to, self.save_beside = self._quick.export_to, self._quick.save_beside
        self.output = OutputDialogController(writers, coming, window, self)
        self.output.confirmed.connect(self._on_confirmed)

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live now."""
        self._weights = weights
        self.output.set_no_model("")

    def export_current(self) -> None:
        """Asks for formats and folder, and writes masks: those of all images where several are labelled."""
        if self._quick.ready_image() is not None:
            self._open("labelled" if len(self._document.masks.labelled_ids()) > 1 else "current")

    def export_all(self) -> None:
        """Asks for formats and folder, and writes every mask there is."""
        has_labels = bool(self._document.masks.labelled_ids() or self._coming.sentence)
        if not has_labels and not self._with_masks():
            self._errors.inform(self.tr("No image has a mask or a prediction yet."))
            return
        self._open("labelled" if has_labels else "all")

    @property
    def is_busy(self) -> bool:
        """Whether something is being written, or is about to be."""
        return bool(self._runs or self._planning)

    def cancel_named(self, full_name: str) -> None:
        """Stops the run of this name; other names are not ours."""
        if full_name in self._runs:
            self._runs[full_name].cancel()

    def abandon(self) -> None:
        """The window ends."""
        for run in self._runs.values():
            run.abandon()

    def _making(self, choice: OutputChoice) -> Callable[[], Output]:
        """What makes of a choice, in a background thread, which images are meant, under which names."""
        pages = pages_of(self._document, self._ids(choice))
        return partial(Output.of, pages, choice, self._document.classes.numbered, whole=False)

    def start(self, output: Output) -> OutputRun:
        """Writes the masks, one after the other."""
        ids = dict(zip(output.items, output.image_ids, strict=True))
        pipeline = BatchPipeline(self._engine, self._writers, LabelMap(self._weights), self._extras())
        run = OutputRun(
            f"export#{uuid4().hex}",
            self.tr("Exporting {0} of {1}"),
            (output.folder, output.plan),
            output.items,
            ledger=Ledger(may_replace=output.may_replace),
            files=self._writers,
            make=partial(self._make, ids, pipeline, output.is_completed),
            parent=self,
        )
        self._runs[run.name] = run
        run.cancelled.connect(pipeline.cancel)
        run.began.connect(self.began)
        run.progressed.connect(self.progressed)
        run.ended.connect(self.ended)
        run.finished.connect(partial(self._on_finished, run))
        run.failed.connect(partial(self._on_failed, run))
        run.start()
        return run

    def _open(self, scope: str) -> None:
        self.output.open(self._question, self._previewing, scope)

    def _question(self) -> OutputQuestion:
        count, masks = len(self._with_masks()), len(self._document.masks.labelled_ids())
        has_none = not masks and not self._coming.sentence
        return OutputQuestion(
            title=self.tr("Export masks"),
            explanation=self.tr("Masks of your images are written, in the formats that you choose."),
            scopes=(
                Scope("current", self.tr("This image"), self._document.images.current_id is not None),
                Scope("labelled", self.tr("All images with a mask ({0})").format(masks), masks > 0),
                Scope(
                    "all", self.tr("All images with a mask or a prediction ({0})").format(count), count > 0
                ),
            ),
            formats=tuple((name, each.label) for name, each in FORMATS.items()),
            with_pictures=tuple(name for name, each in FORMATS.items() if each.with_pictures),
            chosen=self.output.formats,
            folder=self.output.folder_for(self._document),
            action=self.tr("Export"),
            is_completed=has_none if self.output.is_completed is None else self.output.is_completed,
        )

    def _previewing(self, choice: OutputChoice) -> Callable[[], OutputPreview]:
        """What says, in a background thread, what a choice comes to."""
        asked = partial(self._is_predicted, formats=choice.formats, is_completed=choice.is_completed)
        count = sum(map(asked, self._ids(choice)))
        return partial(_previewed, self._making(choice), count, no_model=self.output.no_model)

    def _ids(self, choice: OutputChoice) -> list[str]:
        if choice.scope == "current":
            found = [] if self._document.images.current_id is None else [self._document.images.current_id]
        else:
            found = self._with_masks()
        if choice.is_completed and choice.scope != "labelled":
            return found
        labelled = set(self._document.masks.labelled_ids())
        return [each for each in found if each in labelled]

    def _is_predicted(self, image_id: str, formats: Sequence[str], is_completed: bool) -> bool:
        """Whether the model is asked for an image: what it said is not known, or not what it says now."""
        if any(FORMATS[name].needs_probabilities for name in formats):
            return True  # the probability of every class is not kept with a prediction
        shape, document = self._document.masks.shape(image_id), self._document
        labelled = 0 if shape is None else document.masks.layer(image_id).num_labelled
        is_whole = not is_completed or (shape is not None and labelled == shape[0] * shape[1])
        if document.predictions.of(image_id) is None:
            return not labelled or "confidence" in formats
        return document.predictions.is_stale(image_id) and not (is_whole and "confidence" not in formats)

    def _make(
        self,
        ids: dict[BatchItem, str],
        pipeline: BatchPipeline,
        is_completed: bool,
        folder: BatchFolder,
        item: BatchItem,
        done: Done,
    ) -> None:
        if not self._document.images.has(ids[item]):
            done(item, gone(item))
            return
        snapshot = snapshot_of(self._document, ids[item], item.stem, item.name, is_completed=is_completed)
        if self._weights is not None and self._is_predicted(ids[item], folder.plan.formats, is_completed):
            pipeline.make(Task(folder, item, snapshot, done))
            return
        self._writers.submit(
            partial(write_item, folder, item, snapshot),
            partial(note_written, done, item),
            key=f"export {folder.folder} {item.stem}",
            on_failure=partial(done, item),
        )

    def _with_masks(self) -> list[str]:
        labelled = set(self._document.masks.labelled_ids())
        return [
            each
            for each in self._document.images.ids
            if each in labelled or self._document.predictions.of(each) is not None
        ]

    def _on_confirmed(self, choice: OutputChoice) -> None:
        self._planning += 1
        self._writers.submit(
            self._making(choice),
            self._on_planned,
            key=f"export plan {choice.folder}",
            on_failure=self._on_not_planned,
        )

    def _on_not_planned(self, error: LatentsegError) -> None:
        self._planning -= 1
        self._errors.report(error)

    def _on_planned(self, output: Output) -> None:
        self._planning -= 1
        self.start(output)

    def _on_finished(self, run: OutputRun, report: OutputReport) -> None:
        self._runs.pop(run.name, None)
        run.deleteLater()
        if report.errors:
            self._errors.report(not_written(report))
        elif report.is_cancelled:
            text = self.tr("Stopped: {0} of {1} images were exported to {2}.")
            self._errors.inform(text.format(report.made, report.total, report.folder))
        else:
            text = self.tr("{0} images exported to {1}.")
            one = self.tr("One image exported to {1}.")
            what = (one if report.made == 1 else text).format(report.made, report.folder)
            self._offers.suggest(LatentsegError(what), self.tr("Open folder"), partial(_open, report.folder))

    def _on_failed(self, run: OutputRun, error: LatentsegError) -> None:
        self._runs.pop(run.name, None)
        run.deleteLater()
        self._errors.report(error)


def _previewed(make: Callable[[], Output], predicted: int, *, no_model: str) -> OutputPreview:
    """Runs in a background thread."""
    return preview_of(make(), predicted=predicted, no_model=no_model)


def _open(folder: Path) -> None:
    """Shows a folder in the file manager of the system."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def gone(item: BatchItem) -> LatentsegError:
    """For an image that was taken off the list meanwhile."""
    return LatentsegError(f"“{item.name}” was taken off the list before its turn.", action="Open it again.")
