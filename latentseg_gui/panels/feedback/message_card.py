"""Messages that do not block: what one says, and its entry in the list of messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.roles import role_colour
from latentseg_gui.panels.widgets import Fold, text_label

_LONGEST: Final = 300
TONES: Final = {"error": "bad", "warning": "warn", "info": "info", "success": "good"}


@dataclass(frozen=True, slots=True)
class Message:
    """What is said.

    Attributes:
        what: one sentence: what happened.
        action: one sentence: what the user can do.
        details: technical text for the fold.
        kind: "error", "warning", "info" or "success"; the last two go sooner.
        button: text of a button, "" for none; with one the message waits for an answer.
        token: what `MessageStrip.action_requested` says when the button is pressed.
    """

    what: str
    action: str = ""
    details: str = ""
    kind: str = "error"
    button: str = ""
    token: str = ""

    @property
    def is_trouble(self) -> bool:
        """Whether somebody should read it before it goes."""
        return self.kind in ("error", "warning")


class MessageCard(QFrame):
    """One message of the list, with when it came and its details."""

    def __init__(self, message: Message, when: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.message = message
        self.setProperty("role", "overlay")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(message.what)
        self.setAccessibleDescription(message.action)
        self._symbol = text_label(is_wrapped=False)
        self._show_symbol()
        short, rest = _cut(message.what)
        head = QHBoxLayout()
        head.setSpacing(9)
        head.addWidget(self._symbol, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(text_label(short), 1, Qt.AlignmentFlag.AlignTop)
        head.addWidget(text_label(when, "hint", is_wrapped=False), 0, Qt.AlignmentFlag.AlignTop)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 10, 10, 10)
        whole.setSpacing(6)
        whole.addLayout(head)
        if message.action:
            whole.addWidget(text_label(message.action, "muted"))
        details = "\n\n".join(part for part in (rest, message.details) if part)
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

    def _on_copy_clicked(self) -> None:
        parts = (self.message.what, self.message.action, self.message.details)
        QGuiApplication.clipboard().setText("\n".join(part for part in parts if part))

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_symbol()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(role_colour(TONES.get(self.message.kind, "info"), self.palette()), 3.0)
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
