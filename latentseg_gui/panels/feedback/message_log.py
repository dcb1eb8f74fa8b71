"""What was said in this session: a button in the status bar, and the list it opens."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPoint, QSize, Qt, QTime, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget
from typing_extensions import override

from latentseg_gui.panels.feedback.message_card import Message, MessageCard
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.widgets import Scrolled, icon_button, text_label

MAX_KEPT: Final = 60
_AT_ONCE: Final = 4
_WIDTH: Final = 420
_SHARE: Final = 0.66
_TYPICAL: Final = 60
"""Height of an entry that is still to come."""


@dataclass(slots=True)
class _Entry:
    message: Message
    when: str
    count: int = 1


class MessageLog(QToolButton):
    """Opens the list of messages; says how many errors have come since it was last open."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries: deque[_Entry] = deque(maxlen=MAX_KEPT)
        self._unseen = 0
        self._list = _MessageList(self)
        self._list.closed.connect(self._on_list_closed)
        self._list.clear_requested.connect(self.clear)
        self.setCheckable(True)
        self.setIconSize(QSize(16, 16))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.toggled.connect(self._on_toggled)
        self._refresh()

    @property
    def messages(self) -> tuple[Message, ...]:
        """What is kept, oldest first."""
        return tuple(entry.message for entry in self._entries)

    def add(self, message: Message) -> None:
        """Keeps a message; the same as the last is counted."""
        now = QTime.currentTime().toString("HH:mm")
        is_again = bool(self._entries) and self._entries[-1].message == message
        if is_again:
            self._entries[-1].count += 1
            self._entries[-1].when = now
        else:
            self._entries.append(_Entry(message, now))
        if self._list.isVisible():
            self._list.show_newest(self._entries[-1], is_again=is_again)
        if message.kind in ("error", "warning") and not self.isChecked():
            self._unseen += 1
        self._refresh()

    def clear(self) -> None:
        """Forgets what was said."""
        self._entries.clear()
        self._list.show_entries(self._entries)
        self._refresh()

    def _refresh(self) -> None:
        self.setIcon(icon("warning" if self._unseen else "info"))
        self.setText(str(self._unseen) if self._unseen else "")
        tip = self.tr("Messages of this session")
        if self._unseen:
            tip = self.tr("Messages of this session: {0} unread").format(self._unseen)
        self.setToolTip(plain(tip))
        self.setAccessibleName(tip)

    def _on_toggled(self, is_open: bool) -> None:
        if not is_open:
            self._list.hide()
            return
        self._unseen = 0
        self._refresh()
        self._list.show_entries(self._entries)
        window = self.window()
        self._list.setParent(window)
        width = min(_WIDTH, window.width() - 16)
        self._list.setFixedWidth(width)
        self._list.setFixedHeight(min(self._list.wanted_height(width), round(window.height() * _SHARE)))
        corner = self.mapTo(window, QPoint(self.width(), 0))
        self._list.move(max(corner.x() - width, 8), max(corner.y() - self._list.height() - 6, 8))
        self._list.show()
        self._list.raise_()
        self._list.setFocus(Qt.FocusReason.PopupFocusReason)

    def _on_list_closed(self) -> None:
        self.setChecked(False)


class _MessageList(QFrame):
    """Newest first. A plain child of the window, not a popup: nothing grabs keyboard or mouse.

    Signals:
        closed: it is hidden.
        clear_requested: forget everything.
    """

    closed = Signal()
    clear_requested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "overlay")
        self.setAccessibleName(self.tr("Messages"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._clear = QPushButton(self.tr("Clear"))
        self._clear.clicked.connect(self.clear_requested)
        close = icon_button("close", self.tr("Close the list of messages"))
        close.clicked.connect(self.hide)
        head = QHBoxLayout()
        head.addWidget(text_label(self.tr("Messages"), "title", is_wrapped=False), 1)
        head.addWidget(self._clear)
        head.addWidget(close)
        self._scroll = Scrolled(self, margins=0, spacing=6)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(12, 8, 8, 10)
        whole.setSpacing(6)
        whole.addLayout(head)
        whole.addWidget(self._scroll, 1)
        self._later: deque[_Entry] = deque()
        self._adding = QTimer(self)
        self._adding.setInterval(0)
        self._adding.timeout.connect(self._add_one)
        self.hide()

    def show_entries(self, entries: Sequence[_Entry]) -> None:
        """Shows these, the newest first: those in view now, the others one after the other."""
        body = self._scroll.body
        while body.count():
            self._drop(0)
        newest = list(reversed(entries))
        for entry in newest[:_AT_ONCE]:
            body.addWidget(_card(entry))
        if not entries:
            body.addWidget(text_label(self.tr("No messages yet."), "muted"))
        body.addStretch(1)
        self._later = deque(newest[_AT_ONCE:])
        self._adding.start()
        self._clear.setEnabled(bool(entries))

    def show_newest(self, entry: _Entry, *, is_again: bool) -> None:
        """Shows one more message, or that the newest has come again."""
        if is_again or not self._clear.isEnabled():
            self._drop(0)
        self._scroll.body.insertWidget(0, _card(entry))
        self._clear.setEnabled(True)
        if self._later:
            return
        while self._scroll.body.count() > MAX_KEPT + 1:
            self._drop(self._scroll.body.count() - 2)

    def _add_one(self) -> None:
        if not self._later:
            self._adding.stop()
            return
        self._scroll.body.insertWidget(self._scroll.body.count() - 1, _card(self._later.popleft()))

    def _drop(self, place: int) -> None:
        item = self._scroll.body.takeAt(place)
        widget = None if item is None else item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()

    def wanted_height(self, width: int) -> int:
        """What all entries would need."""
        inner = width - 20 - self._scroll.verticalScrollBar().sizeHint().width()
        return self._scroll.body.totalHeightForWidth(inner) + 62 + _TYPICAL * len(self._later)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
            return
        super().keyPressEvent(event)

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._adding.stop()
        self.closed.emit()


def _card(entry: _Entry) -> MessageCard:
    when = entry.when if entry.count == 1 else f"{entry.count} x, {entry.when}"
    return MessageCard(entry.message, when)
