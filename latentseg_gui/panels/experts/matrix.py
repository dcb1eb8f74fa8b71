"""Numbers between named rows and columns as a small heatmap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from latentseg_gui.panels.experts.colours import colour_table

_ROW: Final = 19
_NAMES: Final = 76
_GAP: Final = 2


class ShareMatrix(QWidget):
    """A cell is a number from 0 to 1; its tool tip says which.

    Args:
        name: for screen readers.
        sentence: tool tip of a cell: number {0}, row {1}, column {2}.
        has_heads: whether the names of the columns stand above them.
    """

    def __init__(
        self, name: str, sentence: str, parent: QWidget | None = None, *, has_heads: bool = False
    ) -> None:
        super().__init__(parent)
        self._sentence = sentence
        self._has_heads = has_heads
        self._shares: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        self._rows: Sequence[str] = ()
        self._columns: Sequence[str] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)

    def set_shares(self, shares: NDArray[np.float32], rows: Sequence[str], columns: Sequence[str]) -> None:
        """Shows ``shares`` [rows, columns], 0..1."""
        self._shares, self._rows, self._columns = shares, rows, columns
        words = (
            self.tr("{0}: mostly {1}").format(rows[row], columns[int(shares[row].argmax())])
            for row in range(shares.shape[0] if shares.size else 0)
        )
        self.setAccessibleDescription("; ".join(words))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Qt: one line per row and one for the heads."""
        return QSize(220, (self._shares.shape[0] + self._has_heads) * _ROW)

    def minimumSizeHint(self) -> QSize:
        """Qt: cells may be narrow."""
        return QSize(_NAMES + 60, self.sizeHint().height())

    def _cell(self, row: int, column: int) -> QRect:
        width = max(1, (self.width() - _NAMES) // max(1, self._shares.shape[1]))
        return QRect(
            _NAMES + column * width, (row + self._has_heads) * _ROW, max(1, width - _GAP), _ROW - _GAP
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Qt: draws names and cells."""
        painter = QPainter(self)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 0.86)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        centre, elide = Qt.AlignmentFlag.AlignVCenter, Qt.TextElideMode.ElideRight
        for column in range(self._shares.shape[1] if self._has_heads else 0):
            head = self._cell(-1, column)
            painter.drawText(head, centre, metrics.elidedText(self._columns[column], elide, head.width()))
        table = colour_table("viridis")
        for row in range(self._shares.shape[0] if self._shares.size else 0):
            name = metrics.elidedText(self._rows[row], elide, _NAMES - 6)
            painter.drawText(QRect(0, (row + self._has_heads) * _ROW, _NAMES, _ROW - _GAP), centre, name)
            for column in range(self._shares.shape[1]):
                code = int(np.clip(self._shares[row, column] * 255, 0, 255))
                painter.fillRect(self._cell(row, column), QColor(*(int(each) for each in table[code])))
        painter.end()

    def _under(self, point: QPoint) -> tuple[int, int] | None:
        for row in range(self._shares.shape[0]):
            for column in range(self._shares.shape[1]):
                if self._cell(row, column).contains(point):
                    return row, column
        return None

    def event(self, event: QEvent) -> bool:
        """Qt: a tool tip states the number of a cell."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self._under(event.pos())
            if found is not None:
                row, column = found
                share = f"{self._shares[row, column]:.0%}"
                words = self._sentence.format(share, self._rows[row], self._columns[column])
                QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)
