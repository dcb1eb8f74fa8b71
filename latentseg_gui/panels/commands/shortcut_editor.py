"""Which keys do what: a list to search, a field to press the new key in, a warning where it is taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.widgets import text_label

_NAME_ROLE: Final = int(Qt.ItemDataRole.UserRole)
_PORTABLE: Final = QKeySequence.SequenceFormat.PortableText
_NATIVE: Final = QKeySequence.SequenceFormat.NativeText


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One action: ``name`` comes back in signals; ``keys`` in Qt's portable text."""

    name: str
    group: str
    text: str
    keys: tuple[str, ...]
    is_default: bool = True


class ShortcutEditor(QDialog):
    """Changes keys one at a time; every change is in force at once.

    Signals:
        change_requested: name of the action, its new keys (an empty tuple for none).
        default_requested: name of the action that shall have its first keys again.
        all_defaults_requested: every action shall.
    """

    change_requested = Signal(str, object)
    default_requested = Signal(str)
    all_defaults_requested = Signal()

    def __init__(self, conflicts: Callable[[str, str], Sequence[str]], parent: QWidget | None = None) -> None:
        """``conflicts`` names what else a key does: (name of the action, key in portable text) -> texts."""
        super().__init__(parent)
        self.setWindowTitle(self.tr("Change keys"))
        self.resize(640, 620)
        self._conflicts = conflicts
        self._rows: tuple[KeyRow, ...] = ()
        self._search = QLineEdit()
        self._search.setPlaceholderText(self.tr("Search actions and keys"))
        self._search.setAccessibleName(self._search.placeholderText())
        self._search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self._table = self._make_table()
        self._field = QKeySequenceEdit()
        self._field.setMaximumSequenceLength(1)
        self._field.setAccessibleName(self.tr("New key"))
        self._warning = text_label("", "hint")
        self._set = QPushButton(self.tr("Set"))
        self._set.setProperty("isPrimary", True)
        self._none = QPushButton(self.tr("No key"))
        self._default = QPushButton(self.tr("Default"))
        self._all = QPushButton(self.tr("All defaults"))
        self._lay_out()
        self._search.textChanged.connect(self._fill)
        self._table.itemSelectionChanged.connect(self._on_row_chosen)
        self._field.keySequenceChanged.connect(self._on_key_pressed)
        self._set.clicked.connect(self._on_set_clicked)
        self._none.clicked.connect(self._on_none_clicked)
        self._default.clicked.connect(self._on_default_clicked)
        self._all.clicked.connect(self.all_defaults_requested)
        self._on_row_chosen()

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, 3)
        table.setAccessibleName(self.tr("Actions and their keys"))
        table.setHorizontalHeaderLabels([self.tr("Action"), self.tr("Keys"), self.tr("Menu")])
        table.verticalHeader().hide()
        table.horizontalHeader().setDefaultAlignment(
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        )
        table.setShowGrid(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        return table

    def _lay_out(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(14, 14, 14, 14)
        whole.setSpacing(10)
        whole.addWidget(self._search)
        whole.addWidget(self._table, 1)
        line = QHBoxLayout()
        line.addWidget(text_label(self.tr("New key"), "muted", is_wrapped=False))
        line.addWidget(self._field, 1)
        for button in (self._set, self._none, self._default, self._all):
            button.setAutoDefault(False)
            line.addWidget(button)
        whole.addLayout(line)
        whole.addWidget(self._warning)

    @property
    def chosen(self) -> str:
        """The name of the action whose row is chosen; empty for none."""
        items = self._table.selectedItems()
        return str(items[0].data(_NAME_ROLE)) if items else ""

    @property
    def warning(self) -> str:
        """What is said of the key in the field."""
        return self._warning.text()

    def set_rows(self, rows: Sequence[KeyRow]) -> None:
        """Shows these actions; the chosen one stays chosen."""
        chosen = self.chosen
        self._rows = tuple(rows)
        self._fill()
        self.choose(chosen)

    def choose(self, name: str) -> None:
        """Chooses the row of an action."""
        for row in range(self._table.rowCount()):
            item = self._table.item(row, 0)
            if item is not None and item.data(_NAME_ROLE) == name:
                self._table.selectRow(row)
                return

    def _fill(self) -> None:
        needle = self._search.text().casefold()
        shown = [row for row in self._rows if needle in f"{row.text} {' '.join(row.keys)}".casefold()]
        self._table.setRowCount(len(shown))
        for number, row in enumerate(shown):
            keys = "   ".join(QKeySequence(key).toString(_NATIVE) for key in row.keys)
            for column, text in enumerate((row.text, keys, row.group)):
                item = QTableWidgetItem(text)
                item.setData(_NAME_ROLE, row.name)
                font = item.font()
                font.setBold(column == 1 and not row.is_default)
                item.setFont(font)
                self._table.setItem(number, column, item)

    def _on_row_chosen(self) -> None:
        is_any = bool(self.chosen)
        self._field.clear()
        for widget in (self._field, self._none, self._default):
            widget.setEnabled(is_any)
        self._set.setEnabled(False)
        self._warning.setText("" if is_any else self.tr("Choose an action, then press its new key."))

    def _on_key_pressed(self, keys: QKeySequence) -> None:
        key = keys.toString(_PORTABLE)
        self._set.setEnabled(bool(key and self.chosen))
        others = self._conflicts(self.chosen, key) if key else ()
        self._set.setText(self.tr("Assign anyway") if others else self.tr("Set"))
        text = self.tr("{0} is the key of “{1}” now, which would lose it.")
        self._warning.setText(text.format(keys.toString(_NATIVE), "”, “".join(others)) if others else "")

    def _on_set_clicked(self) -> None:
        key = self._field.keySequence().toString(_PORTABLE)
        if key and self.chosen:
            self.change_requested.emit(self.chosen, (key,))

    def _on_none_clicked(self) -> None:
        self.change_requested.emit(self.chosen, ())

    def _on_default_clicked(self) -> None:
        self.default_requested.emit(self.chosen)
