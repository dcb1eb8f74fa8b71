"""What would be trained on: the images with labelled pixels that are ticked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypedDict, Unpack

import numpy as np
from PySide6.QtCore import QObject, Signal

from latentseg_gui.controllers.jobs import Jobs, OnFailure
from latentseg_gui.controllers.training.labelled import LabelledCounts
from latentseg_gui.controllers.waiting import LabelsToCome
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import ClassTable, numbered_labels
from latentseg_gui.document.masks.label_rows import LabelsByRow, labels_by_row
from latentseg_gui.document.masks.layers import Arrays
from latentseg_gui.document.prediction.separating import counted_only
from latentseg_gui.document.training.runs import TrainingSample
from latentseg_gui.document.types import ImageRecord
from latentseg_gui.inference.request import Priority
from latentseg_gui.io.images.reading import read_image

OnRows = Callable[[tuple[LabelsByRow, ...]], None]


@dataclass(frozen=True, slots=True)
class _Wish:
    number: int
    on_rows: OnRows
    on_failure: OnFailure


class LabelRows:
    """Counts masks beside the window, one job per mask, and again only those that have changed.

    Args:
        document: whose masks.
        readers: of a thread.
    """

    def __init__(self, document: Document, readers: Jobs) -> None:
        self._document = document
        self._readers = readers
        self._known: dict[str, tuple[int, LabelsByRow]] = {}
        self._asked = 0

    def ready(self, image_ids: Sequence[str], on_rows: OnRows, on_failure: OnFailure) -> None:
        """Hands over the counts of these images; who asks again meanwhile is answered instead."""
        self._asked += 1
        self._known = {key: value for key, value in self._known.items() if self._document.images.has(key)}
        self._count(_Wish(self._asked, on_rows, on_failure), tuple(image_ids), ())

    def _count(self, wish: _Wish, waiting: tuple[str, ...], counted: tuple[LabelsByRow, ...]) -> None:
        for position, image_id in enumerate(waiting):
            if not self._document.images.has(image_id):
                continue
            version, rows = self._known.get(image_id, (-1, None))
            if rows is None or version != self._document.masks.layer(image_id).version:
                self._ask(wish, image_id, waiting[position + 1 :], counted)
                return
            counted = (*counted, rows)
        wish.on_rows(counted)

    def _ask(
        self, wish: _Wish, image_id: str, waiting: tuple[str, ...], counted: tuple[LabelsByRow, ...]
    ) -> None:
        layer = self._document.masks.layer(image_id)

        def on_counted(rows: LabelsByRow) -> None:
            self._known[image_id] = version, rows
            self._count(wish, waiting, (*counted, rows))

        version = layer.version
        self._readers.submit(
            partial(_rows, layer.snapshot()),
            on_counted,
            key="rows of labels",
            priority=Priority.SPARE_TIME,
            is_current=lambda: wish.number == self._asked,
            on_failure=wish.on_failure,
        )


def _rows(unpack: Callable[[], Arrays]) -> LabelsByRow:
    """In another thread; what classes are above the last one that occurs needs no room."""
    counts = labels_by_row(unpack()[0])
    last = int(np.flatnonzero(counts.any(0)).max(initial=0))
    return counts[:, : last + 1].copy()


OnSamples = Callable[[tuple[TrainingSample, ...]], None]

_AT_ONCE: Final = 8_000_000
"""Masks of more pixels than this are copied in another thread."""


class TrainingSet(QObject):
    """Ticks, counts, and snapshots of the labels.

    Signals:
        changed: what it would train on changed.

    Attributes:
        counts: of labelled pixels.
        rows: where masks have which classes.
        coming: labels that are on their way into the document.
    """

    changed = Signal()

    def __init__(
        self,
        document: Document,
        *,
        readers: Jobs,
        coming: LabelsToCome | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.coming = coming or LabelsToCome(document, self)
        self.coming.changed.connect(self.changed)
        self.counts = LabelledCounts(document, readers, self)
        self.counts.changed.connect(self.changed)
        self.rows = LabelRows(document, readers)
        self._document = document
        self._readers = readers
        self._left_out: set[str] = set()
        self._reading: tuple[int, tuple[str, ...]] | None = None
        document.events.images_changed.connect(self._on_images_changed)

    @property
    def image_ids(self) -> tuple[str, ...]:
        """The images it would train on: those with labelled pixels that are ticked."""
        return tuple(each for each in self._document.masks.labelled_ids() if each not in self._left_out)

    @property
    def classes(self) -> set[int]:
        """Class ids with labelled pixels on the ticked images."""
        total = sum((self.counts.of(image_id) for image_id in self.image_ids), np.zeros(1, np.int64))
        return {int(number) for number in np.flatnonzero(total)}

    @property
    def has_rest(self) -> bool:
        """Whether the ticked images have pixels without a label."""
        layers = [self._document.masks.layer(image_id) for image_id in self.image_ids]
        return any(layer.num_labelled < layer.shape[0] * layer.shape[1] for layer in layers)

    def set_ticked(self, image_id: str, is_ticked: bool) -> None:
        """Trains on an image, or leaves it out."""
        (self._left_out.discard if is_ticked else self._left_out.add)(image_id)
        self.changed.emit()

    def is_ticked(self, image_id: str) -> bool:
        """Whether an image is trained on."""
        return image_id not in self._left_out

    def ready(self, limit: int, on_samples: OnSamples, on_failure: OnFailure) -> None:
        """Hands over at most ``limit`` of the ticked images, whose pixels are in memory, as they are now."""
        ids = [each for each in self.image_ids if self._document.records.of(each) is not None]
        self._hand_over(tuple(ids[:limit]), on_samples, on_failure, key="preview of training")

    def collect(
        self,
        on_samples: OnSamples,
        on_failure: OnFailure,
        *,
        is_current: Callable[[], bool],
        on_dropped: Callable[[], None],
    ) -> None:
        """Hands over snapshots of the ticked images, at once or, where that takes a moment, from beside the window.

        Args:
            on_samples: hears of them.
            on_failure: hears why they cannot be read.
            is_current: whether they are still wanted, asked after that moment.
            on_dropped: hears that there are none: the user stopped it where jobs are listed, or has left these images.
        """

        def drop() -> None:
            if is_current():
                on_dropped()

        self._hand_over(
            self.image_ids,
            on_samples,
            on_failure,
            key="read for training",
            title=self.tr("Reading images for training"),
            is_current=is_current,
            on_cancelled=drop,
        )

    def stop(self) -> None:
        """Images that are being read for `collect` are not wanted any more."""
        job, self._reading = self._reading, None
        if job is not None:
            self._readers.cancel(job[0])

    def _on_images_changed(self) -> None:
        if self._reading is not None and not any(map(self._document.images.has, self._reading[1])):
            self.stop()

    def _hand_over(
        self, ids: tuple[str, ...], on_samples: OnSamples, on_failure: OnFailure, **options: Unpack[_Options]
    ) -> None:
        document = self._document
        sources = tuple(
            _Source(
                each,
                document.records.of(each),
                document.images.path(each),
                document.images.frame(each),
                document.masks.layer(each).snapshot(),
                document.classes,
            )
            for each in ids
        )
        shapes = [document.masks.layer(each).shape for each in ids]
        is_small = sum(rows * cols for rows, cols in shapes) <= _AT_ONCE
        if is_small and all(source.record is not None for source in sources):
            on_samples(_samples(sources))
            return

        def on_made(made: tuple[TrainingSample, ...]) -> None:
            there = tuple(each for each in made if document.images.has(each.image_id))
            dropped = options.get("on_cancelled")
            if made and not there and dropped is not None:
                dropped()
            else:
                on_samples(there)

        job = self._readers.submit(partial(_samples, sources), on_made, on_failure=on_failure, **options)
        if options.get("title"):
            self._reading = job, ids


class _Options(TypedDict, total=False):
    """How images are read, as of `JobOptions`."""

    key: str
    title: str
    is_current: Callable[[], bool]
    on_cancelled: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Source:
    """What a sample is made from: pixels, or where to read them, and the mask and its classes as they are now."""

    image_id: str
    record: ImageRecord | None
    path: Path | None
    frame: int
    mask: Callable[[], Arrays]
    classes: ClassTable


def _samples(sources: Sequence[_Source]) -> tuple[TrainingSample, ...]:
    """Reads what is no longer in memory and copies the masks; where that is much, in a background thread."""
    samples = []
    for source in sources:
        record = source.record
        if record is None and source.path is not None:
            record = read_image(source.path, image_id=source.image_id, frame=source.frame)
        if record is not None:
            labels, provenance, instances = source.mask()
            instances = counted_only(labels, instances, source.classes)
            labels = numbered_labels(labels, source.classes)
            samples.append(TrainingSample(source.image_id, record.pixels, labels, provenance, instances))
    return tuple(samples)
