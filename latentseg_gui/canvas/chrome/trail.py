"""A line that is being drawn: box, lasso, polygon, cut."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRect
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPalette, QPolygonF

from latentseg_gui.canvas.chrome.base import LIGHT, area_around, draw_handle, stroke_two_tone
from latentseg_gui.canvas.viewport import Viewport

HANDLE_REACH: Final = 8.0
"""How near, in logical pixels, a press must be to take a vertex."""
_HOT: Final = QColor("#f0e442")


class Trail:
    """Draws points joined by straight lines.

    Attributes:
        points: in image coordinates.
        rubber: where the next point would be; the line follows it.
        is_closed: whether the last point is joined to the first.
        has_handles: whether points are drawn as handles.
        hot: the handle that a press would act on.
    """

    def __init__(self) -> None:
        self.points: list[tuple[float, float]] = []
        self.rubber: tuple[float, float] | None = None
        self.is_closed = False
        self.has_handles = False
        self.hot: int | None = None

    def clear(self) -> None:
        """Draws nothing."""
        self.points, self.rubber, self.hot = [], None, None

    def handle_at(self, position: QPointF, viewport: Viewport) -> int | None:
        """The latest point near a logical position."""
        for index in reversed(range(len(self.points))):
            away = viewport.to_logical(self.points[index]) - position
            if QPointF.dotProduct(away, away) <= HANDLE_REACH**2:
                return index
        return None

    def bounds(self, viewport: Viewport) -> QRect:
        """The logical area that it draws on, empty while it draws nothing (of `ChromeItem`)."""
        corners = self._corners(viewport)
        if not corners:
            return QRect()
        return area_around(QPolygonF(corners).boundingRect(), 8)

    def paint(self, painter: QPainter, viewport: Viewport, palette: QPalette) -> None:
        """Draws it, in logical coordinates (of `ChromeItem`)."""
        corners = self._corners(viewport)
        if not corners:
            return
        path = QPainterPath()
        path.addPolygon(QPolygonF(corners))
        if self.is_closed:
            path.closeSubpath()
        if self.is_closed and len(corners) > 2:
            painter.fillPath(path, QColor(255, 255, 255, 36))
        stroke_two_tone(painter, path)
        if self.has_handles:
            for index, point in enumerate(self.points):
                is_hot = index == self.hot
                colour, radius = (_HOT, 5.5) if is_hot else (LIGHT, 4.0)
                draw_handle(painter, viewport.to_logical(point), colour=colour, radius=radius)

    def _corners(self, viewport: Viewport) -> list[QPointF]:
        points = self.points if self.rubber is None else [*self.points, self.rubber]
        return [viewport.to_logical(point) for point in points] if self.points else []
