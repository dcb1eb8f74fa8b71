"""Every action by its name: type a few letters, press Enter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.roles import muted

Index = QModelIndex | QPersistentModelIndex

_WIDTH: Final = 520
_ROWS: Final = 9
_ENTRY_ROLE: Final = int(Qt.ItemDataRole.UserRole)


@dataclass(frozen=True, slots=True)
class PaletteEntry:
    """One action: ``name`` comes back in the signal."""

    name: str
    text: str
    keys: str = ""
    is_enabled: bool = True


def match_score(needle: str, text: str) -> int | None:
    """How badly ``text`` fits: 0 starts with it, 1 a word does, 2 contains it, 3 has its letters in order.

    None where it does not fit at all.
    """
    needle, text = needle.casefold().strip(), text.casefold()
    if text.startswith(needle):
        return 0
    if any(word.startswith(needle) for word in text.split()):
        return 1
    if needle in text:
        return 2
    letters = iter(text)
    return 3 if all(letter in letters for letter in needle if letter != " ") else None


class PaletteModel(QAbstractListModel):
    """The entries that fit, best first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[PaletteEntry, ...] = ()
        self._shown: list[PaletteEntry] = []

    def set_entries(self, entries: Sequence[PaletteEntry]) -> None:
        """Takes all actions."""
        self._all = tuple(entries)
        self.search("")

    def search(self, needle: str) -> None:
        """Shows what fits ``needle``."""
        scored = [(match_score(needle, entry.text), entry) for entry in self._all]
        fitting = [(score, entry) for score, entry in scored if score is not None]
        self.beginResetModel()
        self._shown = [entry for _, entry in sorted(fitting, key=lambda pair: pair[0])]
        self.endResetModel()

    def entry(self, row: int) -> PaletteEntry | None:
        """The entry of a row."""
        return self._shown[row] if 0 <= row < len(self._shown) else None

    @override
    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        return 0 if parent.isValid() else len(self._shown)

    @override
    def flags(self, index: Index) -> Qt.ItemFlag:
        entry = self.entry(index.row())
        return super().flags(index) if entry is None or entry.is_enabled else Qt.ItemFlag.ItemIsSelectable

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry = self.entry(index.row())
        if entry is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{entry.text} {entry.keys}".strip()
        return entry if role == _ENTRY_ROLE else None


class _KeysDelegate(QStyledItemDelegate):
    """The text by Qt, the keys at the right edge."""

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        entry = index.data(_ENTRY_ROLE)
        if isinstance(entry, PaletteEntry) and entry.keys:
            painter.save()
            painter.setPen(muted(option.palette))
            rect = option.rect.adjusted(0, 0, -10, 0)
            painter.drawText(rect, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, entry.keys)
            painter.restore()


class CommandPalette(QFrame):
    """Lies over the upper middle of its window; closed by Esc or when it loses the focus.

    Signals:
        command_requested: name of the action.
    """

    command_requested = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self.setProperty("role", "overlay")
        self.setAccessibleName(self.tr("Command palette"))
        self._model = PaletteModel(self)
        self._field = QLineEdit(self)
        self._field.setPlaceholderText(self.tr("What do you want to do?"))
        self._field.setAccessibleName(self._field.placeholderText())
        self._field.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self._field.installEventFilter(self)
        self._view = QListView(self)
        self._view.setAccessibleName(self.tr("Commands"))
        self._view.setModel(self._model)
        self._view.setItemDelegate(_KeysDelegate(self._view))
        self._view.setUniformItemSizes(True)
        self._view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(10, 10, 10, 10)
        whole.addWidget(self._field)
        whole.addWidget(self._view)
        self._field.textChanged.connect(self._on_text_changed)
        self._view.clicked.connect(self._on_row_clicked)
        self.hide()

    def open_with(self, entries: Sequence[PaletteEntry]) -> None:
        """Shows the palette over its window with these actions."""
        self._model.set_entries(entries)
        self._field.clear()
        self._select(0)
        row = max(self._view.sizeHintForRow(0), 24)
        width = min(_WIDTH, self._window.width() - 32)
        height = min(row * _ROWS + 76, self._window.height() - 32)
        self.setGeometry((self._window.width() - width) // 2, min(70, self.height() // 4), width, height)
        self.show()
        self.raise_()
        self._field.setFocus(Qt.FocusReason.PopupFocusReason)

    def _select(self, row: int) -> None:
        count = self._model.rowCount()
        if count:
            self._view.setCurrentIndex(self._model.index(row % count))

    def _choose(self, row: int) -> None:
        entry = self._model.entry(row)
        if entry is not None and entry.is_enabled:
            self.hide()
            self._window.setFocus(Qt.FocusReason.PopupFocusReason)
            self.command_requested.emit(entry.name)

    def _on_text_changed(self, text: str) -> None:
        self._model.search(text)
        self._select(0)

    def _on_row_clicked(self, index: QModelIndex) -> None:
        self._choose(index.row())

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut and watched is self._field:
            self.hide()
        is_key = event.type() in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride)
        if not is_key or not isinstance(event, QKeyEvent):
            return super().eventFilter(watched, event)
        row = self._view.currentIndex().row()
        steps = {Qt.Key.Key_Down: row + 1, Qt.Key.Key_Up: row - 1}
        if event.type() == QEvent.Type.ShortcutOverride:
            # Keys belong to the field while it is open, not to the shortcuts of the window.
            event.accept()
            return True
        if event.key() in steps:
            self._select(steps[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(row)
        elif event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            return False
        return True
