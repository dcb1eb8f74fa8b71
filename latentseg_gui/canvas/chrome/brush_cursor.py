"""The circle that shows how much a brush would paint, in true size."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPainterPath, QPalette

from latentseg_gui.canvas.chrome.base import area_around, draw_panel, stroke_two_tone
from latentseg_gui.canvas.viewport import Viewport

_TINY: Final = 6
"""A circle of fewer logical pixels is drawn as a cross."""
_LARGE: Final = 40
"""A circle of more logical pixels has a cross in its middle."""


class BrushCursor:
    """Draws a circle of the brush's diameter around the mouse."""

    def __init__(self, font: QFont) -> None:
        self.position: QPointF | None = None
        self.diameter = 20.0
        self.is_shown = False
        self.caption = ""
        """What is said of it, beside the circle."""
        self.font = font

    def bounds(self, viewport: Viewport) -> QRect:
        """The logical area that it draws on, empty while it draws nothing (of `ChromeItem`)."""
        if self.position is None or not self.is_shown or not viewport.has_image:
            return QRect()
        bounds = area_around(self._circle(viewport), 7)
        return bounds.united(self._panel(viewport).toAlignedRect()) if self.caption else bounds

    def paint(self, painter: QPainter, viewport: Viewport, palette: QPalette) -> None:
        """Draws it, in logical coordinates (of `ChromeItem`)."""
        if self.position is None or not self.is_shown:
            return
        circle = self._circle(viewport)
        path = QPainterPath()
        if circle.width() >= _TINY:
            path.addEllipse(circle)
        if not _TINY <= circle.width() <= _LARGE:
            for reach in (QPointF(4, 0), QPointF(0, 4)):
                path.moveTo(self.position - reach)
                path.lineTo(self.position + reach)
        stroke_two_tone(painter, path, width=1.2)
        if self.caption:
            panel = self._panel(viewport)
            draw_panel(painter, panel, palette)
            painter.setPen(palette.color(QPalette.ColorRole.WindowText))
            painter.setFont(self.font)
            painter.drawText(panel, Qt.AlignmentFlag.AlignCenter, self.caption)

    def _panel(self, viewport: Viewport) -> QRectF:
        """Below the circle, or above it where there is no room, inside the view."""
        metrics = QFontMetricsF(self.font)
        size = QSizeF(metrics.horizontalAdvance(self.caption) + 16, metrics.height() + 6)
        width, height = (side / viewport.ratio for side in viewport.device_size)
        circle = self._circle(viewport)
        top = circle.bottom() + 8
        if top + size.height() > height - 4:
            top = max(4.0, circle.top() - 8 - size.height())
        left = min(max(circle.center().x() - size.width() / 2, 4.0), max(4.0, width - size.width() - 4))
        return QRectF(QPointF(left, min(top, height - size.height() - 4)), size)

    def _circle(self, viewport: Viewport) -> QRectF:
        assert self.position is not None
        radius = self.diameter * viewport.scale / viewport.ratio / 2
        return QRectF(self.position - QPointF(radius, radius), self.position + QPointF(radius, radius))
