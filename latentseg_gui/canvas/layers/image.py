"""The photograph: nearest neighbour above 100 %, smooth below, brightness and contrast by a table."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter

from latentseg_gui.canvas.layers.base import Samples, paint_samples, paint_scaled
from latentseg_gui.canvas.packing import image_of_rgb, packed_view, qimage_of
from latentseg_gui.canvas.pyramid import ImagePyramid
from latentseg_gui.canvas.viewport import Viewport
from latentseg_gui.document.types import Rect

_MARGIN: Final = 2
"""Pixels of the level read beyond the part to draw, so that its edges are smoothed alike."""


class ImageLayer:
    """Draws an image from its pyramid."""

    def __init__(self) -> None:
        self.pyramid: ImagePyramid | None = None
        self.table: NDArray[np.uint8] | None = None

    def paint(self, painter: QPainter, viewport: Viewport, device: QRect) -> None:
        """Draws what lies in ``device``, in device pixels (of `Layer`)."""
        samples = Samples.under(viewport, device)
        pyramid = self.pyramid
        if pyramid is None or samples is None:
            return
        level = pyramid.level_for(viewport.scale) if viewport.scale < 1 else None
        if level is not None:
            self._paint_smooth(painter, viewport, samples.device, pyramid, level)
        else:
            self._paint_nearest(painter, samples, pyramid.pixels)

    def _paint_nearest(self, painter: QPainter, samples: Samples, pixels: NDArray[np.uint8]) -> None:
        rows, cols = samples.rows - samples.rows[0], samples.cols - samples.cols[0]
        if rows[-1] >= rows.size or cols[-1] >= cols.size:
            # Shrinking without a pyramid: what is not shown is not touched, so a huge image appears at once.
            picked = samples.of(pixels)
            shape = Rect.whole((rows.size, cols.size))
            painter.drawImage(samples.device.topLeft(), image_of_rgb(picked, shape, self.table))
            return
        rect = Rect(
            int(samples.rows[0]), int(samples.cols[0]), int(samples.rows[-1]) + 1, int(samples.cols[-1]) + 1
        )
        image = image_of_rgb(pixels, rect, self.table)
        if rect.shape != (rows.size, cols.size):
            packed = packed_view(image).take(rows, axis=0).take(cols, axis=1)
            paint_samples(painter, samples, packed, has_alpha=False)
        else:
            painter.drawImage(samples.device.topLeft(), image)

    def _paint_smooth(
        self, painter: QPainter, viewport: Viewport, device: QRect, pyramid: ImagePyramid, level: int
    ) -> None:
        part, size = viewport.rect_under(device), 2**level
        rows, cols = pyramid.shape
        rect = Rect(
            part.row0 // size - _MARGIN,
            part.col0 // size - _MARGIN,
            -(-part.row1 // size) + _MARGIN,
            -(-part.col1 // size) + _MARGIN,
        ).clipped((-(-rows // size), -(-cols // size)))
        box = (rect.col0 * size, rect.row0 * size, rect.col1 * size, rect.row1 * size)
        painter.save()
        painter.setClipRect(device)
        if level == 0:
            paint_scaled(painter, viewport, image_of_rgb(pyramid.pixels, rect, self.table), box)
        else:
            packed = np.ascontiguousarray(pyramid.level(level)[rect.slices])
            if self.table is not None:
                packed = self.table.take(packed.view(np.uint8)).view(np.uint32)
            paint_scaled(painter, viewport, qimage_of(packed, has_alpha=False), box)
        painter.restore()
