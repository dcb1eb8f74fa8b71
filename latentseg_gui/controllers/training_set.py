"""What would be trained on: the images with vouched pixels that are ticked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from latentseg_gui.controllers.jobs import Jobs, OnFailure
from latentseg_gui.controllers.vouched import VouchedCounts
from latentseg_gui.document.document import Document
from latentseg_gui.document.types import ImageRecord, TrainingSample
from latentseg_gui.io.images import read_image

OnSamples = Callable[[tuple[TrainingSample, ...]], None]


class TrainingSet(QObject):
    """Ticks, counts, and snapshots of the labels.

    Signals:
        changed: what it would train on changed.

    Attributes:
        counts: of vouched pixels.
    """

    changed = Signal()

    def __init__(self, document: Document, *, readers: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.counts = VouchedCounts(document, self)
        self.counts.changed.connect(self.changed)
        self._document = document
        self._readers = readers
        self._left_out: set[str] = set()

    @property
    def image_ids(self) -> tuple[str, ...]:
        """The images it would train on: those with vouched pixels that are ticked."""
        return tuple(each for each in self._document.vouched_ids() if each not in self._left_out)

    @property
    def classes(self) -> set[int]:
        """Class ids with vouched pixels on the ticked images."""
        total = sum((self.counts.of(image_id) for image_id in self.image_ids), np.zeros(1, np.int64))
        return {int(number) for number in np.flatnonzero(total)}

    def set_ticked(self, image_id: str, is_ticked: bool) -> None:
        """Trains on an image, or leaves it out."""
        (self._left_out.discard if is_ticked else self._left_out.add)(image_id)
        self.changed.emit()

    def is_ticked(self, image_id: str) -> bool:
        """Whether an image is trained on."""
        return image_id not in self._left_out

    def ready(self) -> tuple[TrainingSample, ...]:
        """Of the ticked images, those whose pixels are in memory, with their labels as they are now."""
        return self._snapshots(self.image_ids, {})

    def collect(self, on_samples: OnSamples, on_failure: OnFailure) -> bool:
        """Hands over snapshots of the ticked images; False where images must be read first."""
        ids = self.image_ids
        missing = [each for each in ids if self._document.record(each) is None]
        if not missing:
            on_samples(self._snapshots(ids, {}))
            return True
        paths = {each: self._document.path(each) for each in missing}
        frames = {each: self._document.frame(each) for each in missing}

        def on_read(answer: object) -> None:
            on_samples(self._snapshots(ids, answer if isinstance(answer, dict) else {}))

        read = partial(_read_all, paths, frames)
        self._readers.submit(read, on_read, key="read for training", on_failure=on_failure)
        return False

    def _snapshots(self, ids: tuple[str, ...], records: dict[str, ImageRecord]) -> tuple[TrainingSample, ...]:
        known = [each for each in ids if each in self._document.image_ids]
        return tuple(
            TrainingSample(image_id, record.pixels, np.array(self._document.labels(image_id)))
            for image_id in known
            if (record := records.get(image_id) or self._document.record(image_id)) is not None
        )


def _read_all(paths: dict[str, Path | None], frames: dict[str, int]) -> dict[str, ImageRecord]:
    """Reads images that are no longer in memory; runs in a background thread."""
    return {
        image_id: read_image(path, image_id=image_id, frame=frames[image_id])
        for image_id, path in paths.items()
        if path is not None
    }
