"""The cards of a window: few, over its canvas, the same one counted instead of repeated."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from latentseg_gui.panels.feedback.message_card import Message, MessageCard

MAX_CARDS: Final = 3
_WIDTH: Final = 380
_NARROWEST: Final = 160
_MARGIN: Final = 16
_SHARE: Final = 0.62
"""Of the height of the area: the rest of the picture can be seen and worked on."""


class MessageStack(QWidget):
    """The cards in the upper right corner of an area, newest below.

    Signals:
        shown: the `Message` that has come; the same again, too.
        action_requested: the token of a message whose button was pressed.
    """

    shown = Signal(object)
    action_requested = Signal(str)

    def __init__(self, parent: QWidget, area: QWidget | None = None) -> None:
        """``area`` is what the cards may cover: a widget below ``parent``, all of it by default."""
        super().__init__(parent)
        self._window = parent
        self._area = area or parent
        self._cards: list[MessageCard] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._column.setAlignment(Qt.AlignmentFlag.AlignTop)
        for each in {parent, self._area}:
            each.installEventFilter(self)
        self.hide()

    @property
    def messages(self) -> tuple[Message, ...]:
        """What is shown, oldest first."""
        return tuple(card.message for card in self._cards)

    def show_message(self, message: Message) -> None:
        """Shows a card, or counts the one that says the same."""
        self.shown.emit(message)
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
        """The newest card is always there; older ones as far as there is room."""
        corner = self._area.mapTo(self._window, QPoint(0, 0)) if self._area is not self._window else QPoint()
        area = QRect(corner, self._area.size()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        width = max(min(_WIDTH, area.width()), _NARROWEST)
        room = max(round(area.height() * _SHARE), 0)
        for number, card in enumerate(reversed(self._cards)):
            room -= self._height_of(card, width) + self._column.spacing()
            card.setVisible(number == 0 or room >= 0)
        height = min(self._height_of(self, width), max(area.height(), 0))
        self.setGeometry(area.right() + 1 - width, area.top(), width, height)
        self.raise_()

    @staticmethod
    def _height_of(widget: QWidget, width: int) -> int:
        layout = widget.layout()
        height = layout.totalHeightForWidth(width) if layout is not None else -1
        return height if height >= 0 else widget.sizeHint().height()

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
        """Qt: the window or the area changed its size or place."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self._place()
        return super().eventFilter(watched, event)
