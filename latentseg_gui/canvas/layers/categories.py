"""Numbers of things over the image, each in its colour: which expert a token belongs to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter

from latentseg_gui.canvas.layers.base import Samples, paint_samples
from latentseg_gui.canvas.layers.labels import EDGE, outlined
from latentseg_gui.canvas.packing import Packed, pack_table
from latentseg_gui.canvas.viewport import Viewport


class CategoryLayer:
    """Draws an array [h, w] of any resolution, stretched over the image without mixing its numbers."""

    def __init__(self) -> None:
        self._values: NDArray[np.uint8] | None = None
        self._table: Packed = np.zeros(2 * EDGE, np.uint32)

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
        """See `Layer.paint`."""
        pad = max(1, round(viewport.ratio / 2))
        samples = Samples.under(viewport, device, pad)
        if self._values is None or samples is None:
            return
        rows, cols = viewport.image_shape
        height, width = self._values.shape
        picked = self._values.take(samples.rows * height // rows, axis=0)
        ids = picked.take(samples.cols * width // cols, axis=1)
        paint_samples(painter, samples, outlined(ids, pad, self._table))
