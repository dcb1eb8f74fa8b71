"""The rows of the list of objects: several can be chosen, and a click goes to one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QTableView, QWidget
from typing_extensions import override

from latentseg_gui.panels.objects.model import PICTURE_SIDE, Column, ObjectsModel

_ROW_HEIGHT: Final = 28


class ObjectsView(QTableView):
    """Shows an `ObjectsModel`.

    Signals:
        chosen: keys (tuple) of the rows that the user has chosen.
        go_requested: the key of a row that was clicked alone.
        delete_requested: Delete was pressed.
    """

    chosen = Signal(object)
    go_requested = Signal(object)
    delete_requested = Signal()

    def __init__(self, model: ObjectsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._is_told = False
        self.setModel(model)
        self.setAccessibleName(self.tr("Objects of this image"))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setIconSize(QSize(PICTURE_SIDE, PICTURE_SIDE))
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        self._lay_out_columns()
        self.setSortingEnabled(True)
        self.sortByColumn(Column.NUMBER, Qt.SortOrder.AscendingOrder)
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.clicked.connect(self._on_clicked)
        self.activated.connect(self._on_clicked)

    def _lay_out_columns(self) -> None:
        header, metrics = self.horizontalHeader(), self.fontMetrics()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        texts = {
            Column.NUMBER: "000",
            Column.CLASS: "class name",
            Column.AREA: "99,999 px",
            Column.PLACE: "9999, 9999",
            Column.SOURCE: "predicted",
        }
        for column, text in texts.items():
            more = {Column.NUMBER: PICTURE_SIDE + 6, Column.CLASS: 20}.get(column, 0)
            header.resizeSection(column, metrics.horizontalAdvance(text) + more + 8)
        header.resizeSection(Column.MARKS, 28)
        header.setStretchLastSection(False)

    def select_keys(self, keys: Collection[int]) -> None:
        """Marks rows as chosen, as far as they are shown; says nothing back."""
        rows = np.flatnonzero(np.isin(self._model.keys, np.fromiter(keys, np.int64, len(keys))))
        ranges = QItemSelection()
        last = len(Column) - 1
        for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if rows.size else ():
            ranges.select(self._model.index(int(run[0]), 0), self._model.index(int(run[-1]), last))
        self._is_told = True
        self.selectionModel().select(ranges, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._is_told = False
        if rows.size == 1:
            index = self._model.index(int(rows[0]), 0)
            self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
            self.scrollTo(index)

    def selected_keys(self) -> tuple[int, ...]:
        """The keys of the rows that are chosen, in their order."""
        chosen = self.selectionModel().selection()
        ranges = [chosen.at(index) for index in range(chosen.count())]
        rows = sorted({row for each in ranges for row in range(each.top(), each.bottom() + 1)})
        return tuple(self._model.keys[rows].tolist())

    def _on_selection_changed(self) -> None:
        if not self._is_told:
            self.chosen.emit(self.selected_keys())

    def _on_clicked(self, index: QModelIndex) -> None:
        held = QApplication.keyboardModifiers()
        if not held & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier):
            self.go_requested.emit(int(self._model.keys[index.row()]))

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self.delete_requested.emit()
        else:
            super().keyPressEvent(event)
