"""Asks the model, in spare time, where it is uncertain: of one image, or of all of them."""

from __future__ import annotations

from collections import deque
from functools import partial

import numpy as np
from PySide6.QtCore import QObject, Signal

from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.training.uncertain_regions import UncertainRegions
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import UNLABELLED, ImageRecord
from latentseg_gui.inference.training.messages import FindUncertainRegions
from latentseg_gui.io.images.reading import read_image
from latentseg_gui.io.images.thumbnails import reduced


class UncertaintyRanking(QObject):
    """Uncertain regions per image, of the live weights.

    Signals:
        found: `UncertainRegions` of an image are there.
        scanned: (done, total) of a look at all images; equal where none is under way.

    Attributes:
        regions: by image.
    """

    found = Signal(object)
    scanned = Signal(int, int)

    def __init__(
        self, document: Document, *, engine: Jobs, readers: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.regions: dict[str, UncertainRegions] = {}
        self._document = document
        self._engine = engine
        self._readers = readers
        self._weights: WeightsInfo | None = None
        self._waiting: deque[str] = deque()
        self._total = 0

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live: what the others were unsure of is of no interest."""
        is_awaited = self._weights is None and any(map(self._document.images.has, self._waiting))
        self._weights = weights
        self.regions.clear()
        self.stop()
        if is_awaited:
            self.scan()

    def forget(self, image_id: str) -> None:
        """What was found of an image does not hold any more."""
        self.regions.pop(image_id, None)

    def scan(self) -> None:
        """Ranks all images of the list that are not ranked yet, one after the other, once the model is there."""
        self._waiting = deque(each for each in self._document.images.ids if each not in self.regions)
        self._total = len(self._waiting)
        self._scan_next()

    def stop(self) -> None:
        """Ends a look at all images."""
        self._waiting.clear()
        self._total = 0
        self.scanned.emit(0, 0)

    def class_name(self, name: str) -> str:
        """What the document calls a class of the weights: classes meet by name, else by number."""
        classes = self._document.classes
        if classes.id_of(name) is not None or self._weights is None:
            return name
        number = self._weights.class_names.index(name) if name in self._weights.class_names else -1
        return classes.names[number] if 0 <= number < len(classes) else name

    def rank(self, image_id: str) -> None:
        """Reads and reduces an image in the background, then asks the model; not while it is under way."""
        is_next = bool(self._waiting) and self._waiting[0] == image_id
        if self._weights is not None and image_id not in self.regions and not is_next:
            self._read(image_id)

    def _scan_next(self) -> None:
        while self._waiting and not self._document.images.has(self._waiting[0]):
            self._waiting.popleft()
        self.scanned.emit(self._total - len(self._waiting), self._total)
        if self._waiting and self._weights is not None:
            self._read(self._waiting[0])

    def _read(self, image_id: str) -> None:
        record, path = self._document.records.of(image_id), self._document.images.path(image_id)
        shape = self._document.masks.shape(image_id)
        labels = self._document.masks.labels(image_id) if shape is not None else None

        def call() -> FindUncertainRegions:
            found: ImageRecord | None = record
            if found is None and path is not None:
                found = read_image(path, image_id=image_id, frame=frame)
            if found is None:
                raise LatentsegError("This image has no file any more.", action="Remove it from the list.")
            is_known = labels is not None and labels.shape == found.shape
            nothing = np.broadcast_to(np.uint8(UNLABELLED), found.shape)
            pixels, small = reduced(found.pixels, labels if labels is not None and is_known else nothing)
            return FindUncertainRegions(image_id, pixels, small != UNLABELLED, found.shape)

        frame = self._document.images.frame(image_id)
        self._readers.submit(
            call,
            self._ask,
            key=f"rank {image_id}",
            is_current=partial(self._document.images.has, image_id),
            on_stale=partial(self._go_on_after, image_id),
            on_failure=partial(self._on_failed, image_id),
        )

    def _ask(self, request: FindUncertainRegions) -> None:
        self._engine.submit(
            request,
            self._on_regions,
            key=f"uncertain regions {request.image_id}",
            is_current=partial(self._document.images.has, request.image_id),
            is_fresh=self._is_fresh,
            on_stale=partial(self._go_on_after, request.image_id),
            on_failure=partial(self._on_failed, request.image_id),
        )

    def _is_fresh(self, answer: UncertainRegions) -> bool:
        return self._weights is not None and answer.version == self._weights.version

    def _on_regions(self, answer: UncertainRegions) -> None:
        self.regions[answer.image_id] = answer
        self.found.emit(answer)
        self._go_on_after(answer.image_id)

    def _on_failed(self, image_id: str, error: LatentsegError) -> None:
        self._go_on_after(image_id)

    def _go_on_after(self, image_id: str) -> None:
        if self._waiting and self._waiting[0] == image_id:
            self._waiting.popleft()
            self._scan_next()
