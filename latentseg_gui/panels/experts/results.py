"""What an intervention changed, and the influence of every expert."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from latentseg_gui.document.wording import percent
from latentseg_gui.panels.experts.values import InfluenceRow, InterventionResult
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.widgets import text_label

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

    @override
    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    @override
    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        return 0 if parent.isValid() else 4

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in (1, 2):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return (
            self._names[row.expert],
            percent(row.changed, 1),
            f"{row.confidence_change * 100:+.1f}",
            row.most_affected,
        )[index.column()]

    @override
    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return (self.tr("Expert"), self.tr("Pixels"), self.tr("Conf."), self.tr("Most in"))[section]

    @override
    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        keys = (
            lambda row: row.expert,
            lambda row: row.changed,
            lambda row: row.confidence_change,
            lambda row: row.most_affected,
        )
        self.beginResetModel()
        self._rows.sort(key=keys[column], reverse=order == Qt.SortOrder.DescendingOrder)
        self.endResetModel()


class ResultStrip(QFrame):
    """Changed pixels, areas and confidence after experts were knocked out or boosted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "inset")
        self._head = text_label("", "title")
        self._text = text_label()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(10, 8, 10, 8)
        whole.setSpacing(4)
        whole.addWidget(self._head)
        whole.addWidget(self._text)
        self.hide()

    def set_result(self, result: InterventionResult | None) -> None:
        """Shows a result; None hides the strip."""
        self.setVisible(result is not None)
        if result is None:
            return
        share = result.changed_pixels / result.total_pixels if result.total_pixels else 0.0
        head = self.tr("{0} pixels changed ({1})")
        self._head.setText(head.format(f"{result.changed_pixels:,}", percent(share, 1)))
        lines = [self._area_line(*area) for area in result.areas if area[1] != area[2]]
        lines.append(self.tr("mean confidence {0:+.1f} points").format(result.confidence_change * 100))
        if result.seconds:
            lines.append(
                self.tr("only experts and head ran again: {0} ms").format(round(result.seconds * 1000))
            )
        if result.compared_at is not None:
            size = self.tr("compared at {1} x {0} px, as the model sees this large image")
            lines.append(size.format(*result.compared_at))
        self._text.setText("\n".join(lines))

    def _area_line(self, name: str, before: int, after: int) -> str:
        change = after - before
        relative = f" ({percent(change / before, is_signed=True)})" if before else ""
        return self.tr("{0}: {1} px{2}").format(name, f"{change:+,}", relative)


class InfluenceSection(QWidget):
    """A button and, once measured, a table of all experts.

    Signals:
        requested: measure.
        expert_chosen: a row was chosen.
    """

    requested = Signal()
    expert_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._measure = QPushButton(icon("refresh"), self.tr("Measure every expert"))
        self._measure.setToolTip(self.tr("Knock out one expert after the other and compare"))
        self._progress = QProgressBar(self)
        self._progress.setTextVisible(False)
        self._progress.setAccessibleName(self.tr("Measuring the influence of the experts"))
        self._progress.hide()
        self._rows = InfluenceModel(self)
        self._table = self._make_table()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._measure)
        whole.addWidget(self._progress)
        whole.addWidget(self._table)
        self._measure.clicked.connect(self.requested)
        self._table.selectionModel().currentChanged.connect(self._on_row_chosen)

    def set_progress(self, fraction: float | None) -> None:
        """Shows how far a measurement is, 0..1; None where none runs."""
        self._measure.setEnabled(fraction is None)
        self._progress.setVisible(fraction is not None)
        if fraction is not None:
            self._progress.setValue(round(fraction * 100))

    def set_rows(self, rows: Sequence[InfluenceRow], names: Sequence[str]) -> None:
        """Shows a measurement, the strongest expert first; no rows hide the table."""
        self.set_progress(None)
        self._rows.set_rows(rows, names)
        self._table.setVisible(bool(rows))

    def _make_table(self) -> QTableView:
        table = QTableView(self)
        table.setModel(self._rows)
        table.setAccessibleName(self.tr("Influence of the experts"))
        table.setToolTip(self.tr("What changes when this one expert is knocked out"))
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(25)
        header = table.horizontalHeader()
        header.setMinimumSectionSize(30)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSortIndicator(1, Qt.SortOrder.DescendingOrder)
        table.setSortingEnabled(True)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        table.setMinimumHeight(200)
        table.hide()
        return table

    def _on_row_chosen(self, current: QModelIndex) -> None:
        if current.isValid():
            self.expert_chosen.emit(self._rows.expert(current))
