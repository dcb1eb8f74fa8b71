"""Markers of clicks, lines and the box, and the badge that says a click is waiting for the encoder."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPainterPath, QPalette, QPen, QPolygonF

from latentseg_gui.canvas.chrome.base import (
    DARK,
    LIGHT,
    NEGATIVE,
    POSITIVE,
    area_around,
    draw_panel,
    stroke_two_tone,
)
from latentseg_gui.canvas.viewport import Viewport
from latentseg_gui.document.prediction.proposals import PromptPoint, PromptSet

RADIUS: Final = 7.0
"""Logical radius of a marker; also how near a press must be to take it."""


class PromptMarkers:
    """Draws a prompt set; a click that is being moved is drawn where it is held.

    Attributes:
        prompts: what the hand is at.
        waiting: objects before it that are not answered yet.
        coming: objects that are accepted already, and not outlined yet.
    """

    def __init__(self) -> None:
        self.prompts = PromptSet()
        self.waiting: tuple[PromptSet, ...] = ()
        self.coming: tuple[PromptSet, ...] = ()
        self.held: tuple[int, tuple[float, float]] | None = None

    def position(self, index: int) -> tuple[float, float]:
        """Where a marker is drawn, in image coordinates."""
        if self.held is not None and self.held[0] == index:
            return self.held[1]
        return self.prompts.points[index].xy

    def index_at(self, position: QPointF, viewport: Viewport) -> int | None:
        """The topmost marker at a logical position."""
        for index in reversed(range(len(self.prompts.points))):
            away = viewport.to_logical(self.position(index)) - position
            if QPointF.dotProduct(away, away) <= (RADIUS + 2) ** 2:
                return index
        return None

    def box_area(self, viewport: Viewport) -> QRectF | None:
        """The logical area of the box."""
        return None if self.prompts.box is None else _area_of(self.prompts.box, viewport)

    def bounds(self, viewport: Viewport) -> QRect:
        """The logical area that it draws on, empty while it draws nothing (of `ChromeItem`)."""
        whole = QRect()
        for box in self._boxes():
            whole = whole.united(area_around(_area_of(box, viewport), 4))
        for point in self._points():
            centre = viewport.to_logical(point.xy)
            whole = whole.united(area_around(QRectF(centre, centre), RADIUS + 4))
            if point.way:
                whole = whole.united(area_around(_line_of(point, viewport).boundingRect(), 4))
        return whole

    def paint(self, painter: QPainter, viewport: Viewport, palette: QPalette) -> None:
        """Draws it, in logical coordinates (of `ChromeItem`)."""
        points = self._points()
        for box in self._boxes():
            path = QPainterPath()
            path.addRect(_area_of(box, viewport))
            stroke_two_tone(painter, path)
        for point in points:
            if point.way:
                colour = POSITIVE if point.is_positive else NEGATIVE
                line = _line_of(point, viewport)
                stroke_two_tone(painter, line, colour=colour, width=2.5, is_dashed=point.is_loop)
        for point in points:
            _draw_marker(painter, viewport.to_logical(point.xy), point)

    def _boxes(self) -> list[tuple[float, float, float, float]]:
        """Every box that is drawn."""
        drawn = (*self.coming, *self.waiting, self.prompts)
        return [each.box for each in drawn if each.box is not None]

    def _points(self) -> list[PromptPoint]:
        """Every click and line that is drawn, where it is held; the topmost last."""
        before = [point for each in (*self.coming, *self.waiting) for point in each.points]
        return before + [self._shown(index) for index in range(len(self.prompts.points))]

    def _shown(self, index: int) -> PromptPoint:
        return self.prompts.points[index].moved(self.position(index))


def _line_of(point: PromptPoint, viewport: Viewport) -> QPainterPath:
    """The line of a mark in logical coordinates; empty for a click."""
    path = QPainterPath()
    if point.way:
        path.addPolygon(QPolygonF([viewport.to_logical(xy) for xy in point.way]))
    if point.way and point.is_loop:
        path.closeSubpath()
    return path


def _area_of(box: tuple[float, float, float, float], viewport: Viewport) -> QRectF:
    return QRectF(viewport.to_logical(box[:2]), viewport.to_logical(box[2:])).normalized()


def _draw_marker(painter: QPainter, centre: QPointF, point: PromptPoint) -> None:
    """A disc with a plus or a minus: the sign, not only the colour, tells which."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(DARK, 1.5))
    painter.drawEllipse(centre, RADIUS + 1.5, RADIUS + 1.5)
    painter.setPen(QPen(LIGHT, 1.75))
    painter.setBrush(POSITIVE if point.is_positive else NEGATIVE)
    painter.drawEllipse(centre, RADIUS, RADIUS)
    painter.setPen(QPen(LIGHT, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    reach = RADIUS - 3.2
    painter.drawLine(centre - QPointF(reach, 0), centre + QPointF(reach, 0))
    if point.is_positive:
        painter.drawLine(centre - QPointF(0, reach), centre + QPointF(0, reach))


class PendingBadge:
    """A small panel beside the last click: the answer is being worked on, or what there is to say of it."""

    def __init__(self, markers: PromptMarkers, font: QFont, *, spins: bool = True) -> None:
        self._spins = spins
        self._markers = markers
        self.font = font
        self.text = ""
        self.phase = 0

    def bounds(self, viewport: Viewport) -> QRect:
        """The logical area that it draws on, empty while it draws nothing (of `ChromeItem`)."""
        return self._area(viewport).toAlignedRect() if self.text else QRect()

    def paint(self, painter: QPainter, viewport: Viewport, palette: QPalette) -> None:
        """Draws it, in logical coordinates (of `ChromeItem`)."""
        if not self.text:
            return
        area = self._area(viewport)
        draw_panel(painter, area, palette)
        ink = palette.color(QPalette.ColorRole.WindowText)
        if self._spins:
            spinner = QRectF(area.x() + 8, area.center().y() - 5, 10, 10)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 2))
            painter.drawArc(spinner, -self.phase * 30 * 16, 270 * 16)
        painter.setPen(ink)
        painter.setFont(self.font)
        text_area = area.adjusted(24 if self._spins else 10, 0, -8, 0)
        painter.drawText(text_area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text)

    def _area(self, viewport: Viewport) -> QRectF:
        metrics = QFontMetricsF(self.font)
        size = QRectF(
            0, 0, metrics.horizontalAdvance(self.text) + (34 if self._spins else 20), metrics.height() + 8
        )
        anchor = self._anchor(viewport) + QPointF(RADIUS + 6, -size.height() / 2)
        width, height = (side / viewport.ratio for side in viewport.device_size)
        x = min(max(anchor.x(), 4.0), width - size.width() - 4)
        y = min(max(anchor.y(), 4.0), height - size.height() - 4)
        return size.translated(x, y)

    def _anchor(self, viewport: Viewport) -> QPointF:
        points = self._markers.prompts.points
        if points:
            return viewport.to_logical(self._markers.position(len(points) - 1))
        area = self._markers.box_area(viewport)
        return area.topRight() if area is not None else QPointF(8, 20)
