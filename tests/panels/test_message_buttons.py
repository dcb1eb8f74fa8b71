"""A message with a button waits for its answer, and comes again after what took its place."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from latentseg_gui.panels.feedback.message_card import Message
from latentseg_gui.panels.feedback.message_strip import MessageStrip


def test_the_button_says_its_token_once_and_the_message_goes(qtbot: QtBot) -> None:
    strip, told = MessageStrip(), []
    qtbot.addWidget(strip)
    strip.resize(900, 60)
    strip.show()
    strip.action_requested.connect(told.append)
    offer = Message("The model hangs.", "Start it again.", button="Start", token="again")
    strip.show_message(offer)
    assert not strip._life.isActive(), "it waits"
    strip.show_message(Message("Another error."))
    assert strip.messages[0].what == "Another error."
    assert not strip._action.isVisible()
    strip._next()
    assert strip.messages == (offer,)
    assert strip._action.isVisible()
    QTest.mouseClick(strip._action, Qt.MouseButton.LeftButton)
    assert told == ["again"]
    assert strip.messages == ()
    assert not strip._action.isVisible()
