"""How many pixels of which class are labelled, counted where something changed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.label_rows import labels_by_row
from latentseg_gui.document.masks.layers import Arrays, MaskLayer
from latentseg_gui.document.types import UNLABELLED, Rect
from latentseg_gui.inference.request import Priority

_TILE = 256
_SLICE_S = 0.006
_TELL_MS = 250
"""Counts that come without any work, by the hundred, are told this often."""

Tile = tuple[int, int]


class LabelledCounts(QObject):
    """Counts per image and class, a few tiles at a time, so that the window never waits for them.

    Masks of a project that nobody has looked at yet are counted one by one in another thread, and stay packed.

    Signals:
        changed: counts are up to date again.
    """

    changed = Signal()

    def __init__(
        self, document: Document, parent: QObject | None = None, *, readers: Jobs | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._readers = readers
        self._packed: list[str] = []
        self._asked = ""
        self._counted: dict[str, tuple[int, NDArray[np.int64]]] = {}
        self._tiles: dict[str, dict[Tile, NDArray[np.int64]]] = {}
        self._stale: dict[str, set[Tile]] = {}
        self._whole: set[str] = set()
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._go_on)
        self._telling = QTimer(self)
        self._telling.setSingleShot(True)
        self._telling.setInterval(_TELL_MS)
        self._telling.timeout.connect(self.changed)
        document.events.mask_changed.connect(self._on_mask_changed)
        document.events.images_changed.connect(self._on_images_changed)

    @property
    def is_behind(self) -> bool:
        """Whether masks have changed since they were counted; what nobody has looked at yet does not matter."""
        return bool(self._stale)

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits to be counted."""
        return not self._stale and not self._packed and not self._asked

    def of(self, image_id: str) -> NDArray[np.int64]:
        """Labelled pixels per class id, int64 [255], as far as they were counted."""
        known = self._known(image_id) if image_id in self._whole else None
        if known is not None:
            return known[:UNLABELLED]
        tiles = self._tiles.get(image_id, {})
        return np.sum(list(tiles.values()), axis=0) if tiles else np.zeros(UNLABELLED, np.int64)

    def _layer(self, image_id: str) -> MaskLayer | None:
        is_there = self._document.images.has(image_id) and self._document.masks.shape(image_id) is not None
        return self._document.masks.layer(image_id) if is_there else None

    def _known(self, image_id: str) -> NDArray[np.int64] | None:
        layer = self._layer(image_id)
        if layer is None:
            return None
        version, counts = self._counted.get(image_id, (-1, None))
        return counts if counts is not None and version == layer.version else layer.counts

    def _is_packed(self, image_id: str) -> bool:
        """Whether a mask is held nowhere yet: looking at it would unpack it, in this thread and for good."""
        layer = self._layer(image_id)
        is_packed = layer is not None and layer.is_touched and layer.nbytes == 0
        return is_packed and image_id != self._document.images.current_id

    def _ask(self) -> None:
        """Has the next packed mask counted beside the window."""
        while self._packed and not self._asked and self._readers is not None:
            image_id = self._packed.pop(0)
            layer = self._layer(image_id)
            if layer is None or self._known(image_id) is not None:
                continue
            self._asked = image_id
            self._readers.submit(
                partial(_counts, layer.snapshot()),
                partial(self._on_counted, image_id, layer.version),
                key="count masks",
                priority=Priority.SPARE_TIME,
                is_current=partial(self._is_at, image_id, layer.version),
                on_stale=self._ask_next,
                on_failure=lambda _: self._ask_next(),
                on_cancelled=self._ask_next,
            )

    def _is_at(self, image_id: str, version: int) -> bool:
        layer = self._layer(image_id)
        return layer is not None and layer.version == version

    def _on_counted(self, image_id: str, version: int, counts: NDArray[np.int64]) -> None:
        self._counted[image_id] = version, counts
        self._whole.add(image_id)
        self._ask_next()

    def _ask_next(self) -> None:
        self._asked = ""
        self._ask()
        self._tell_soon()

    def _tell_soon(self) -> None:
        if not self._telling.isActive():
            self._telling.start()

    def _on_mask_changed(self, image_id: str, rect: Rect) -> None:
        if rect.is_empty:
            return
        if self._known(image_id) is not None:  # looking would unpack the mask
            self._whole.add(image_id)
            self._tiles.pop(image_id, None)
            self._stale.pop(image_id, None)
            self._tell_soon()
            return
        if self._readers is not None and self._is_packed(image_id):
            self._packed.append(image_id)
            self._ask()
            return
        shape = self._document.masks.shape(image_id)
        if image_id in self._whole and shape is not None:
            self._whole.discard(image_id)
            rect = Rect.whole(shape)
        rows = range(rect.row0 // _TILE, -(-rect.row1 // _TILE))
        cols = range(rect.col0 // _TILE, -(-rect.col1 // _TILE))
        self._stale.setdefault(image_id, set()).update((row, col) for row in rows for col in cols)
        self._timer.start()

    def _on_images_changed(self) -> None:
        known = set(self._document.images.ids)
        for gone in (set(self._tiles) | set(self._stale)) - known:
            self._tiles.pop(gone, None)
            self._stale.pop(gone, None)
        self._whole &= known
        self._counted = {key: value for key, value in self._counted.items() if key in known}
        waiting = {*self._packed, self._asked}
        for image_id in self._document.masks.labelled_ids():
            shape = self._document.masks.shape(image_id)
            is_counted = image_id in self._tiles or image_id in self._stale or image_id in self._whole
            if not is_counted and image_id not in waiting and shape is not None:
                self._on_mask_changed(image_id, Rect.whole(shape))

    def _go_on(self) -> None:
        until = perf_counter() + _SLICE_S
        while self._stale and perf_counter() < until:
            self._count_next()
        if not self._stale:
            self._timer.stop()
            self.changed.emit()

    def _count_next(self) -> None:
        image_id = next(iter(self._stale))
        waiting = self._stale[image_id]
        row, col = waiting.pop()
        if not waiting:
            del self._stale[image_id]
        if not self._document.images.has(image_id) or self._document.masks.shape(image_id) is None:
            return
        labels = self._document.masks.labels(image_id)
        part = labels[row * _TILE : (row + 1) * _TILE, col * _TILE : (col + 1) * _TILE]
        # Most tiles are of one class, and counting takes twenty times as long as seeing that.
        is_uniform = part.size > 0 and bool((part == part[0, 0]).all())
        values = part[:1, :1] if is_uniform else part
        counts = np.bincount(values.reshape(-1), minlength=256)[:UNLABELLED]
        if is_uniform:
            counts *= part.size
        self._tiles.setdefault(image_id, {})[row, col] = counts


def _counts(unpack: Callable[[], Arrays]) -> NDArray[np.int64]:
    """Labelled pixels by class id, int64 [255]; any thread."""
    counts: NDArray[np.int64] = labels_by_row(unpack()[0]).sum(0, dtype=np.int64)
    return counts
