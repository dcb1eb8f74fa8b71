"""The strip below the picture: what to do next, and for a while what has happened instead."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen, QResizeEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget
from typing_extensions import override

from latentseg_gui.panels.feedback.message_card import TONES, Message
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.roles import role_colour, wash
from latentseg_gui.panels.widgets import icon_button, text_label

LINES: Final = 2
_INFO_MS: Final = 6000
_ERROR_MS: Final = 30_000
_READING_MS: Final = 70
"""For every letter: long messages stay for longer."""

_SYMBOL: Final = 20
_PADDING: Final = 6


class StripText(QLabel):
    """Plain text on so many lines and no more, whatever it says; what is left out stands in its tool tip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def say(self, text: str) -> None:
        """Shows ``text``."""
        self.setText(text)
        self.setToolTip(plain(text) if self.is_cut(self.width()) else "")

    def is_cut(self, width: int) -> bool:
        """Whether something is left out at this width."""
        return len(self._lines(width)) > LINES or "\n" in self.text().strip()

    def _lines(self, width: int) -> list[str]:
        """The text broken into lines of that width, as many as show whether it has too many."""
        layout = QTextLayout(self.text().strip().partition("\n")[0], self.font())
        layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeft))
        layout.beginLayout()
        lines: list[str] = []
        while (line := layout.createLine()).isValid() and len(lines) <= LINES:
            line.setLineWidth(max(width, 1))
            lines.append(layout.text()[line.textStart() : line.textStart() + line.textLength()])
        layout.endLayout()
        return lines

    @override
    def sizeHint(self) -> QSize:
        return QSize(0, LINES * self.fontMetrics().lineSpacing())

    @override
    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    @override
    def heightForWidth(self, width: int) -> int:
        return self.sizeHint().height()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.say(self.text())

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        lines, metrics = self._lines(self.width()), self.fontMetrics()
        shown = lines[:LINES]
        if self.is_cut(self.width()):
            rest = "".join(lines[len(shown) - 1 :]) + ("…" if len(lines) <= LINES else "")
            shown[-1] = metrics.elidedText(rest, Qt.TextElideMode.ElideRight, self.width())
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        top = (self.height() - len(shown) * metrics.lineSpacing()) / 2 + metrics.ascent()
        for number, line in enumerate(shown):
            painter.drawText(QPointF(0, top + number * metrics.lineSpacing()), line.rstrip())
        painter.end()


