"""The influence of the experts as a table that sorts itself by numbers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from latentseg_gui.panels.experts.values import InfluenceRow

Index = QModelIndex | QPersistentModelIndex


class InfluenceModel(QAbstractTableModel):
    """Expert, changed share, confidence, class. `QTableWidget` would sort the texts."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[InfluenceRow] = []
        self._names: Sequence[str] = ()

    def set_rows(self, rows: Sequence[InfluenceRow], names: Sequence[str]) -> None:
        """Shows other rows, the strongest first."""
        self.beginResetModel()
        self._names = names
        self._rows = sorted(rows, key=lambda row: -row.changed)
        self.endResetModel()

    def expert(self, index: Index) -> int:
        """The expert of a row."""
        return self._rows[index.row()].expert

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        """Qt: experts."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        """Qt: figures."""
        return 0 if parent.isValid() else 4

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Qt: one figure as text."""
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in (1, 2):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return (
            self._names[row.expert],
            f"{row.changed:.1%}",
            f"{row.confidence_change * 100:+.1f}",
            row.most_affected,
        )[index.column()]

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Qt: what a column means."""
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return (self.tr("Expert"), self.tr("Pixels"), self.tr("Conf."), self.tr("Most in"))[section]

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Qt: a header was pressed."""
        keys = (
            lambda row: row.expert,
            lambda row: row.changed,
            lambda row: row.confidence_change,
            lambda row: row.most_affected,
        )
        self.beginResetModel()
        self._rows.sort(key=keys[column], reverse=order == Qt.SortOrder.DescendingOrder)
        self.endResetModel()
