"""An afternoon at the window in small: images are looked at again and again, dialogs opened and closed."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QToolButton
from pytestqt.qtbot import QtBot

from latentseg_gui.app.samples import sample_paths
from latentseg_gui.app.session import Session
from latentseg_gui.document.types import ImageRecord
from tests.leaks import open_files

IMAGES = 4


@pytest.fixture
def with_images(composed: Session) -> Session:
    for number in range(IMAGES):
        pixels = np.full((60, 80, 3), 50 * number, np.uint8)
        composed.document.images.add_record(ImageRecord(f"image {number}", pixels, pixels))
    return composed


def settle() -> None:
    QCoreApplication.processEvents()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()


def objects_of(session: Session) -> int:
    return len(session.window.findChildren(QObject)) + len(session.findChildren(QObject))


def sample_buttons(session: Session) -> list[QToolButton]:
    """Those of the sample images, which come when their thumbnails have been made."""
    buttons = session.window.findChildren(QToolButton)
    return [each for each in buttons if each.accessibleName().startswith("Open the sample")]


def counted(session: Session) -> tuple[int, int, int]:
    """Objects of Qt, threads, open files."""
    settle()
    return objects_of(session), threading.active_count(), len(open_files())


def test_going_through_the_images_leaves_nothing_behind(with_images: Session) -> None:
    def round_trip() -> None:
        for number in range(IMAGES):
            with_images.images.show(f"image {number}")
            QCoreApplication.processEvents()

    for _ in range(3):
        round_trip()
    before = counted(with_images)
    for _ in range(50):
        round_trip()
    assert counted(with_images) == before


def close_dialogs() -> None:
    for each in QApplication.topLevelWidgets():
        if isinstance(each, QDialog) and each.isVisible():
            each.close()


def confirm(session: Session) -> None:
    """A question that stays until it is answered: the answer comes a moment later."""
    QTimer.singleShot(0, close_dialogs)
    session.dialogs.confirm("Remove", "Is it to go?", "Remove")


OPENED: dict[str, Callable[[Session], None]] = {
    "keys": lambda session: session.window.action["shortcut_sheet"].trigger(),
    "editor of keys": lambda session: session.window.action["edit_shortcuts"].trigger(),
    "all commands": lambda session: session.window.action["command_palette"].trigger(),
    "about": lambda session: session.window.action["about"].trigger(),
    "question": confirm,
}


@pytest.mark.parametrize("name", OPENED)
def test_dialogs_that_were_closed_are_gone(composed: Session, qtbot: QtBot, name: str) -> None:
    def once() -> None:
        OPENED[name](composed)
        QCoreApplication.processEvents()
        close_dialogs()
        settle()

    qtbot.waitUntil(lambda: len(sample_buttons(composed)) == len(sample_paths()))
    for _ in range(3):
        once()
    before = objects_of(composed), len(QApplication.allWidgets())
    for _ in range(30):
        once()
    assert (objects_of(composed), len(QApplication.allWidgets())) == before
