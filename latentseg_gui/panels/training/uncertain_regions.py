"""Where to correct next: regions in order, each with a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.shortcut_tooltips import follow_key
from latentseg_gui.panels.training.values import UncertainRegionRow
from latentseg_gui.panels.widgets import text_label

MAX_ROWS = 3


class UncertainRegionsSection(QWidget):
    """The list, and how to go to the next region.

    Signals:
        next_requested: go to the next region.
        region_requested: go to the region of this number.
        scan_requested: rank all images of the list (True), or stop that (False).
    """

    next_requested = Signal()
    region_requested = Signal(int)
    scan_requested = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[UncertainRegionRow, ...] | None = None
        self._hint = text_label("", "muted")
        self._list = QListWidget(self)
        self._list.setAccessibleName(self.tr("Where to correct next"))
        self._list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._next = QPushButton(self.tr("Next region"))
        self._next.setToolTip(self.tr("Go to the region where a correction teaches most"))
        follow_key(self._next, "next_uncertain_region")
        self._scan = QPushButton(self.tr("Rank all images"))
        self._scan.setCheckable(True)
        self._scan.setToolTip(self.tr("Look at every image of the list in spare time; press again to stop"))
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for button in (self._next, self._scan):
            button.setMinimumWidth(button.fontMetrics().horizontalAdvance(button.text()) + 16)
            buttons.addWidget(button, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(6)
        for widget in (self._hint, self._list):
            whole.addWidget(widget)
        whole.addLayout(buttons)
        self._next.clicked.connect(self.next_requested)
        self._scan.clicked.connect(self.scan_requested)
        self._list.itemActivated.connect(self._on_activated)
        self._list.itemClicked.connect(self._on_activated)
        self.set_regions(())

    def set_regions(self, rows: Sequence[UncertainRegionRow], why_none: str = "") -> None:
        """Shows these regions, the most uncertain first; where there are none, why."""
        self._hint.setVisible(not rows)
        self._hint.setText(
            why_none
            or self.tr("Once an image is predicted, regions that the model is unsure of are listed here.")
        )
        if self._rows == tuple(rows):
            return
        self._rows = tuple(rows)
        self._list.clear()
        for row in rows:
            item = QListWidgetItem(f"{row.name}\n{row.why}")
            item.setToolTip(plain(row.why))
            self._list.addItem(item)
        self._list.setVisible(bool(rows))
        self._next.setEnabled(bool(rows))
        height = self.fontMetrics().height()
        self._list.setFixedHeight(min(max(len(rows), 1), MAX_ROWS) * (2 * height + 10) + 6)

    def set_current(self, number: int) -> None:
        """Marks the region that was gone to."""
        self._list.setCurrentRow(number)

    def set_scanning(self, done: int, total: int) -> None:
        """Shows how many images are ranked; equal numbers end it."""
        is_on = done < total
        self._scan.setChecked(is_on)
        words = self.tr("Ranking {0} of {1}...").format(done + 1, total)
        self._scan.setText(words if is_on else self.tr("Rank all images"))

    def _on_activated(self, item: QListWidgetItem) -> None:
        self.region_requested.emit(self._list.row(item))
