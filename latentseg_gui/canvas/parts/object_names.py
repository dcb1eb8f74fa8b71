"""Numbers and names of objects, written on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPalette

from latentseg_gui.canvas.surface import Surface
from latentseg_gui.canvas.viewport import Viewport

_SHARE: Final = 0.7
"""Of an object's box, that its name may cover along one side."""

_MOST: Final = 600
"""More names at once than this nobody reads."""

_GROUND: Final = QColor(0, 0, 0, 150)
_INK: Final = QColor(255, 255, 255, 245)


class ObjectNames:
    """Writes each object's number and class into the middle of its box, or its number alone, or nothing.

    Attributes:
        boxes: row0, col0, row1, col1 of the objects, int64 [N, 4].
        numbers: what is written at least, per object.
        names: what is written after it where there is room.
        font: of the canvas.
    """

    def __init__(self, font: QFont) -> None:
        self.boxes: NDArray[np.int64] = np.zeros((0, 4), np.int64)
        self.numbers: Sequence[str] = ()
        self.names: Sequence[str] = ()
        self.font = font

    def bounds(self, viewport: Viewport) -> QRect:
        """The logical area that it draws on, empty while it draws nothing (of `ChromeItem`)."""
        if not len(self.boxes) or not viewport.has_image:
            return QRect()
        width, height = viewport.device_size
        return QRect(0, 0, round(width / viewport.ratio) + 1, round(height / viewport.ratio) + 1)

    def paint(self, painter: QPainter, viewport: Viewport, palette: QPalette) -> None:
        """Draws it, in logical coordinates (of `ChromeItem`)."""
        painter.setFont(self.font)
        metrics = QFontMetricsF(self.font)
        for text, place in self.placed(viewport, metrics):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(_GROUND)
            painter.drawRoundedRect(place, 3, 3)
            painter.setPen(_INK)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)

    def placed(self, viewport: Viewport, metrics: QFontMetricsF) -> list[tuple[str, QRectF]]:
        """What is written where, in logical pixels; larger objects first."""
        zoom, found = viewport.scale / viewport.ratio, []
        for index in self._in_view(viewport, metrics.height() / (_SHARE * zoom)):
            row0, col0, row1, col1 = (int(each) for each in self.boxes[index])
            wide = (col1 - col0) * zoom * _SHARE
            text = f"{self.numbers[index]} {self.names[index]}".strip()
            if metrics.horizontalAdvance(text) + 6 > wide:
                text = self.numbers[index]
            room = metrics.horizontalAdvance(text) + 6
            if text and room <= wide:
                middle = viewport.to_logical(((col0 + col1) / 2, (row0 + row1) / 2))
                corner = QPointF(room / 2, metrics.height() / 2)
                found.append((text, QRectF(middle - corner, middle + corner)))
        return found

    def _in_view(self, viewport: Viewport, lowest: float) -> NDArray[np.intp]:
        """Objects in view that are high enough in image pixels, the largest first, not too many."""
        width, height = (each / viewport.ratio for each in viewport.device_size)
        x0, y0 = viewport.to_image(QPointF(0, 0))
        x1, y1 = viewport.to_image(QPointF(width, height))
        row0, col0, row1, col1 = self.boxes.T
        is_meant = (row1 - row0 >= lowest) & (row1 > y0) & (row0 < y1) & (col1 > x0) & (col0 < x1)
        rows = np.flatnonzero(is_meant)
        area = (row1 - row0)[rows] * (col1 - col0)[rows]
        return rows[np.argsort(-area, kind="stable")[:_MOST]]


class ObjectNamesPart:
    """Shows numbers and names of objects.

    Attributes:
        item: draws them.
    """

    def __init__(self, surface: Surface, font: QFont) -> None:
        self.item = ObjectNames(font)
        self._surface = surface

    def set(
        self, boxes: NDArray[np.int64] | None, numbers: Sequence[str] = (), names: Sequence[str] = ()
    ) -> None:
        """Writes on objects with these boxes (row0, col0, row1, col1), int64 [N, 4]; None for none."""
        self.item.boxes = np.zeros((0, 4), np.int64) if boxes is None else boxes
        self.item.numbers, self.item.names = numbers, names
        self._surface.refresh_chrome(self.item)
