"""The key that shows the raw image is on every keyboard, in one place, and does something at once."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QLabel

from latentseg_gui.app.actions import ACTIONS, spec
from latentseg_gui.app.session import Session

NAMED_ON_EVERY_KEYBOARD = {f"F{number}" for number in range(1, 13)} | {
    *("Tab", "Backspace", "Return", "Esc", "Space", "Del", "Home", "End", "PgUp", "PgDown"),
    *("Left", "Right", "Up", "Down"),
}
"""Keys that type no letter: these are neither dead nor elsewhere on any layout."""


def key_event(kind: QEvent.Type, key: int, text: str = "") -> QKeyEvent:
    return QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, text)


def test_it_is_a_key_without_a_letter() -> None:
    assert set(spec("peek").keys) <= NAMED_ON_EVERY_KEYBOARD
    assert spec("peek").keys


def test_no_key_of_the_table_is_a_dead_one() -> None:
    dead = set("`^~") | {chr(0xB4), chr(0xA8)}
    assert [each.name for each in ACTIONS for key in each.keys if dead & set(key)] == []


def test_the_raw_image_shows_while_it_is_held(composed: Session) -> None:
    composed.images.paste(np.zeros((20, 30, 3), np.uint8))
    canvas = composed.window.canvas
    (name,) = spec("peek").keys
    key = QKeySequence(name)[0].key()
    assert not canvas._stack.is_peeking
    QApplication.sendEvent(canvas, key_event(QEvent.Type.KeyPress, key))
    assert canvas._stack.is_peeking
    QApplication.sendEvent(canvas, key_event(QEvent.Type.KeyRelease, key))
    assert not canvas._stack.is_peeking


@pytest.mark.parametrize("key", [Qt.Key.Key_QuoteLeft, Qt.Key.Key_Dead_Grave])
def test_the_grave_accent_does_nothing_any_more(composed: Session, key: Qt.Key) -> None:
    composed.images.paste(np.zeros((20, 30, 3), np.uint8))
    QApplication.sendEvent(composed.window.canvas, key_event(QEvent.Type.KeyPress, key, "`"))
    assert not composed.window.canvas._stack.is_peeking


def test_the_sheet_of_keys_names_it(composed: Session) -> None:
    composed.window.action["shortcut_sheet"].trigger()
    QApplication.processEvents()
    words = [each.text() for top in QApplication.topLevelWidgets() for each in top.findChildren(QLabel)]
    assert any("F2" in each for each in words)
