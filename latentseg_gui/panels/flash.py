"""A frame that blinks over a place, so that the eye finds it."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QWidget
from typing_extensions import override

BLINKS = 5
INTERVAL_MS = 180


class FlashFrame(QWidget):
    """Lies over another widget, lets the mouse through, and goes away by itself."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._left = 0
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._blink)
        self.hide()

    def flash(self, rect: QRect) -> None:
        """Blinks round ``rect``, in coordinates of the widget below."""
        self._left = 2 * BLINKS - 1
        self.setGeometry(rect.adjusted(-4, -4, 4, 4))
        self.raise_()
        self.show()
        self._timer.start()

    def _blink(self) -> None:
        self._left -= 1
        self.setVisible(self._left % 2 == 1)
        if self._left <= 0:
            self._timer.stop()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inside = QRectF(self.rect()).adjusted(2, 2, -2, -2)
        for colour, width in (
            (Qt.GlobalColor.black, 4.0),
            (self.palette().color(QPalette.ColorRole.Accent), 2.5),
        ):
            painter.setPen(QPen(colour, width))
            painter.drawRoundedRect(inside, 4, 4)
        painter.end()
