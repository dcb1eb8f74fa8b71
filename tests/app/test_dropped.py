"""What is dropped on the window or pasted into it is opened, or answered."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from latentseg_gui.app.session import Session
from latentseg_gui.document.errors import LatentsegError

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def drop(target: QWidget, data: QMimeData) -> bool:
    """Drags over the widget and lets go; whether the drag was taken."""
    enter = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, LEFT, NONE)
    enter.ignore()
    QApplication.sendEvent(target, enter)
    if enter.isAccepted():
        QApplication.sendEvent(target, QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, LEFT, NONE))
    return enter.isAccepted()


def of_urls(*urls: str) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl(url) for url in urls])
    return data


def of_text(text: str) -> QMimeData:
    data = QMimeData()
    data.setText(text)
    return data


def of_picture(*urls: str) -> QMimeData:
    picture = QImage(30, 20, QImage.Format.Format_RGB32)
    picture.fill(QColor("red"))
    data = of_urls(*urls) if urls else QMimeData()
    data.setImageData(picture)
    return data


@pytest.fixture
def told(composed: Session) -> list[LatentsegError]:
    errors: list[LatentsegError] = []
    composed.reporter.reported.connect(errors.append)
    return errors


@pytest.mark.parametrize(
    "data",
    [
        of_urls("https://example.org/cat.png"),
        of_urls("smb://server/share/cat.png"),
        of_text("https://example.org/cat.png"),
        of_text("  http://example.org/cat<h1>.png\n"),
        of_urls("https://example.org/" + "x" * 400),
    ],
)
def test_an_address_is_answered(composed: Session, told: list[LatentsegError], data: QMimeData) -> None:
    assert drop(composed.window, data)
    (error,) = told
    assert "is not a file of this computer" in error.what
    assert len(error.what) < 200
    assert "paste" in error.action
    assert composed.document.images.ids == ()
    assert composed.window.messages.messages[0].what == error.what


def test_a_picture_out_of_a_browser_is_opened(composed: Session, told: list[LatentsegError]) -> None:
    assert drop(composed.window, of_picture("https://example.org/cat.png"))
    assert told == []
    record = composed.document.records.of(composed.document.images.current_id or "")
    assert record is not None
    assert record.pixels.shape == (20, 30, 3)
    assert tuple(record.pixels[3, 3]) == (255, 0, 0)


def test_files_are_opened_though_an_address_came_with_them(
    composed: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "ä.png"
    Image.new("RGB", (30, 20)).save(path)
    assert drop(
        composed.window, of_urls(QUrl.fromLocalFile(str(path)).toString(), "https://example.org/x.png")
    )
    qtbot.waitUntil(lambda: composed.document.images.current_id is not None)
    assert composed.document.images.path(composed.document.images.current_id or "") == path


@pytest.mark.parametrize("text", ["just some words", "C:", "", "a: b", "cat.png"])
def test_other_text_is_not_taken(composed: Session, text: str) -> None:
    assert not drop(composed.window, of_text(text))


def test_the_samples_leave_what_is_dropped_on_them_to_the_window(composed: Session) -> None:
    assert not composed.window.empty_state.acceptDrops()
    assert composed.window.acceptDrops()


def test_an_address_that_is_pasted_is_answered(composed: Session, told: list[LatentsegError]) -> None:
    QGuiApplication.clipboard().setText("https://example.org/cat.png")
    composed.window.action["paste_image"].trigger()
    assert "is not a file of this computer" in told[0].what
    QGuiApplication.clipboard().setText("words")
    composed.window.action["paste_image"].trigger()
    assert "no picture on the clipboard" in composed.window.message_log.messages[-1].what
