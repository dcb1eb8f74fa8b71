"""One image of a batch on its way: read, predicted, written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.prediction.class_mapping import LabelMap
from latentseg_gui.controllers.transfer.mask_snapshots import MaskSnapshot, write_item
from latentseg_gui.controllers.transfer.output_run import Done, note_written
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.prediction.separating import separated
from latentseg_gui.document.types import ImageRecord
from latentseg_gui.inference.messages import PredictedPixels, PredictionExtras, PredictPixels
from latentseg_gui.inference.request import Priority
from latentseg_gui.io.images.reading import read_image
from latentseg_gui.io.masks import FORMATS
from latentseg_gui.io.transfer.batch import BatchFolder, BatchItem
from model.analysis.objects import ObjectOptions

"""Clicks and the image that is looked at come first."""


@dataclass(frozen=True, slots=True)
class Task:
    """One image, and who wants to hear of it.

    Attributes:
        folder: where its masks go.
        item: which one it is.
        snapshot: what is known of it.
        done: called when it is written, or with what went wrong.
    """

    folder: BatchFolder
    item: BatchItem
    snapshot: MaskSnapshot
    done: Done


class BatchPipeline:
    """Three jobs in a row for every image, in lanes that work side by side.

    Args:
        engine: predicts.
        files: reads and writes.
        labels: from the classes of the weights to those of the document.
        extras: what makes predictions better, and slower.
    """

    def __init__(self, engine: Jobs, files: Jobs, labels: LabelMap, extras: PredictionExtras) -> None:
        self._extras = extras
        self._engine = engine
        self._files = files
        self._labels = labels
        self._predicting: dict[BatchItem, int] = {}

    def make(self, task: Task) -> None:
        """Begins; an image that is in memory is not read again."""
        if task.snapshot.record is not None:
            self._predict(task, task.snapshot.record.pixels)
            return
        item = task.item
        self._files.submit(
            partial(read_image, item.path, frame=item.frame),
            partial(self._on_read, task),
            key=f"batch read {item.path} {item.frame}",
            priority=Priority.SPARE_TIME,
            on_failure=partial(task.done, item),
        )

    def cancel(self) -> None:
        """Stops predicting; what is predicted is still written."""
        for job_id in list(self._predicting.values()):
            self._engine.cancel(job_id)

    def _on_read(self, task: Task, record: ImageRecord) -> None:
        self._predict(replace(task, snapshot=replace(task.snapshot, record=record)), record.pixels)

    def _predict(self, task: Task, pixels: NDArray[np.uint8]) -> None:
        needs = any(FORMATS[name].needs_probabilities for name in task.folder.plan.formats)
        self._predicting[task.item] = self._engine.submit(
            PredictPixels(task.item.name, pixels, needs_probabilities=needs, extras=self._extras),
            partial(self._on_predicted, task),
            key=f"batch predict {task.item.path} {task.item.frame}",
            is_fresh=lambda answer: answer.prediction.version == self._labels.version,
            on_stale=partial(self._on_failed, task, _other_weights(task.item)),
            on_failure=partial(self._on_failed, task),
            on_cancelled=partial(self._on_failed, task, _stopped()),
        )

    def _on_failed(self, task: Task, error: LatentsegError) -> None:
        self._predicting.pop(task.item, None)
        task.done(task.item, error)

    def _on_predicted(self, task: Task, answer: PredictedPixels) -> None:
        self._predicting.pop(task.item, None)
        self._files.submit(
            partial(_write, task, answer, self._labels, self._extras.objects),
            partial(note_written, task.done, task.item),
            key=f"batch write {task.item.stem}",
            priority=Priority.SPARE_TIME,
            on_failure=partial(task.done, task.item),
        )


def _stopped() -> LatentsegError:
    return LatentsegError("It was stopped before it was predicted.", action="Start it again to go on.")


def _other_weights(item: BatchItem) -> LatentsegError:
    return LatentsegError(
        f"“{item.name}” was not written: the weights have changed meanwhile.", action="Start it again."
    )


def _write(task: Task, answer: PredictedPixels, labels: LabelMap, options: ObjectOptions) -> None:
    """Runs in a background thread: the classes of the weights become those of the document, and have objects."""
    classes, prediction = task.snapshot.classes, answer.prediction
    prediction = replace(prediction, labels=labels.to_document(prediction.labels, classes))
    snapshot = replace(
        task.snapshot,
        prediction=separated(prediction, classes, options).prediction,
        probabilities=labels.probabilities(answer.probabilities, classes),
    )
    write_item(task.folder, task.item, snapshot)
