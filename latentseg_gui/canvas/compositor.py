"""All layers in one frame of device pixels, of which only the stale parts are drawn again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QImage, QPainter, QRegion

from latentseg_gui.canvas.layers.base import Layer
from latentseg_gui.canvas.viewport import Viewport

_MOST_RECTS: Final = 12
"""A stale area of more rectangles is drawn as its bounding box."""


class Compositor:
    """Keeps the frame and what of it is stale."""

    def __init__(self) -> None:
        self.backdrop = QColor(40, 40, 40)
        self._frame = QImage()
        self._stale = QRegion()

    @property
    def frame(self) -> QImage:
        """The frame; right where it is not stale."""
        return self._frame

    def resize(self, device_size: tuple[int, int]) -> None:
        """Makes the frame fit the widget; all of it is stale then."""
        if (self._frame.width(), self._frame.height()) != device_size:
            self._frame = QImage(*device_size, QImage.Format.Format_RGB32)
        self.invalidate(self._frame.rect())

    def invalidate(self, device: QRect) -> None:
        """Marks a part as stale."""
        self._stale += QRegion(device.intersected(self._frame.rect()))

    def shift(self, dx: int, dy: int) -> None:
        """Moves what is drawn by whole device pixels; what comes into view is stale."""
        whole = self._frame.rect()
        moved = whole.translated(dx, dy).intersected(whole)
        self._stale.translate(dx, dy)
        if not moved.isEmpty():
            kept = self._frame.copy(moved.translated(-dx, -dy))
            painter = QPainter(self._frame)
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
            painter.drawImage(moved.topLeft(), kept)
            painter.end()
        self._stale = (self._stale + QRegion(whole).subtracted(QRegion(moved))) & QRegion(whole)

    def render(self, viewport: Viewport, layers: Iterable[Layer]) -> None:
        """Draws the stale part with all layers, bottom first."""
        if self._stale.isEmpty():
            return
        many = self._stale.rectCount() > _MOST_RECTS
        rects = [self._stale.boundingRect()] if many else list(self._stale)  # type: ignore[call-overload]
        self._stale = QRegion()
        painter = QPainter(self._frame)
        for rect in rects:
            painter.setClipRect(rect)
            painter.fillRect(rect, self.backdrop)
            for layer in layers:
                layer.paint(painter, viewport, rect)
        painter.end()
