"""The line between the two halves of a comparison, and what each half shows."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPainterPath, QPalette

from latentseg_gui.canvas.chrome.base import draw_handle, draw_panel, stroke_two_tone
from latentseg_gui.canvas.viewport import Viewport

_REACH: Final = 7


class SplitDivider:
    """A vertical line at a fraction of the view's width."""

    def __init__(self, font: QFont) -> None:
        self.font = font
        self.is_shown = False
        self.fraction = 0.5
        self.names = ("", "")

    def x(self, viewport: Viewport) -> float:
        """Where it stands, in logical pixels."""
        return self.fraction * viewport.device_size[0] / viewport.ratio

    def is_at(self, position: QPointF, viewport: Viewport) -> bool:
        """Whether a press there takes it."""
        return self.is_shown and abs(position.x() - self.x(viewport)) <= _REACH

    def bounds(self, viewport: Viewport) -> QRect:
        """See `ChromeItem.bounds`; the whole view, because both halves change with it."""
        if not self.is_shown:
            return QRect()
        return QRect(0, 0, *(round(side / viewport.ratio) for side in viewport.device_size))

    def paint(self, painter: QPainter, viewport: Viewport, palette: QPalette) -> None:
        """See `ChromeItem.paint`."""
        if not self.is_shown:
            return
        x, height = self.x(viewport), viewport.device_size[1] / viewport.ratio
        path = QPainterPath(QPointF(x, 0))
        path.lineTo(x, height)
        stroke_two_tone(painter, path, width=2)
        draw_handle(painter, QPointF(x, height / 2), radius=8)
        arrows = QPainterPath()
        for side in (-1, 1):
            arrows.moveTo(x + side * 2, height / 2 - 3)
            arrows.lineTo(x + side * 5, height / 2)
            arrows.lineTo(x + side * 2, height / 2 + 3)
        painter.drawPath(arrows)
        self._draw_names(painter, x, palette)

    def _draw_names(self, painter: QPainter, x: float, palette: QPalette) -> None:
        metrics = QFontMetricsF(self.font)
        painter.setFont(self.font)
        for name, is_left in zip(self.names, (True, False), strict=True):
            if not name:
                continue
            width = metrics.horizontalAdvance(name) + 16
            area = QRectF(x - width - 12 if is_left else x + 12, 10, width, metrics.height() + 6)
            draw_panel(painter, area, palette)
            painter.setPen(palette.color(QPalette.ColorRole.WindowText))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, name)
