"""The photograph: nearest neighbour above 100 %, smooth below, brightness and contrast by a table."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter

from latentseg_gui.canvas.layers.base import Samples, paint_samples, paint_scaled
from latentseg_gui.canvas.packing import Packed, pack_rgb
from latentseg_gui.canvas.pyramid import ImagePyramid
from latentseg_gui.canvas.viewport import Viewport
from latentseg_gui.document.types import Rect

_MARGIN: Final = 2
"""Pixels of the level read beyond the part to draw, so that its edges are smoothed alike."""


def adjustment_table(brightness: float, contrast: float, gamma: float) -> NDArray[np.uint8] | None:
    """What each of the 256 values is shown as; None where nothing changes.

    Args:
        brightness: added to all values, -1..1 of the full range.
        contrast: factor about the middle grey; 1 changes nothing.
        gamma: exponent of the brightening: values above 1 brighten the dark parts.
    """
    if (brightness, contrast, gamma) == (0.0, 1.0, 1.0):
        return None
    values = np.linspace(0.0, 1.0, 256) ** (1.0 / max(gamma, 1e-3))
    values = (values - 0.5) * contrast + 0.5 + brightness
    return np.round(np.clip(values, 0.0, 1.0) * 255).astype(np.uint8)


class ImageLayer:
    """Draws an image from its pyramid."""

    def __init__(self) -> None:
        self.pyramid: ImagePyramid | None = None
        self.table: NDArray[np.uint8] | None = None

    def paint(self, painter: QPainter, viewport: Viewport, device: QRect) -> None:
        """See `Layer.paint`."""
        samples = Samples.under(viewport, device)
        if self.pyramid is None or samples is None:
            return
        level = self.pyramid.level_for(viewport.scale) if viewport.scale < 1 else None
        if level is not None:
            self._paint_smooth(painter, viewport, samples.device, level)
        else:
            paint_samples(painter, samples, self._nearest(samples), has_alpha=False)

    def _nearest(self, samples: Samples) -> Packed:
        """Takes the rows before it packs, so that a first view of a huge image stays cheap."""
        pyramid = self.pyramid
        assert pyramid is not None
        row0, row1 = int(samples.rows[0]), int(samples.rows[-1]) + 1
        col0, col1 = int(samples.cols[0]), int(samples.cols[-1]) + 1
        if row1 - row0 > samples.rows.size or col1 - col0 > samples.cols.size:
            picked = samples.of(pyramid.pixels)
            return pack_rgb(picked, Rect.whole((picked.shape[0], picked.shape[1])), self.table)
        packed = pack_rgb(pyramid.pixels, Rect(row0, col0, row1, col1), self.table)
        return packed.take(samples.rows - row0, axis=0).take(samples.cols - col0, axis=1)

    def _paint_smooth(self, painter: QPainter, viewport: Viewport, device: QRect, level: int) -> None:
        part = viewport.rect_under(device)
        size = 2**level
        shape = self._level_shape(level)
        rect = Rect(
            part.row0 // size - _MARGIN,
            part.col0 // size - _MARGIN,
            -(-part.row1 // size) + _MARGIN,
            -(-part.col1 // size) + _MARGIN,
        ).clipped(shape)
        if rect.is_empty:
            return
        packed = self._packed(level, rect)
        box = (rect.col0 * size, rect.row0 * size, rect.col1 * size, rect.row1 * size)
        painter.save()
        painter.setClipRect(device)
        paint_scaled(painter, viewport, packed, box, has_alpha=False)
        painter.restore()

    def _level_shape(self, level: int) -> tuple[int, int]:
        assert self.pyramid is not None
        rows, cols = self.pyramid.shape
        return -(-rows // 2**level), -(-cols // 2**level)

    def _packed(self, level: int, rect: Rect) -> Packed:
        assert self.pyramid is not None
        if level == 0:
            return pack_rgb(self.pyramid.pixels, rect, self.table)
        packed = np.ascontiguousarray(self.pyramid.level(level)[rect.slices])
        return packed if self.table is None else self.table.take(packed.view(np.uint8)).view(np.uint32)
