"""Messages that do not block: one card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.tones import tone
from latentseg_gui.panels.widgets import Fold, icon_button, text_label

_INFO_MS: Final = 6000
_ERROR_MS: Final = 30_000
_READING_MS: Final = 70
"""For every letter: long messages stay for longer."""

_LONGEST: Final = 300
_TONES: Final = {"error": "bad", "warning": "warn", "info": "info", "success": "good"}


@dataclass(frozen=True, slots=True)
class Message:
    """What a card says.

    Attributes:
        what: one sentence: what happened.
        action: one sentence: what the user can do.
        details: technical text for the fold.
        kind: "error", "warning", "info" or "success"; the last two go sooner.
        button: text of a button, "" for none.
        token: what `MessageStack.action_requested` says when the button is pressed.
    """

    what: str
    action: str = ""
    details: str = ""
    kind: str = "error"
    button: str = ""
    token: str = ""


class MessageCard(QFrame):
    """One message with its details, a button and a way to close it.

    It goes by itself, but not from under the hand: neither the mouse nor the keyboard must be on it. With a
    button it waits for an answer.

    Signals:
        dismissed: the user closed it, or its time is over.
        action_requested: its button was pressed.
    """

    dismissed = Signal()
    action_requested = Signal(str)

    def __init__(self, message: Message, parent: QWidget | None = None, *, when: str = "") -> None:
        """``when`` makes it an entry of the list of messages, which stays and only tells."""
        super().__init__(parent)
        self.message = message
        self._when = when
        self._count = 1
        self.setProperty("role", "overlay")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(message.what)
        self.setAccessibleDescription(message.action)
        self._badge = text_label("", "key", is_wrapped=False)
        self._badge.hide()
        self._life = QTimer(self)
        self._life.setSingleShot(True)
        shortest = _INFO_MS if message.kind in ("info", "success") else _ERROR_MS
        self._life.setInterval(max(shortest, _READING_MS * len(message.what)))
        self._life.timeout.connect(self._on_life_over)
        self._symbol = QLabel(self)
        self._build()
        if not message.button and not when:
            self._life.start()

    def _build(self) -> None:
        self._show_symbol()
        short, rest = _cut(self.message.what)
        head = QHBoxLayout()
        head.setSpacing(9)
        head.addWidget(self._symbol, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(text_label(short, "" if self._when else "title"), 1, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self._badge, 0, Qt.AlignmentFlag.AlignTop)
        if self._when:
            head.addWidget(text_label(self._when, "hint", is_wrapped=False), 0, Qt.AlignmentFlag.AlignTop)
        else:
            close = icon_button("close", self.tr("Close this message"))
            close.setProperty("role", "state")
            close.clicked.connect(self.dismissed)
            head.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 10, 10, 10)
        whole.setSpacing(6)
        whole.addLayout(head)
        if self.message.action:
            whole.addWidget(text_label(self.message.action, "muted"))
        if self.message.button and not self._when:
            button = QPushButton(self.message.button)
            button.clicked.connect(self._on_button_clicked)
            whole.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        details = "\n\n".join(part for part in (rest, self.message.details) if part)
        if details:
            whole.addWidget(self._details(details))

    def _show_symbol(self) -> None:
        name = {"success": "check", "info": "info"}.get(self.message.kind, "warning")
        self._symbol.setPixmap(icon(name).pixmap(QSize(20, 20), self.devicePixelRatioF()))

    def _details(self, details: str) -> QWidget:
        fold = Fold(self.tr("Details"))
        text = QPlainTextEdit(details)
        text.setProperty("role", "plain")
        text.setReadOnly(True)
        text.setAccessibleName(self.tr("Technical details"))
        text.setFixedHeight(110)
        copy = QPushButton(icon("copy"), self.tr("Copy"))
        copy.setAccessibleName(self.tr("Copy the message and its details"))
        copy.clicked.connect(self._on_copy_clicked)
        fold.body.addWidget(text)
        fold.body.addWidget(copy, 0, Qt.AlignmentFlag.AlignLeft)
        return fold

    def count_again(self) -> None:
        """The same happened once more."""
        self._count += 1
        self._badge.setText(f"{self._count} x")
        self._badge.show()
        if self._life.isActive():
            self._life.start()

    def _on_life_over(self) -> None:
        focus = self.window().focusWidget()
        if self.underMouse() or (focus is not None and self.isAncestorOf(focus)):
            self._life.start()
            return
        self.dismissed.emit()

    def _on_button_clicked(self) -> None:
        self.action_requested.emit(self.message.token)
        self.dismissed.emit()

    def _on_copy_clicked(self) -> None:
        parts = (self.message.what, self.message.action, self.message.details)
        QGuiApplication.clipboard().setText("\n".join(part for part in parts if part))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Qt: clicks stay here and do not reach the canvas below."""
        event.accept()

    def changeEvent(self, event: QEvent) -> None:
        """Qt: the theme is another, so the symbol is drawn in its colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_symbol()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Qt: a coloured edge says how serious it is."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(tone(_TONES.get(self.message.kind, "info"), self.palette()), 3.0)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawLine(6, 12, 6, self.height() - 12)
        painter.end()


def _cut(text: str) -> tuple[str, str]:
    """(what fits on a card, the whole text where that is not all of it)."""
    first = text.partition("\n")[0].rstrip()
    if len(first) > _LONGEST:
        first = first[:_LONGEST].rsplit(" ", 1)[0] + "…"
    return first, "" if first == text.rstrip() else text
