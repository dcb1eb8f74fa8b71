"""The circle that shows how much a brush would paint, in true size."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QPainter, QPainterPath, QPalette

from latentseg_gui.canvas.chrome.base import area_around, stroke_two_tone
from latentseg_gui.canvas.viewport import Viewport

_TINY: Final = 6
"""A circle of fewer logical pixels is drawn as a cross."""
_LARGE: Final = 40
"""A circle of more logical pixels has a cross in its middle."""


class BrushCursor:
    """Draws a circle of the brush's diameter around the mouse."""

    def __init__(self) -> None:
        self.position: QPointF | None = None
        self.diameter = 20.0
        self.is_shown = False

    def bounds(self, viewport: Viewport) -> QRect:
        """See `ChromeItem.bounds`."""
        if self.position is None or not self.is_shown or not viewport.has_image:
            return QRect()
        return area_around(self._circle(viewport), 7)

    def paint(self, painter: QPainter, viewport: Viewport, palette: QPalette) -> None:
        """See `ChromeItem.paint`."""
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

    def _circle(self, viewport: Viewport) -> QRectF:
        assert self.position is not None
        radius = self.diameter * viewport.scale / viewport.ratio / 2
        return QRectF(self.position - QPointF(radius, radius), self.position + QPointF(radius, radius))
