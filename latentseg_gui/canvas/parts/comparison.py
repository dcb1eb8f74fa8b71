"""Two arrays of labels beside each other, with a divider between them."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPainterPath, QPalette

from latentseg_gui.canvas.camera import Camera
from latentseg_gui.canvas.chrome.base import draw_handle, draw_panel, stroke_two_tone
from latentseg_gui.canvas.layers.labels import LabelLayer
from latentseg_gui.canvas.parts.visibility import VisibilityPart
from latentseg_gui.canvas.surface import Surface
from latentseg_gui.canvas.viewport import Viewport
from latentseg_gui.document.types import Labels

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
        """The whole view in logical pixels, because both halves change with it (of `ChromeItem`)."""
        if not self.is_shown:
            return QRect()
        return QRect(0, 0, *(round(side / viewport.ratio) for side in viewport.device_size))

    def paint(self, painter: QPainter, viewport: Viewport, palette: QPalette) -> None:
        """Draws it, in logical coordinates (of `ChromeItem`)."""
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


class ComparisonPart:
    """Shows a comparison in place of the mask.

    Attributes:
        divider: the line between the halves.
    """

    def __init__(
        self,
        surface: Surface,
        halves: tuple[LabelLayer, LabelLayer],
        camera: Camera,
        visibility: VisibilityPart,
        font: QFont,
    ) -> None:
        self.divider = SplitDivider(font)
        self._surface = surface
        self._left, self._right = halves
        self._visibility = visibility
        camera.changed.connect(self._clip_halves)

    def set(self, left: Labels | None, right: Labels | None, names: tuple[str, str] = ("", "")) -> None:
        """Shows two arrays of class ids, uint8 [H, W], and what they are; None twice ends it."""
        was_comparing = self.divider.is_shown
        is_comparing = left is not None or right is not None
        self._left.labels, self._right.labels = left, right
        self.divider.is_shown, self.divider.names = is_comparing, names
        self.set_divider(self.divider.fraction if was_comparing else 0.5)
        self._visibility.set_comparing(is_comparing)

    def set_divider(self, fraction: float) -> None:
        """Puts the divider at a fraction of the width of the view."""
        viewport = self._surface.viewport
        before = self.divider.x(viewport)
        self.divider.fraction = min(max(fraction, 0.0), 1.0)
        self._clip_halves()
        after = self.divider.x(viewport)
        height = round(viewport.device_size[1] / viewport.ratio)
        self._surface.refresh_area(
            QRect(int(min(before, after)) - 2, 0, int(abs(after - before)) + 5, height)
        )
        self._surface.refresh_chrome(self.divider)

    def _clip_halves(self) -> None:
        width = self._surface.viewport.device_size[0]
        middle = round(self.divider.fraction * width)
        self._left.clip, self._right.clip = (0, middle), (middle, width)
