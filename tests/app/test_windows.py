"""What opens beside the main window, and nothing else does."""

from __future__ import annotations

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QDockWidget

from latentseg_gui.app.session import Session


def settle(milliseconds: int = 60) -> None:
    """Lets what is shown a turn later be shown, in a loop of its own as a dialog has it."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def test_opening_everything_opens_no_stray_window(composed: Session) -> None:
    window = composed.window
    for name in ("shortcut_sheet", "edit_shortcuts", "command_palette", "messages"):
        window.action[name].trigger()
        settle()
    for dock in window.findChildren(QDockWidget):
        dock.show()
        dock.raise_()
        settle(0)
    for _ in range(6):
        composed.classes.add_class()
        settle(0)
    window.classes.set_classes(tuple(composed.document.classes)[:1])
    for names in (["a"], ["a", "b"], []):
        window.empty_state.set_recent([(name, name) for name in names])
        window.empty_state.set_recent([(name, name) for name in names])
    settle()
    for dialog in QApplication.topLevelWidgets():
        if isinstance(dialog, QDialog):
            dialog.close()
