"""The key of a heatmap: its colours, the numbers at both ends, and how it was normalised."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPalette

from latentseg_gui.canvas.chrome.base import draw_panel
from latentseg_gui.canvas.colour_maps import colour_table
from latentseg_gui.canvas.packing import image_of, pack_table
from latentseg_gui.canvas.viewport import Viewport

_BAR_WIDTH: Final = 180
_BAR_HEIGHT: Final = 10
_PADDING: Final = 8


class ColourBar:
    """A panel in the lower left corner."""

    def __init__(self, font: QFont) -> None:
        self._font = font
        self.caption = ""
        self.ends = ("", "")
        self.colour_map = "magma"
        self.is_shown = False

    def show(self, colour_map: str, value_range: tuple[float, float], caption: str) -> None:
        """Shows the key of a map over a range of numbers."""
        self.colour_map, self.caption, self.is_shown = colour_map, caption, True
        self.ends = (f"{value_range[0]:.3g}", f"{value_range[1]:.3g}")

    def bounds(self, viewport: Viewport) -> QRect:
        """See `ChromeItem.bounds`."""
        return self._area(viewport).toAlignedRect() if self.is_shown else QRect()

    def paint(self, painter: QPainter, viewport: Viewport, palette: QPalette) -> None:
        """See `ChromeItem.paint`."""
        if not self.is_shown:
            return
        area = self._area(viewport)
        line = QFontMetricsF(self._font).height()
        draw_panel(painter, area, palette)
        inner = area.adjusted(_PADDING, _PADDING, -_PADDING, -_PADDING)
        painter.setFont(self._font)
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        caption_area = QRectF(inner.x(), inner.y(), inner.width(), line if self.caption else 0)
        painter.drawText(caption_area, flags, self.caption)
        bar = QRectF(inner.x(), caption_area.bottom() + 3, inner.width(), _BAR_HEIGHT)
        self._draw_bar(painter, bar)
        ends = QRectF(inner.x(), bar.bottom() + 1, inner.width(), line)
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        painter.drawText(ends, flags, self.ends[0])
        painter.drawText(ends, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self.ends[1])

    def _draw_bar(self, painter: QPainter, bar: QRectF) -> None:
        colours = np.full((1, 256, 4), 255, np.uint8)
        colours[0, :, :3] = colour_table(self.colour_map)
        packed = pack_table(colours.reshape(256, 4)).reshape(1, 256)
        painter.drawImage(bar, image_of(packed, has_alpha=False))

    def _area(self, viewport: Viewport) -> QRectF:
        metrics = QFontMetricsF(self._font)
        width = max(_BAR_WIDTH, metrics.horizontalAdvance(self.caption)) + 2 * _PADDING
        lines = 2 if self.caption else 1
        height = lines * metrics.height() + _BAR_HEIGHT + 4 + 2 * _PADDING
        return QRectF(10, viewport.device_size[1] / viewport.ratio - height - 10, width, height)
