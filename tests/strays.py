"""No widget is ever seen as a window of its own, but for windows, dialogs, menus and tips."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QApplication, QDialog, QDockWidget, QMainWindow, QWidget

_BRIEF = (Qt.WindowType.Popup, Qt.WindowType.ToolTip)
"""Menus, the lists of combo boxes, tips."""


class StrayWindows(QObject):
    """Sees every window that appears.

    Attributes:
        found: what is none of the product's windows, in words.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  # Qt's own name
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            is_known = isinstance(watched, QMainWindow | QDialog | QDockWidget)
            if not is_known and watched.windowType() not in _BRIEF:
                self.found.append(f"{watched!r} {watched.accessibleName()}".strip())
        return False


@contextmanager
def no_stray_windows() -> Iterator[StrayWindows]:
    """Fails if one appears."""
    application = QApplication.instance()
    assert application is not None
    watch = StrayWindows()
    application.installEventFilter(watch)
    try:
        yield watch
    finally:
        application.removeEventFilter(watch)
    assert watch.found == []
