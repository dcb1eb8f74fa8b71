"""Qt's own dialogs, filled in as a person does."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from latentseg_gui.app.dialogs import QtDialogs


@pytest.fixture
def dialogs(qtbot: QtBot) -> QtDialogs:
    window = QWidget()
    qtbot.addWidget(window)
    return QtDialogs(window)


def test_a_folder_that_is_not_there_yet_is_named_by_typing(dialogs: QtDialogs, tmp_path: Path) -> None:
    proposed: list[str] = []

    def type_a_name() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QFileDialog)
        field = dialog.findChild(QLineEdit)
        proposed.append(field.text())
        field.setText("night shift")
        QTest.keyClick(field, Qt.Key.Key_Return)

    QTimer.singleShot(0, type_a_name)
    assert dialogs.choose_new_folder("Save", tmp_path / "photos project") == tmp_path / "night shift"
    assert proposed == ["photos project"]
