"""Messages that do not block: cards in a corner, the same one counted instead of repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.tones import tone
from latentseg_gui.panels.widgets import Fold, icon_button, text_label

MAX_CARDS: Final = 4
_INFO_MS: Final = 6000
_READING_MS: Final = 70
"""For every letter: long messages stay for longer."""

_WIDTH: Final = 380
_MARGIN: Final = 16
_TONES: Final = {"error": "bad", "warning": "warn", "info": "info", "success": "good"}


@dataclass(frozen=True, slots=True)
class Message:
    """What a card says.

    Attributes:
        what: one sentence: what happened.
        action: one sentence: what the user can do.
        details: technical text for the fold.
        kind: "error", "warning", "info" or "success"; the last two go by themselves.
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

    Signals:
        dismissed: the user closed it, or its time is over.
        action_requested: its button was pressed.
    """

    dismissed = Signal()
    action_requested = Signal(str)

    def __init__(self, message: Message, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.message = message
        self._count = 1
        self.setProperty("role", "overlay")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(message.what)
        self.setAccessibleDescription(message.action)
        self._badge = text_label("", "key", is_wrapped=False)
        self._badge.hide()
        self._life = QTimer(self)
        self._life.setSingleShot(True)
        self._life.setInterval(max(_INFO_MS, _READING_MS * len(message.what)))
        self._life.timeout.connect(self.dismissed)
        self._build()
        if message.kind in ("info", "success") and not message.button:
            self._life.start()

    def _build(self) -> None:
        symbol = QLabel(self)
        kind = self.message.kind
        symbol.setPixmap(icon({"success": "check", "info": "info"}.get(kind, "warning")).pixmap(20, 20))
        close = icon_button("close", self.tr("Close this message"))
        close.clicked.connect(self.dismissed)
        head = QHBoxLayout()
        head.setSpacing(9)
        head.addWidget(symbol, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(text_label(self.message.what, "title"), 1)
        head.addWidget(self._badge, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 10, 10, 10)
        whole.setSpacing(6)
        whole.addLayout(head)
        if self.message.action:
            whole.addWidget(text_label(self.message.action, "muted"))
        if self.message.button:
            button = QPushButton(self.message.button)
            button.clicked.connect(self._on_button_clicked)
            whole.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        if self.message.details:
            whole.addWidget(self._details())

    def _details(self) -> QWidget:
        fold = Fold(self.tr("Details"))
        text = QPlainTextEdit(self.message.details)
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

    def _on_button_clicked(self) -> None:
        self.action_requested.emit(self.message.token)
        self.dismissed.emit()

    def _on_copy_clicked(self) -> None:
        parts = (self.message.what, self.message.action, self.message.details)
        QGuiApplication.clipboard().setText("\n".join(part for part in parts if part))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Qt: clicks stay here and do not reach the canvas below."""
        event.accept()

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


class MessageStack(QWidget):
    """The cards of a window, in its lower right corner, newest below.

    Signals:
        action_requested: the token of a message whose button was pressed.
    """

    action_requested = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._cards: list[MessageCard] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        parent.installEventFilter(self)
        self.hide()

    @property
    def messages(self) -> tuple[Message, ...]:
        """What is shown, oldest first."""
        return tuple(card.message for card in self._cards)

    def show_message(self, message: Message) -> None:
        """Shows a card, or counts the one that says the same."""
        for card in self._cards:
            if (card.message.what, card.message.action) == (message.what, message.action):
                card.count_again()
                return
        card = MessageCard(message, self)
        card.dismissed.connect(self._on_card_dismissed)
        card.action_requested.connect(self.action_requested)
        self._cards.append(card)
        self._column.addWidget(card)
        while len(self._cards) > MAX_CARDS:
            self._drop(self._cards[0])
        self.show()
        self._place()

    def clear(self) -> None:
        """Closes all cards."""
        while self._cards:
            self._drop(self._cards[0])

    def _drop(self, card: MessageCard) -> None:
        self._cards.remove(card)
        self._column.removeWidget(card)
        card.hide()
        card.deleteLater()
        self.setVisible(bool(self._cards))
        self._place()

    def _place(self) -> None:
        parent = self._window
        width = max(min(_WIDTH, parent.width() - 2 * _MARGIN), 120)
        height = self._column.heightForWidth(width)
        if height < 0:
            height = self._column.sizeHint().height()
        height = min(height, max(parent.height() - 2 * _MARGIN, 0))
        self.setGeometry(parent.width() - width - _MARGIN, parent.height() - height - _MARGIN, width, height)
        self.raise_()

    def _on_card_dismissed(self) -> None:
        card = self.sender()
        if isinstance(card, MessageCard) and card in self._cards:
            self._drop(card)

    def event(self, event: QEvent) -> bool:
        """Qt: a card that unfolds needs more room."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._place()
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt: the window changed its size."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)