class MessageStrip(QFrame):
    """One message at a time, the same one counted instead of repeated; otherwise the hint.

    It lies beside the picture, is always of one height, and a message goes by itself, but not from under the
    hand. What came while an error was to be read comes after it, the newest alone; the list of messages has all.

    Signals:
        shown: the `Message` that has come; the same again, too.
        details_requested: the list of messages is wanted.
        action_requested: the token of a message whose button was pressed.
    """

    shown = Signal(object)
    details_requested = Signal()
    action_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hint = ""
        self._message: Message | None = None
        self._waiting: Message | None = None
        self._count = 0
        self._symbol = text_label(is_wrapped=False)
        self._text = StripText(self)
        self._text.setObjectName("hint")
        self._badge = text_label("", "key", is_wrapped=False)
        self._action = QPushButton()
        self._details = QPushButton(self.tr("Details"))
        self._details.setAccessibleName(self.tr("Show all of it in the list of messages"))
        self._close = icon_button("close", self.tr("Close this message"))
        self._close.setProperty("role", "state")
        self._life = QTimer(self, singleShot=True)
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(12, _PADDING, 8, _PADDING)
        row.setSpacing(8)
        for widget in (self._symbol, self._text, self._badge, self._details, self._action, self._close):
            row.addWidget(widget, 1 if widget is self._text else 0)
        self._life.timeout.connect(self._on_life_over)
        self._details.clicked.connect(self._on_details_clicked)
        self._action.clicked.connect(self._on_action_clicked)
        self._close.clicked.connect(self._next)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._show()

    @property
    def messages(self) -> tuple[Message, ...]:
        """What is shown: one message, or none."""
        return () if self._message is None else (self._message,)

    def set_hint(self, sentence: str) -> None:
        """What to do next, shown while there is nothing else to say."""
        if sentence != self._hint:
            self._hint = sentence
            self._show()

    def show_message(self, message: Message) -> None:
        """Shows a message in place of the hint and of the message before."""
        self.shown.emit(message)
        now = self._message
        if now is not None and (now.what, now.action) == (message.what, message.action):
            self._count += 1
        elif now is not None and now.is_trouble and not message.is_trouble:
            self._waiting = message
            return
        else:
            # What waits for an answer comes again after the trouble that took its place.
            self._waiting = now if now is not None and now.button and not message.button else self._waiting
            self._message, self._count = message, 1
        self._begin_life(message)
        self._show()

    def clear(self) -> None:
        """Back to the hint."""
        self._waiting = None
        self._next()

    def _next(self) -> None:
        self._message, self._waiting, self._count = self._waiting, None, 1
        self._life.stop()
        if self._message is not None:
            self._begin_life(self._message)
        self._show()

    def _begin_life(self, message: Message) -> None:
        self._life.stop()
        if message.button:
            return
        shortest = _ERROR_MS if message.is_trouble else _INFO_MS
        self._life.start(max(shortest, _READING_MS * len(message.what)))

    def _show(self) -> None:
        message = self._message
        text = self._hint if message is None else " ".join(filter(None, (message.what, message.action)))
        self._text.say(text)
        self._text.setAccessibleName(self.tr("What to do next") if message is None else text)
        self._badge.setText(f"{self._count} x")
        self._badge.setVisible(message is not None and self._count > 1)
        for widget in (self._symbol, self._close):
            widget.setVisible(message is not None)
        self._action.setText("" if message is None else message.button)
        self._action.setVisible(message is not None and bool(message.button))
        self._show_symbol()
        self._show_details()
        self.update()

    def _show_symbol(self) -> None:
        name = {"success": "check", "info": "info"}.get(
            self._message.kind if self._message else "", "warning"
        )
        self._symbol.setPixmap(icon(name).pixmap(QSize(_SYMBOL, _SYMBOL), self.devicePixelRatioF()))

    def _show_details(self) -> None:
        """A button where there is more than the strip can hold."""
        message = self._message
        beside: list[QWidget] = [self._symbol, self._close]
        beside += [self._badge] if self._count > 1 else []
        beside += [self._action] if message is not None and message.button else []
        margins = self._row.contentsMargins()
        taken = sum(each.sizeHint().width() + self._row.spacing() for each in beside)
        room = self.width() - margins.left() - margins.right() - taken
        self._details.setVisible(message is not None and (bool(message.details) or self._text.is_cut(room)))

    def _on_life_over(self) -> None:
        focus = self.window().focusWidget()
        if self.underMouse() or (focus is not None and self.isAncestorOf(focus)):
            self._life.start()
            return
        self._next()

    def _on_action_clicked(self) -> None:
        message = self._message
        if message is not None:
            self._next()
            self.action_requested.emit(message.token)

    def _on_details_clicked(self) -> None:
        self.details_requested.emit()

    @override
    def sizeHint(self) -> QSize:
        inner = max(self._text.sizeHint().height(), self._details.sizeHint().height(), _SYMBOL)
        return QSize(0, inner + 2 * _PADDING)

    @override
    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_details()

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_symbol()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._message is None:
            return
        colour = role_colour(TONES.get(self._message.kind, "info"), self.palette())
        painter = QPainter(self)
        painter.fillRect(self.rect(), wash(colour, 0.12))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour, 3.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        edge = QRectF(self.rect()).adjusted(4, 6, 0, -6)
        painter.drawLine(edge.topLeft(), edge.bottomLeft())
        painter.end()
