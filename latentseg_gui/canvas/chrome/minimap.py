"""The whole image in the corner with a frame around what is visible, while not all of it is."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPalette

from latentseg_gui.canvas.chrome.base import stroke_two_tone
from latentseg_gui.canvas.packing import image_of_rgb
from latentseg_gui.canvas.viewport import Viewport
from latentseg_gui.document.types import Rect

SIDE: Final = 150
_RIM: Final = 4
_GAP: Final = 10
_SAMPLES: Final = 2 * SIDE


class Minimap:
    """A panel in the lower right corner."""

    def __init__(self) -> None:
        self._thumbnail = QImage()

    def set_pixels(self, pixels: NDArray[np.uint8] | None) -> None:
        """Takes an image, of which it keeps a small copy."""
        if pixels is None:
            self._thumbnail = QImage()
            return
        step = max(1, max(pixels.shape[:2]) // _SAMPLES)
        small = np.ascontiguousarray(pixels[step // 2 :: step, step // 2 :: step])
        shape = (int(small.shape[0]), int(small.shape[1]))
        self._thumbnail = image_of_rgb(small, Rect.whole(shape))

    def bounds(self, viewport: Viewport) -> QRect:
        """The logical area that it draws on, empty while it draws nothing (of `ChromeItem`)."""
        if self._thumbnail.isNull() or viewport.is_whole_visible:
            return QRect()
        rows, cols = viewport.image_shape
        width, height = (max(12.0, SIDE * side / max(rows, cols)) for side in (cols, rows))
        right, bottom = (side / viewport.ratio - _GAP for side in viewport.device_size)
        if right < 2 * SIDE or bottom < 2 * SIDE:
            return QRect()
        x, y = round(right - width - 2 * _RIM), round(bottom - height - 2 * _RIM)
        return QRect(x, y, round(width) + 2 * _RIM, round(height) + 2 * _RIM)

    def to_image(self, position: QPointF, viewport: Viewport) -> tuple[float, float]:
        """The image position under a logical position on the map, inside the image."""
        inner = self._inner(viewport)
        rows, cols = viewport.image_shape
        x = (position.x() - inner.x()) / inner.width() * cols
        y = (position.y() - inner.y()) / inner.height() * rows
        return viewport.clamped((x, y))

    def paint(self, painter: QPainter, viewport: Viewport, palette: QPalette) -> None:
        """Draws it, in logical coordinates (of `ChromeItem`)."""
        area = self.bounds(viewport)
        if area.isEmpty():
            return
        inner = self._inner(viewport)
        painter.fillRect(area, palette.color(QPalette.ColorRole.Window))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
        painter.drawImage(inner, self._thumbnail)
        rows, cols = viewport.image_shape
        seen = viewport.visible_rect()
        frame = QRectF(
            inner.x() + seen.col0 / cols * inner.width(),
            inner.y() + seen.row0 / rows * inner.height(),
            max(3.0, seen.shape[1] / cols * inner.width()),
            max(3.0, seen.shape[0] / rows * inner.height()),
        )
        self._shade_outside(painter, inner, frame)
        path = QPainterPath()
        path.addRect(frame)
        painter.setClipRect(inner.adjusted(-2, -2, 2, 2), Qt.ClipOperation.IntersectClip)
        stroke_two_tone(painter, path, width=1.25)

    def _shade_outside(self, painter: QPainter, inner: QRectF, frame: QRectF) -> None:
        shade = QPainterPath()
        shade.addRect(inner)
        shade.addRect(frame.intersected(inner))
        painter.fillPath(shade, QColor(0, 0, 0, 90))

    def _inner(self, viewport: Viewport) -> QRectF:
        return QRectF(self.bounds(viewport)).adjusted(_RIM, _RIM, -_RIM, -_RIM)
