"""What an item of chrome is, and strokes that show on any image."""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPalette, QPen

from latentseg_gui.canvas.viewport import Viewport

POSITIVE: Final = QColor("#009e73")
NEGATIVE: Final = QColor("#d55e00")
DARK: Final = QColor(0, 0, 0, 170)
LIGHT: Final = QColor(255, 255, 255, 235)


class ChromeItem(Protocol):
    """Something drawn above the layers."""

    def bounds(self, viewport: Viewport) -> QRect:
        """The logical area that it may draw on; empty while it draws nothing."""

    def paint(self, painter: QPainter, viewport: Viewport, palette: QPalette) -> None:
        """Draws it; the painter is in logical coordinates and antialiased."""


@runtime_checkable
class TextItem(Protocol):
    """An item that writes something, in the font of the canvas."""

    font: QFont


def stroke_two_tone(
    painter: QPainter,
    path: QPainterPath,
    *,
    colour: QColor = LIGHT,
    width: float = 1.5,
    is_dashed: bool = False,
) -> None:
    """Strokes a path light inside dark, so that it shows on any image."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    join = Qt.PenJoinStyle.RoundJoin
    painter.setPen(QPen(DARK, width + 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, join))
    painter.drawPath(path)
    style = Qt.PenStyle.DashLine if is_dashed else Qt.PenStyle.SolidLine
    cap = Qt.PenCapStyle.FlatCap if is_dashed else Qt.PenCapStyle.RoundCap
    painter.setPen(QPen(colour, width, style, cap, join))
    painter.drawPath(path)


def draw_handle(painter: QPainter, centre: QPointF, *, colour: QColor = LIGHT, radius: float = 4.0) -> None:
    """Draws a round handle that can be taken."""
    painter.setPen(QPen(DARK, 1.5))
    painter.setBrush(colour)
    painter.drawEllipse(centre, radius, radius)


def draw_panel(painter: QPainter, area: QRectF, palette: QPalette, *, alpha: int = 225) -> None:
    """Draws a rounded ground for text in the colours of the window."""
    ground = QColor(palette.color(QPalette.ColorRole.Window))
    ground.setAlpha(alpha)
    rim = QColor(palette.color(QPalette.ColorRole.WindowText))
    rim.setAlpha(70)
    painter.setPen(QPen(rim, 1))
    painter.setBrush(ground)
    painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)


def area_around(rect: QRectF, margin: float) -> QRect:
    """The whole pixels of a rectangle grown by ``margin``."""
    return rect.normalized().adjusted(-margin, -margin, margin, margin).toAlignedRect()
