"""The key of a heatmap: its colours, the numbers at both ends, and how it was normalised."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPalette

from latentseg_gui.canvas.chrome.base import draw_panel
from latentseg_gui.canvas.colour_maps import colour_table
from latentseg_gui.canvas.packing import image_of, pack_table
from latentseg_gui.canvas.viewport import Viewport

_BAR_WIDTH: Final = 180
_BAR_HEIGHT: Final = 10
_PADDING: Final = 8
_SLACK: Final = 1.12
"""Text runs a little wider in the frame, which is a picture, than the metrics of the screen say."""


class ColourBar:
    """A panel in the lower left corner."""

    def __init__(self, font: QFont) -> None:
        self.font = font
        self.caption = ""
        self.ends = ("", "")
        self.is_shown = False
        self._colours = colour_table("magma")

    def show(self, colours: NDArray[np.uint8], ends: tuple[str, str], caption: str) -> None:
        """Shows a key: colours [N, 3] in their order, and what the first and the last of them mean."""
        self._colours, self.ends, self.caption, self.is_shown = colours, ends, caption, True

    def bounds(self, viewport: Viewport) -> QRect:
        """See `ChromeItem.bounds`."""
        return self._area(viewport).toAlignedRect() if self.is_shown else QRect()

    def paint(self, painter: QPainter, viewport: Viewport, palette: QPalette) -> None:
        """See `ChromeItem.paint`."""
        if not self.is_shown:
            return
        area = self._area(viewport)
        line = QFontMetricsF(self.font).height()
        draw_panel(painter, area, palette)
        inner = area.adjusted(_PADDING, _PADDING, -_PADDING, -_PADDING)
        painter.setFont(self.font)
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
        colours = np.full((len(self._colours), 4), 255, np.uint8)
        colours[:, :3] = self._colours
        painter.drawImage(bar, image_of(pack_table(colours)[None], has_alpha=False))

    def _area(self, viewport: Viewport) -> QRectF:
        metrics = QFontMetricsF(self.font)
        width = max(_BAR_WIDTH, _SLACK * metrics.horizontalAdvance(self.caption)) + 2 * _PADDING
        lines = 2 if self.caption else 1
        height = lines * metrics.height() + _BAR_HEIGHT + 4 + 2 * _PADDING
        return QRectF(10, viewport.device_size[1] / viewport.ratio - height - 10, width, height)
