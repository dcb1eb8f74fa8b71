"""The window on small screens."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QDockWidget, QToolButton
from pytestqt.qtbot import QtBot

from latentseg_gui.app.main_window import MainWindow


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    widget = MainWindow()
    qtbot.addWidget(widget)
    widget.show()
    return widget


def test_panels_keep_a_width_that_can_be_read(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(400, 400)
    qtbot.waitUntil(lambda: window.width() < 900)
    docks = [each for each in window.findChildren(QDockWidget) if not each.visibleRegion().isEmpty()]
    assert len(docks) > 2
    assert all(each.width() >= 190 for each in docks)
    assert window.width() <= 720, "a screen of 1440 pixels at 200 % holds it"


def test_what_has_no_room_in_the_tool_bar_can_be_seen_to_be_there(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(700, 500)
    rest = window.findChild(QToolButton, "qt_toolbar_ext_button")
    assert rest is not None
    qtbot.waitUntil(rest.isVisible)
    assert rest.accessibleName() == "What has no room in the tool bar"
    assert not rest.icon().isNull()
