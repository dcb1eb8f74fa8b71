"""What networks that were compared came to: a table, and their predictions side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from latentseg_gui.document.training.compared_networks import NetworkOutcome
from latentseg_gui.panels.flow_layout import FlowLayout
from latentseg_gui.panels.pixmaps import image_from_rgb
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.training.values import PictureShown
from latentseg_gui.panels.widgets import discard, text_label

_MOST_NAME = "a name of some length"
_SIDE = 210
"""Longer side of a picture, in logical pixels."""


class SideBySide(QWidget):
    """As many in a row as there is room for; those that are not there yet say so."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown: tuple[PictureShown, ...] = ()
        self._row = FlowLayout(self)

    def set_pictures(self, pictures: Sequence[PictureShown]) -> None:
        """Shows these, in the order given."""
        self.shown = tuple(pictures)
        while (item := self._row.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                discard(widget)
        for picture in self.shown:
            self._row.addWidget(self._card(picture))
        self.setVisible(bool(self.shown))

    def _card(self, picture: PictureShown) -> QWidget:
        card = QWidget()
        column = QVBoxLayout(card)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        ratio = self.devicePixelRatioF()
        image = image_from_rgb(picture.pixels).scaled(
            round(_SIDE * ratio),
            round(_SIDE * ratio),
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        pixmap = QPixmap.fromImage(image)
        pixmap.setDevicePixelRatio(ratio)
        view = text_label("", is_wrapped=False)
        view.setPixmap(pixmap)
        view.setAccessibleName(picture.title)
        words = (
            self.tr("{0}: predicting...").format(picture.title) if picture.is_waited_for else picture.title
        )
        column.addWidget(view)
        column.addWidget(text_label(words, "hint", is_wrapped=False))
        return card


_MOST_ROWS = 6


class OutcomeTable(QTableWidget):
    """Mean IoU, IoU of each class, seconds, parameters; hidden while it is empty.

    Signals:
        chosen: name of the network whose row is chosen; "" for none.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.class_names: tuple[str, ...] = ()
        self._names: tuple[str, ...] = ()
        self.setAccessibleName(self.tr("How the networks did"))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.verticalHeader().hide()
        self.itemSelectionChanged.connect(self._on_selection_changed)

    @property
    def chosen_name(self) -> str:
        """Name of the network whose row is chosen; "" for none."""
        rows = self.selectionModel().selectedRows() if self.selectionModel() is not None else []
        return self._names[rows[0].row()] if rows else ""

    def set_outcomes(
        self, outcomes: Sequence[NetworkOutcome], class_names: Sequence[str], measured_on: str = ""
    ) -> None:
        """Shows these rows, the first of them chosen."""
        self.class_names = tuple(class_names)
        self._names = tuple(each.name for each in outcomes)
        facts = [self.tr("Network"), self.tr("Mean IoU"), *self.class_names]
        headers = [*facts, self.tr("Seconds"), self.tr("Parameters")]
        self.setColumnCount(len(headers))
        self.setHorizontalHeaderLabels(headers)
        self.setRowCount(len(outcomes))
        tip = self.tr("Measured on {0}").format(measured_on) if measured_on else ""
        for row, outcome in enumerate(outcomes):
            for column, text in enumerate(self._cells(outcome)):
                item = QTableWidgetItem(text)
                side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
                item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                item.setToolTip(plain(outcome.note or tip))
                self.setItem(row, column, item)
        self.resizeColumnsToContents()
        self._narrow()
        self._fit_height()
        self.setVisible(bool(outcomes))
        if outcomes:
            self.selectRow(0)

    def _narrow(self) -> None:
        """Long names of classes give way, so that all figures are in sight."""
        self.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideRight)
        most = self.fontMetrics().horizontalAdvance(_MOST_NAME)
        for column, name in enumerate(self.class_names, start=2):
            self.setColumnWidth(column, min(self.columnWidth(column), most))
            head = self.horizontalHeaderItem(column)
            if head is not None:
                head.setToolTip(plain(name))

    def _cells(self, outcome: NetworkOutcome) -> list[str]:
        per_class = outcome.per_class or (math.nan,) * len(self.class_names)
        figures = [_figure(each) for each in (outcome.mean_iou, *per_class)]
        seconds = f"{outcome.seconds:.1f}" if outcome.parameters else "-"
        size = f"{outcome.parameters:,}" if outcome.parameters else "-"
        return [outcome.title, *figures, seconds, size]

    def _fit_height(self) -> None:
        lines = min(self.rowCount(), _MOST_ROWS)
        row = self.rowHeight(0) if lines else 0
        bar = self.horizontalScrollBar().sizeHint().height()
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + lines * row + bar + 4)

    def _on_selection_changed(self) -> None:
        self.chosen.emit(self.chosen_name)


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
