"""Numbers between named rows and columns as a small heatmap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget
from typing_extensions import override

from latentseg_gui.document.wording import percent
from latentseg_gui.panels.experts.colours import map_colours
from latentseg_gui.panels.plain import plain

_ROW: Final = 19
_NAMES: Final = 76
_GAP: Final = 2
_NUMBER: Final = 42
"""Cells that are wider than this show their number."""


class ShareMatrix(QWidget):
    """A cell is a number from 0 to 1, which is written into it where there is room; its tool tip says it, too.

    Args:
        name: for screen readers.
        sentence: tool tip of a cell: number {0}, row {1}, column {2}.
        parent: owner of this widget.
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
        self._limits = (0.0, 1.0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)

    def set_shares(
        self,
        shares: NDArray[np.float32],
        rows: Sequence[str],
        columns: Sequence[str],
        limits: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        """Shows ``shares`` [rows, columns], 0..1; ``limits`` get the darkest and the brightest colour."""
        self._shares, self._rows, self._columns, self._limits = shares, rows, columns, limits
        words = (
            self.tr("{0}: mostly {1}").format(rows[row], columns[int(shares[row].argmax())])
            for row in range(shares.shape[0] if shares.size else 0)
        )
        self.setAccessibleDescription("; ".join(words))
        self.updateGeometry()
        self.update()

    @override
    def sizeHint(self) -> QSize:
        return QSize(220, (self._shares.shape[0] + self._has_heads) * _ROW)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(_NAMES + 60, self.sizeHint().height())

    def _cell(self, row: int, column: int) -> QRect:
        width = max(1, (self.width() - _NAMES) // max(1, self._shares.shape[1]))
        return QRect(
            _NAMES + column * width, (row + self._has_heads) * _ROW, max(1, width - _GAP), _ROW - _GAP
        )

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
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
        table = map_colours("viridis")
        for row in range(self._shares.shape[0] if self._shares.size else 0):
            name = metrics.elidedText(self._rows[row], elide, _NAMES - 6)
            painter.drawText(QRect(0, (row + self._has_heads) * _ROW, _NAMES, _ROW - _GAP), centre, name)
            for column in range(self._shares.shape[1]):
                self._paint_cell(painter, self._cell(row, column), float(self._shares[row, column]), table)
        painter.end()

    def _paint_cell(self, painter: QPainter, cell: QRect, share: float, table: NDArray[np.uint8]) -> None:
        low, high = self._limits
        code = int(np.clip((share - low) / max(high - low, 1e-9) * 255, 0, 255))
        painter.fillRect(cell, QColor(*(int(each) for each in table[code])))
        if cell.width() > _NUMBER:
            pen = painter.pen()
            painter.setPen(QColor("#000000" if code > 140 else "#ffffff"))
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, percent(share, 1))
            painter.setPen(pen)

    def _under(self, point: QPoint) -> tuple[int, int] | None:
        for row in range(self._shares.shape[0]):
            for column in range(self._shares.shape[1]):
                if self._cell(row, column).contains(point):
                    return row, column
        return None

    @override
    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self._under(event.pos())
            if found is not None:
                row, column = found
                share = percent(float(self._shares[row, column]), 1)
                words = self._sentence.format(share, self._rows[row], self._columns[column])
                QToolTip.showText(event.globalPos(), plain(words), self)
            return True
        return super().event(event)
