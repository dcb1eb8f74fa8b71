"""The scale of the heatmaps: what the darkest and the brightest colour mean."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from latentseg_gui.panels.experts.colours import map_colours
from latentseg_gui.panels.pixmaps import image_from_rgb
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.roles import hairline


class ColourBar(QWidget):
    """A gradient with what its two ends mean; how values were normalised stands in its name."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._gradient = QImage()
        self._low = self._high = self._text = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_scale("magma", "0", "", "")

    def set_scale(self, colour_map: str, low: str, high: str, text: str) -> None:
        """Shows ``low`` and ``high`` at the ends; ``text`` says how they were found."""
        self._gradient = image_from_rgb(map_colours(colour_map)[None])
        self._low, self._high, self._text = low, high, text
        self.setAccessibleName(f"{low} - {high}: {text}")
        self.setToolTip(plain(text))
        self.update()

    @override
    def sizeHint(self) -> QSize:
        return QSize(200, 12 + self.fontMetrics().height() + 4)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(80, self.sizeHint().height())

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        strip = QRectF(0.5, 0.5, self.width() - 1, 9)
        painter.drawImage(strip, self._gradient)
        painter.setPen(hairline(self.palette()))
        painter.drawRect(strip)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 0.86)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        base = 12 + metrics.ascent()
        painter.setPen(QColor(self.palette().color(QPalette.ColorRole.Text)))
        painter.drawText(0, base, self._low)
        right = metrics.horizontalAdvance(self._high)
        painter.drawText(self.width() - right, base, self._high)
        painter.end()
