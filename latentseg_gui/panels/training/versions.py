"""The versions of the weights, newest first."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.training.values import VersionRow
from latentseg_gui.panels.widgets import discard, icon_button, text_label


class VersionCard(QFrame):
    """One version: figures, and one click back to it.

    Signals:
        activate_pressed, compare_pressed, remove_pressed.
    """

    activate_pressed = Signal()
    compare_pressed = Signal()
    remove_pressed = Signal()

    def __init__(self, row: VersionRow, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "row")
        self.setProperty("isActive", row.is_active)
        self.setAccessibleName(row.version)
        metric = "" if math.isnan(row.metric) else self.tr("IoU {0}").format(f"{row.metric:.3f}")
        head = QHBoxLayout()
        head.setSpacing(4)
        head.addWidget(text_label(row.version, "title"), 1)
        if metric:
            figure = text_label(metric, "", is_wrapped=False)
            figure.setToolTip(
                plain(self.tr("Measured on {0}").format(row.measured_on) if row.measured_on else "")
            )
            head.addWidget(figure)
        if row.is_active:
            head.addWidget(text_label(self.tr("in use"), "key", is_wrapped=False))
        foot = QHBoxLayout()
        foot.setSpacing(2)
        foot.addWidget(text_label(" · ".join(part for part in (row.made, row.data) if part), "hint"), 1)
        if not row.is_active:
            self._add_buttons(foot, row)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(8, 6, 6, 6)
        whole.setSpacing(3)
        whole.addLayout(head)
        whole.addLayout(foot)

    def _add_buttons(self, foot: QHBoxLayout, row: VersionRow) -> None:
        if row.is_usable:
            use = QPushButton(self.tr("Use"))
            use.setAccessibleName(self.tr("Use {0}").format(row.version))
            use.clicked.connect(self.activate_pressed)
            compare = icon_button("compare", self.tr("Compare {0} with the one in use").format(row.version))
            compare.clicked.connect(self.compare_pressed)
            foot.addWidget(compare)
        if row.is_removable:
            remove = icon_button("trash", self.tr("Remove {0}").format(row.version))
            remove.clicked.connect(self.remove_pressed)
            foot.addWidget(remove)
        if row.is_usable:
            foot.addWidget(use)


class VersionsList(QWidget):
    """Cards of all versions.

    Signals:
        activate_requested, compare_requested, remove_requested: name of a version.
    """

    activate_requested = Signal(str)
    compare_requested = Signal(str)
    remove_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[VersionRow, ...] = ()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)

    def set_versions(self, rows: Sequence[VersionRow]) -> None:
        """Shows these versions, in the order given."""
        if tuple(rows) == self._rows:
            return
        self._rows = tuple(rows)
        while (item := self._column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                discard(widget)
        for row in self._rows:
            self._column.addWidget(self._card(row))

    def _card(self, row: VersionRow) -> VersionCard:
        card = VersionCard(row, self)
        card.activate_pressed.connect(lambda: self.activate_requested.emit(row.version))
        card.compare_pressed.connect(lambda: self.compare_requested.emit(row.version))
        card.remove_pressed.connect(lambda: self.remove_requested.emit(row.version))
        return card
