"""How much of the image each class covers, counted in slices between two turns of the event loop."""

from __future__ import annotations

from time import perf_counter
from typing import Final, Protocol

import numpy as np
from PySide6.QtCore import QObject, QTimer

from latentseg_gui.document.document import Document
from latentseg_gui.document.types import UNLABELLED, Rect

_REST_MS: Final = 150
"""A mask that changes all the time is not counted before it rests."""
_SLICE_SECONDS: Final = 0.004
_BAND_PIXELS: Final = 1 << 18


class AreaList(Protocol):
    """Where areas are shown."""

    def set_areas(self, areas: dict[int, int], total: int) -> None:
        """Pixels by class id, and of the whole image."""


class AreasController(QObject):
    """Counts the mask of the current image whenever it has come to rest; never for longer than a frame."""

    def __init__(self, document: Document, shown: AreaList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._shown = shown
        self._row = 0
        self._counts = np.zeros(256, np.int64)
        self._rest, self._work = QTimer(self), QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._begin)
        self._work.timeout.connect(self._go_on)
        document.events.current_changed.connect(self._on_changed)
        document.events.classes_changed.connect(self._on_changed)
        document.events.mask_changed.connect(self._on_mask_changed)

    def _on_changed(self, *_: object) -> None:
        self._work.stop()
        self._rest.start()

    def _on_mask_changed(self, image_id: str, rect: Rect) -> None:
        if image_id == self._document.images.current_id:
            self._on_changed()

    def _begin(self) -> None:
        image_id = self._document.images.current_id
        shape = None if image_id is None else self._document.masks.shape(image_id)
        if image_id is None or shape is None:
            self._shown.set_areas({}, 0)
            return
        if not self._document.masks.layer(image_id).is_touched:
            self._shown.set_areas({}, shape[0] * shape[1])
            return
        self._row = 0
        self._counts[:] = 0
        self._work.start(0)

    def _go_on(self) -> None:
        """Counts for a few milliseconds."""
        image_id, end = self._document.images.current_id, perf_counter() + _SLICE_SECONDS
        if image_id is None:
            self._work.stop()
            return
        labels = self._document.masks.labels(image_id)
        rows = max(1, _BAND_PIXELS // max(1, labels.shape[1]))
        while self._row < labels.shape[0] and perf_counter() < end:
            band = labels[self._row : self._row + rows]
            self._counts += np.bincount(band.reshape(-1), minlength=256)
            self._row += rows
        if self._row >= labels.shape[0]:
            self._work.stop()
            areas = {number: int(count) for number, count in enumerate(self._counts[:UNLABELLED])}
            self._shown.set_areas(areas, labels.size)
