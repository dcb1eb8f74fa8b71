"""What solid, hatched and grey mean over the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPalette, QPen

from latentseg_gui.canvas.chrome.base import draw_panel
from latentseg_gui.canvas.viewport import Viewport

_MARGIN: Final = 10
_PADDING: Final = 7
_SWATCH: Final = 16
_GAP: Final = 6
_BETWEEN: Final = 14
_UNDER_HATCHING: Final = "#6f6f6f"
_SLACK: Final = 1.12
"""Text runs a little wider in the frame, which is a picture, than the metrics of the screen say."""


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One look and what it means.

    Attributes:
        text: what it means.
        colour: "#rrggbb".
        is_hatched: whether it is hatched; else solid.
        is_mirrored: whether the lines of the hatching fall to the right; else they rise.
    """

    text: str
    colour: str
    is_hatched: bool = False
    is_mirrored: bool = False


class Legend:
    """One line in the lower left corner.

    Attributes:
        entries: what is explained; nothing is drawn where there are none.
        lift: how much of the corner something else takes, in logical pixels.
    """

    def __init__(self, font: QFont) -> None:
        self.font = font
        self.entries: tuple[LegendEntry, ...] = ()
        self.is_shown = True
        self.lift = 0

    def bounds(self, viewport: Viewport) -> QRect:
        """The logical area that it draws on, empty while it draws nothing (of `ChromeItem`)."""
        if not self.entries or not self.is_shown:
            return QRect()
        metrics = QFontMetricsF(self.font)
        width = sum(self._width(metrics, entry) for entry in self.entries) + 2 * _PADDING - _BETWEEN
        height = max(metrics.height(), _SWATCH) + _PADDING
        bottom = viewport.device_size[1] / viewport.ratio - _MARGIN - self.lift
        return QRectF(_MARGIN, bottom - height, width, height).toAlignedRect()

    def paint(self, painter: QPainter, viewport: Viewport, palette: QPalette) -> None:
        """Draws it, in logical coordinates (of `ChromeItem`)."""
        area = QRectF(self.bounds(viewport))
        if area.isEmpty():
            return
        draw_panel(painter, area, palette)
        painter.setFont(self.font)
        metrics = QFontMetricsF(self.font)
        x = area.x() + _PADDING
        for entry in self.entries:
            swatch = QRectF(x, area.center().y() - 6, _SWATCH, 12)
            _draw_swatch(painter, swatch, entry)
            painter.setPen(palette.color(QPalette.ColorRole.WindowText))
            text = QRectF(swatch.right() + _GAP, area.y(), area.right() - swatch.right(), area.height())
            painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, entry.text)
            x += self._width(metrics, entry)

    def _width(self, metrics: QFontMetricsF, entry: LegendEntry) -> float:
        return _SWATCH + _GAP + _SLACK * metrics.horizontalAdvance(entry.text) + _BETWEEN


def _draw_swatch(painter: QPainter, area: QRectF, entry: LegendEntry) -> None:
    colour = QColor(entry.colour)
    painter.setPen(QPen(colour, 1))
    # Hatching lies over pictures; on a panel of its own colour it would not be seen.
    painter.setBrush(QColor(_UNDER_HATCHING) if entry.is_hatched else colour)
    painter.drawRect(area)
    if entry.is_hatched:
        painter.save()
        painter.setClipRect(area)
        for step in range(0, round(area.width() + area.height()), 5):
            start, stop = area.x() + step, area.x() + step - area.height()
            upper, lower = (stop, start) if entry.is_mirrored else (start, stop)
            painter.drawLine(round(upper), round(area.y()), round(lower), round(area.bottom()))
        painter.restore()
