"""Markers on single pixels: what the user has pointed at, and numbered pins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPalette, QPen

from latentseg_gui.canvas.chrome.base import DARK, LIGHT, area_around
from latentseg_gui.canvas.chrome.prompts import PendingBadge, PromptMarkers
from latentseg_gui.canvas.surface import Surface
from latentseg_gui.canvas.viewport import Viewport
from latentseg_gui.document.prediction.proposals import PromptSet

RADIUS: Final = 8.5
"""Logical radius of a marker's head; also how near a press must be to mean it."""

_STEM: Final = 17.0
_FILL: Final = QColor("#0072b2")


class PinMarkers:
    """Draws a head with a number above each pixel, and a stem that ends on it."""

    def __init__(self, font: QFont) -> None:
        self.positions: Sequence[tuple[float, float]] = ()
        self._font = QFont(font)
        self._font.setBold(True)

    def index_at(self, xy: tuple[float, float], viewport: Viewport) -> int | None:
        """The topmost pin whose pixel or head is shown where ``xy`` is."""
        position = viewport.to_logical(xy)
        for index in reversed(range(len(self.positions))):
            foot = viewport.to_logical(self.positions[index])
            for centre in (foot, _head(foot)):
                away = centre - position
                if QPointF.dotProduct(away, away) <= RADIUS**2:
                    return index
        return None

    def bounds(self, viewport: Viewport) -> QRect:
        """The logical area that it draws on, empty while it draws nothing (of `ChromeItem`)."""
        whole = QRect()
        for xy in self.positions:
            foot = viewport.to_logical(xy)
            whole = whole.united(area_around(QRectF(_head(foot), foot), RADIUS + 4))
        return whole

    def paint(self, painter: QPainter, viewport: Viewport, palette: QPalette) -> None:
        """Draws it, in logical coordinates (of `ChromeItem`)."""
        painter.setFont(self._font)
        for number, xy in enumerate(self.positions, start=1):
            foot = viewport.to_logical(xy)
            for colour, width in ((DARK, 4.0), (LIGHT, 2.0)):
                painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
                painter.drawLine(_head(foot), foot)
            painter.setPen(QPen(DARK, 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(_head(foot), RADIUS + 1.5, RADIUS + 1.5)
            painter.setPen(QPen(LIGHT, 1.75))
            painter.setBrush(_FILL)
            painter.drawEllipse(_head(foot), RADIUS, RADIUS)
            painter.setPen(LIGHT)
            square = QRectF(_head(foot) - QPointF(RADIUS, RADIUS), _head(foot) + QPointF(RADIUS, RADIUS))
            painter.drawText(square, Qt.AlignmentFlag.AlignCenter, str(number))


def _head(foot: QPointF) -> QPointF:
    return foot - QPointF(0, _STEM)


_NEAR: Final = 24
"""Logical pixels from a marker that a hand covers which has just clicked and does not quite rest."""


class PromptsPart:
    """Shows clicks and the box.

    Attributes:
        markers: where they are drawn, for tools that take them.
    """

    def __init__(self, surface: Surface, markers: PromptMarkers, badge: PendingBadge) -> None:
        self.markers = markers
        self._surface = surface
        self._badge = badge

    def set(self, prompts: PromptSet) -> None:
        """Shows what the user has pointed at; the badge stays beside the last click."""
        self.markers.prompts = prompts
        self._surface.refresh_chrome(self.markers, self._badge)

    def set_waiting(self, objects: Sequence[PromptSet]) -> None:
        """Shows objects that were pointed at before, and are not answered yet."""
        self.markers.waiting = tuple(objects)
        self._surface.refresh_chrome(self.markers)

    def set_coming(self, objects: Sequence[PromptSet]) -> None:
        """Shows objects that were accepted, and are not outlined yet."""
        self.markers.coming = tuple(objects)
        self._surface.refresh_chrome(self.markers)

    def is_near(self, xy: tuple[float, float]) -> bool:
        """Whether a marker of a click is shown beside a position of the image."""
        viewport = self._surface.viewport
        position = viewport.to_logical(xy)
        return any(
            (viewport.to_logical(self.markers.position(index)) - position).manhattanLength() <= _NEAR
            for index in range(len(self.markers.prompts.points))
        )


class PinsPart:
    """Shows pixels that are pinned."""

    def __init__(self, surface: Surface, font: QFont) -> None:
        self.markers = PinMarkers(font)
        self._surface = surface

    def set(self, positions: Sequence[tuple[float, float]]) -> None:
        """Marks pixels by numbers, in this order from 1."""
        self.markers.positions = tuple(positions)
        self._surface.refresh_chrome(self.markers)

    def index_at(self, xy: tuple[float, float]) -> int | None:
        """The index of the pin that is shown at an image position."""
        return self.markers.index_at(xy, self._surface.viewport)
