"""Figures of classes, and which class is taken for which: tables that are as high as their rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from latentseg_gui.panels.evaluation.values import ClassFigures
from latentseg_gui.panels.pixmaps import swatch
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.roles import role_colour, wash

_SWATCH = 12
_MOST_ROWS = 10
_MOST_NAME = "a long name"
"""So much room names have where several stand side by side; the rest is in the tip."""


class FiguresTable(QTableWidget):
    """A table that is read and pressed, never written to."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setIconSize(QSize(_SWATCH, _SWATCH))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideRight)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 10)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setMinimumSectionSize(30)

    def _put(self, row: int, column: int, text: str, tip: str = "") -> QTableWidgetItem:
        item = QTableWidgetItem(text)
        side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
        item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        item.setToolTip(plain(tip))
        self.setItem(row, column, item)
        return item

    def _mark(self, item: QTableWidgetItem, colour: str) -> None:
        item.setIcon(QIcon(swatch(QColor(colour), _SWATCH, self.devicePixelRatioF())))

    def _fit(self) -> None:
        header = self.horizontalHeader()
        rows = min(self.rowCount(), _MOST_ROWS) * self.verticalHeader().defaultSectionSize()
        bar = self.horizontalScrollBar().sizeHint().height() if self._is_wide() else 0
        self.setFixedHeight(header.sizeHint().height() + rows + bar + 4)

    def _is_wide(self) -> bool:
        return self.horizontalHeader().length() > self.viewport().width()


class ClassTableView(FiguresTable):
    """IoU, missed and wrongly taken of every class.

    Signals:
        chosen: class id of the row that was pressed.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Figures of the classes"), parent)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        # What is elided is cut off after its first line, whatever room there is.
        self.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideNone)
        self._ids: tuple[int, ...] = ()
        self.cellClicked.connect(self._on_pressed)
        self.cellActivated.connect(self._on_pressed)

    def set_classes(self, classes: Sequence[ClassFigures]) -> None:
        """Shows those of these classes that are labelled or predicted."""
        classes = [each for each in classes if not (math.isnan(each.iou) and math.isnan(each.taken))]
        self._ids = tuple(each.class_id for each in classes)
        headers = (self.tr("Class"), self.tr("IoU"), self.tr("Missed"), self.tr("Wrongly\ntaken"))
        self.setColumnCount(len(headers))
        self.setHorizontalHeaderLabels(headers)
        self.setRowCount(len(classes))
        for row, each in enumerate(classes):
            self._mark(self._put(row, 0, each.name, each.name), each.colour)
            self._put(row, 1, "-" if math.isnan(each.iou) else f"{each.iou:.3f}")
            missed = self.tr("of what is labelled “{0}” is predicted otherwise").format(each.name)
            self._put(row, 2, share_text(each.missed), f"{share_text(each.missed)} {missed}")
            taken = self.tr("of what is predicted “{0}” is labelled otherwise").format(each.name)
            self._put(row, 3, share_text(each.taken), f"{share_text(each.taken)} {taken}")
        # All figures are in sight; the names take what is left.
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._fit()

    def _on_pressed(self, row: int, _column: int) -> None:
        if row < len(self._ids):
            self.chosen.emit(self._ids[row])


class ConfusionTable(FiguresTable):
    """What is labelled in rows, what is predicted in columns; each row adds up to 100 %.

    Signals:
        chosen: numbers of the labelled and of the predicted class of the cell that was pressed.
    """

    chosen = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Confusion matrix: which class is predicted as which"), parent)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectItems)
        self._numbers: tuple[int, ...] = ()
        self.cellClicked.connect(self._on_pressed)
        self.cellActivated.connect(self._on_pressed)

    def set_confusion(self, confusion: NDArray[np.int64], classes: Sequence[ClassFigures]) -> None:
        """Shows pixels [C, C]; classes that are neither labelled nor predicted are left out."""
        is_there = (confusion.sum(0) + confusion.sum(1)) > 0
        self._numbers = tuple(int(each) for each in np.flatnonzero(is_there))
        names = [classes[each].name for each in self._numbers]
        self.setColumnCount(len(names) + 1)
        self.setHorizontalHeaderLabels([self.tr("Labelled"), *names])
        self.setRowCount(len(names))
        for row, number in enumerate(self._numbers):
            self._mark(self._put(row, 0, names[row], names[row]), classes[number].colour)
            for column, other in enumerate(self._numbers):
                self._put_cell(row, column, confusion[number], other, (names[row], names[column]))
        self._narrow(names)
        self._fit()

    def _narrow(self, names: Sequence[str]) -> None:
        """Long names give way, so that more of the figures is in sight."""
        self.resizeColumnsToContents()
        most = self.fontMetrics().horizontalAdvance(_MOST_NAME) + 2 * _SWATCH
        for column in range(self.columnCount()):
            self.setColumnWidth(column, min(self.columnWidth(column), most))
        for column, name in enumerate(names, start=1):
            head = self.horizontalHeaderItem(column)
            if head is not None:
                head.setToolTip(plain(name))

    def _put_cell(
        self, row: int, column: int, counts: NDArray[np.int64], other: int, names: tuple[str, str]
    ) -> None:
        count, total = int(counts[other]), int(counts.sum())
        share = count / total if total else math.nan
        words = self.tr("{0} pixels labelled “{1}” are predicted “{2}”").format(f"{count:,}", *names)
        if row != column and count:
            words += "\n" + self.tr("Press to go to the largest spot of them.")
        item = self._put(row, column + 1, share_text(share) if count else ("-" if not total else "0"), words)
        if count:
            colour = role_colour("good" if row == column else "bad", self.palette())
            item.setBackground(wash(colour, 0.08 + 0.4 * share))

    def _on_pressed(self, row: int, column: int) -> None:
        if column > 0 and row != column - 1:
            self.chosen.emit(self._numbers[row], self._numbers[column - 1])


def share_text(share: float) -> str:
    """A share 0..1 as text, small ones with a decimal, so that what is there never reads as nothing."""
    if math.isnan(share):
        return "-"
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    digits = 1 if share < 0.0995 or 0.9 < share < 1 else 0
    return f"{100 * share:.{digits}f} %"
