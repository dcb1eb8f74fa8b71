"""Lines between pixels where these are large enough to count."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QPainter

from latentseg_gui.canvas.viewport import Viewport

GRID_SCALE: Final = 10.0
"""Logical pixels per image pixel from which the grid shows."""


class PixelGrid:
    """Draws a thin grey line on the first device row and column of every image pixel."""

    def paint(self, painter: QPainter, viewport: Viewport, device: QRect) -> None:
        """See `Layer.paint`."""
        x0, y0, x1, y1 = viewport.image_box
        part = device.intersected(QRect(x0, y0, x1 - x0, y1 - y0))
        if viewport.scale / viewport.ratio < GRID_SCALE or part.isEmpty():
            return
        colour = QColor(128, 128, 128, 90)
        cols = viewport.sample_cols(part.x() - 1, part.x() + part.width())
        rows = viewport.sample_rows(part.y() - 1, part.y() + part.height())
        for step in np.flatnonzero(np.diff(cols)):
            painter.fillRect(part.x() + int(step), part.y(), 1, part.height(), colour)
        for step in np.flatnonzero(np.diff(rows)):
            painter.fillRect(part.x(), part.y() + int(step), part.width(), 1, colour)
