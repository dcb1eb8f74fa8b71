"""Numbers of things over the image, each in its colour: which expert a token belongs to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter

from latentseg_gui.canvas.layers.base import Part, Samples, paint_samples
from latentseg_gui.canvas.layers.labels import EDGE, outlined
from latentseg_gui.canvas.packing import Packed, pack_table
from latentseg_gui.canvas.viewport import Viewport


class CategoryLayer:
    """Draws an array [h, w] of any resolution, stretched over the image without mixing its numbers.

    Attributes:
        part: finer numbers, which take the place of the others in a rectangle.
    """

    def __init__(self) -> None:
        self._values: NDArray[np.uint8] | None = None
        self._table: Packed = np.zeros(2 * EDGE, np.uint32)
        self.part: Part | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return self._values is None

    def set_values(
        self, values: NDArray[np.uint8] | None, colours: NDArray[np.uint8], opacity: float
    ) -> None:
        """Takes numbers below 256 and the colour of each, uint8 [K, 3]."""
        self._values = values if values is not None and values.size else None
        table = np.zeros((2 * EDGE, 4), np.uint8)
        table[: len(colours), :3] = colours
        table[: len(colours), 3] = round(255 * opacity)
        table[EDGE : EDGE + len(colours), :3] = colours // 3
        table[EDGE:, 3] = round(255 * max(opacity, 0.7))
        self._table = pack_table(table)

    def paint(self, painter: QPainter, viewport: Viewport, device: QRect) -> None:
        """Draws what lies in ``device``, in device pixels (of `Layer`)."""
        pad = max(1, round(viewport.ratio / 2))
        samples = Samples.under(viewport, device, pad)
        if self._values is None or samples is None:
            return
        rows, cols = viewport.image_shape
        height, width = self._values.shape
        picked = self._values.take(samples.rows * height // rows, axis=0)
        ids = picked.take(samples.cols * width // cols, axis=1)
        if self.part is not None:
            _put_part(ids, samples, self.part)
        paint_samples(painter, samples, outlined(ids, pad, self._table))


def _put_part(ids: NDArray[np.uint8], samples: Samples, part: Part) -> None:
    """Writes the numbers of a part into those sampled for the image."""
    rect, values = part
    rows = np.flatnonzero((samples.rows >= rect.row0) & (samples.rows < rect.row1))
    cols = np.flatnonzero((samples.cols >= rect.col0) & (samples.cols < rect.col1))
    if not rows.size or not cols.size or rect.is_empty:
        return
    at_rows = (samples.rows[rows] - rect.row0) * values.shape[0] // rect.shape[0]
    at_cols = (samples.cols[cols] - rect.col0) * values.shape[1] // rect.shape[1]
    ids[np.ix_(rows, cols)] = values[np.ix_(at_rows, at_cols)]
