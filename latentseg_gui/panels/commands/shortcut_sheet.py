"""All keys on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.widgets import Scrolled, discard, text_label


@dataclass(frozen=True, slots=True)
class ShortcutRow:
    """One action with its keys as shown to the user, under a group."""

    group: str
    action: str
    keys: tuple[str, ...]


class ShortcutSheet(QDialog):
    """Groups of actions with their keys, and a search; opened with ``show()``, closed by Esc."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keys"))
        self.resize(920, 620)
        self._rows: tuple[ShortcutRow, ...] = ()
        self._search = QLineEdit(self)
        self._search.setPlaceholderText(self.tr("Search keys and actions"))
        self._search.setAccessibleName(self._search.placeholderText())
        self._search.setClearButtonEnabled(True)
        self._search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self._content = QWidget()
        self._columns = [QVBoxLayout(), QVBoxLayout()]
        row = QHBoxLayout(self._content)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        for column in self._columns:
            column.setSpacing(12)
            row.addLayout(column, 1)
        scroll = Scrolled(self, margins=0)
        scroll.body.addWidget(self._content)
        scroll.body.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(14, 14, 14, 14)
        whole.setSpacing(10)
        whole.addWidget(self._search)
        whole.addWidget(scroll, 1)
        self._search.textChanged.connect(self._fill)

    def set_rows(self, rows: Sequence[ShortcutRow]) -> None:
        """Shows these actions; those without keys are left out."""
        self._rows = tuple(row for row in rows if row.keys)
        self._fill()

    def _fill(self) -> None:
        for column in self._columns:
            while (item := column.takeAt(0)) is not None:
                widget = item.widget()
                if widget is not None:
                    discard(widget)
        needle = self._search.text().casefold()
        groups: dict[str, list[ShortcutRow]] = {}
        for row in self._rows:
            if needle in f"{row.action} {' '.join(row.keys)}".casefold():
                groups.setdefault(row.group, []).append(row)
        lengths = [0, 0]
        for group, rows in groups.items():
            shorter = lengths.index(min(lengths))
            self._columns[shorter].addWidget(_group_card(group, rows))
            lengths[shorter] += len(rows) + 2  # its title and what is round it
        for column in self._columns:
            column.addStretch(1)


def _group_card(title: str, rows: Sequence[ShortcutRow]) -> QFrame:
    card = QFrame()
    card.setProperty("role", "card")
    card.setMinimumWidth(260)
    column = QVBoxLayout(card)
    column.setContentsMargins(14, 10, 14, 12)
    column.setSpacing(5)
    column.addWidget(text_label(title, "title", is_wrapped=False))
    for row in rows:
        # Each line for itself: one with many keys takes no room from the words of the others.
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(text_label(row.action), 1)
        line.addSpacing(10)
        for key in row.keys:
            line.addWidget(text_label(key, "key", is_wrapped=False), 0, Qt.AlignmentFlag.AlignVCenter)
        column.addLayout(line)
    return card
