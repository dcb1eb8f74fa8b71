"""Whatever names a key follows the keys that the user chooses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from latentseg_gui.app.actions import ACTIONS
from latentseg_gui.app.help import Help
from latentseg_gui.app.hints import hint
from latentseg_gui.app.main_window import MainWindow
from latentseg_gui.app.preferences import Preferences
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.shortcuts import Shortcuts, key_text
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.document.types import ImageRecord

NATIVE = QKeySequence.SequenceFormat.NativeText


@pytest.fixture
def window(qtbot: QtBot, own_home: Path) -> MainWindow:
    widget = MainWindow()
    qtbot.addWidget(widget)
    return widget


@pytest.fixture
def shortcuts(window: MainWindow) -> Shortcuts:
    return Shortcuts(window, Preferences(), Reporter())


def tips(window: MainWindow) -> set[str]:
    return {each.toolTip() for each in window.findChildren(QWidget)}


def test_tool_tips_name_the_keys_in_force(window: MainWindow, shortcuts: Shortcuts) -> None:
    assert {"Undo (Ctrl+Z)", "Fine-tune on the ticked images (Ctrl+T)", "Outlines only (O)"} <= tips(window)
    shortcuts.set_keys("finetune", ("F9",))
    shortcuts.set_keys("show_outlines", ())
    assert {"Fine-tune on the ticked images (F9)", "Outlines only"} <= tips(window)
    assert window.action["finetune"].toolTip() == "Fine-tune (F9)"
    shortcuts.reset_all()
    assert "Fine-tune on the ticked images (Ctrl+T)" in tips(window)


def test_no_tool_tip_names_a_key_that_was_taken_away(window: MainWindow, shortcuts: Shortcuts) -> None:
    keys = {f"({QKeySequence(key).toString(NATIVE)})" for each in ACTIONS for key in each.keys}
    for each in ACTIONS:
        shortcuts.set_keys(each.name, ())
    assert [tip for tip in tips(window) if any(tip.endswith(key) for key in keys)] == []


def test_the_hint_names_the_keys_in_force(window: MainWindow, shortcuts: Shortcuts) -> None:
    document = Document()
    pixels = np.zeros((4, 5, 3), np.uint8)
    document.images.add_record(ImageRecord("a", pixels, pixels))
    document.images.current_id = "a"

    def said() -> str:
        return hint(document, ToolName.BRUSH, True, lambda name: key_text(window.action[name]))

    assert "[ and ] change the size" in said()
    shortcuts.set_keys("brush_larger", ("Ctrl+9",))
    assert "[ and Ctrl+9 change the size" in said()


def test_the_sheet_names_the_key_that_is_held(window: MainWindow, shortcuts: Shortcuts, qtbot: QtBot) -> None:
    shortcuts.set_keys("peek", ("G",))
    Help(window).show_keys()
    texts = {each.text() for each in window.findChildren(QLabel)}
    assert "G held" in texts
    assert "` held" not in texts


def test_a_key_is_called_as_it_is_printed(window: MainWindow, shortcuts: Shortcuts) -> None:
    assert key_text(window.action["accept"]) == "Enter"
    assert key_text(window.action["accept_prediction"]) == "Ctrl+Shift+Enter"


def test_the_sheet_names_enter_once(window: MainWindow, shortcuts: Shortcuts) -> None:
    Help(window).show_keys()
    texts = [each.text() for each in window.findChildren(QLabel)]
    assert "Return" not in texts
    assert "Ctrl+Shift+Enter" in texts
