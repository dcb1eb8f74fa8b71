"""The undo list: what was done, where one stands, and a click to go anywhere."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import QApplication, QHBoxLayout, QListView, QVBoxLayout, QWidget
from typing_extensions import override

from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.shortcut_tooltips import follow_key
from latentseg_gui.panels.widgets import icon_button

Index = QModelIndex | QPersistentModelIndex


class HistoryModel(QAbstractListModel):
    """Row 0 is the state before the first step; row i the state after step i."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._labels: tuple[str, ...] = ()
        self._position = 0

    @property
    def position(self) -> int:
        """How many steps are applied."""
        return self._position

    def set_steps(self, labels: Sequence[str], position: int) -> None:
        """Shows these steps; rows that were there already stay."""
        labels = tuple(labels)
        before = self._position
        if labels[: len(self._labels)] == self._labels:
            first = len(self._labels) + 1
            if len(labels) >= first:
                self.beginInsertRows(QModelIndex(), first, len(labels))
                self._labels, self._position = labels, position
                self.endInsertRows()
        elif labels != self._labels:
            self.beginResetModel()
            self._labels, self._position = labels, position
            self.endResetModel()
        self._position = position
        first, last = sorted((min(before, len(labels)), position))
        self.dataChanged.emit(self.index(first), self.index(last))

    @override
    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        return 0 if parent.isValid() else len(self._labels) + 1

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row = index.row()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            label = self._labels[row - 1] if row else self.tr("At the start")
            return label if role == Qt.ItemDataRole.DisplayRole else plain(label)
        if role == Qt.ItemDataRole.ForegroundRole and row > self._position:
            return QApplication.palette().color(QPalette.ColorRole.PlaceholderText)
        if role == Qt.ItemDataRole.FontRole and row == self._position:
            font = QFont(QApplication.font())
            font.setBold(True)
            return font
        return None


class HistoryPanel(QWidget):
    """Steps, oldest first.

    Signals:
        go_to_requested: how many steps shall be applied.
        undo_requested, redo_requested.
    """

    go_to_requested = Signal(int)
    undo_requested = Signal()
    redo_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = HistoryModel(self)
        self._count = 0
        self._view = QListView(self)
        self._view.setModel(self._model)
        self._view.setAccessibleName(self.tr("Steps that can be undone"))
        self._view.setUniformItemSizes(True)
        self._view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._undo = icon_button("undo", self.tr("Undo"))
        follow_key(self._undo, "undo")
        self._redo = icon_button("redo", self.tr("Redo"))
        follow_key(self._redo, "redo")
        row = QHBoxLayout()
        row.addWidget(self._undo)
        row.addWidget(self._redo)
        row.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(8, 8, 8, 8)
        whole.setSpacing(6)
        whole.addLayout(row)
        whole.addWidget(self._view, 1)
        self._view.clicked.connect(self._on_row_chosen)
        self._view.activated.connect(self._on_row_chosen)
        self._undo.clicked.connect(self.undo_requested)
        self._redo.clicked.connect(self.redo_requested)
        self.set_steps((), 0)

    def set_steps(self, labels: Sequence[str], position: int) -> None:
        """Shows the steps; the first ``position`` of them are applied."""
        self._model.set_steps(labels, position)
        self._undo.setEnabled(position > 0)
        self._redo.setEnabled(position < len(labels))
        current = self._model.index(position)
        self._view.setCurrentIndex(current)
        self._view.scrollTo(current)

    def _on_row_chosen(self, index: QModelIndex) -> None:
        if index.row() != self._model.position:
            self.go_to_requested.emit(index.row())
