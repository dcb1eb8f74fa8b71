"""The list of images: one row is current, every number has its word, and what is under the cursor is said as it is."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from latentseg_gui.app.session import Session
from latentseg_gui.commands.masks.patch import Ink, area_patch
from latentseg_gui.controllers.images.file_rows import _together
from latentseg_gui.document.parts.entries import ImageStatus
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import ImageRecord, Rect
from latentseg_gui.panels.files.delegate import words_of
from latentseg_gui.panels.files.model import FileEntry, FilesModel
from latentseg_gui.panels.files.view import FilesView

SHAPE = (30, 40)


@pytest.fixture
def painted(composed: Session) -> Session:
    """Three images, each with one step that can be undone; the third is looked at."""
    for number in range(3):
        pixels = np.full((*SHAPE, 3), 60 * number, np.uint8)
        composed.document.images.add_record(ImageRecord(f"image {number}", pixels, pixels))
    for number in range(3):
        composed.images.show(f"image {number}")
        where = np.ones((5, 5), np.bool_)
        patch = area_patch(composed.document, f"image {number}", Rect(0, 0, 5, 5), where, Ink(1), "Stroke")
        composed.history.do(patch)
    return composed


def selected(session: Session) -> list[int]:
    view = session.window.files.findChildren(FilesView)[0]
    return sorted(index.row() for index in view.selectedIndexes())


def current(session: Session) -> int:
    return session.window.files.findChildren(FilesView)[0].currentIndex().row()


def test_one_row_is_current_after_undo_has_gone_to_another_image(painted: Session, qtbot: QtBot) -> None:
    window = painted.window
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    assert (selected(painted), current(painted)) == ([2], 2)
    for expected in (2, 1, 0):
        window.canvas.setFocus()
        QTest.keyPress(window.canvas, Qt.Key.Key_Control, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClick(window.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert painted.document.images.current_id == f"image {expected}"
        assert (selected(painted), current(painted)) == ([expected], expected)
        QTest.keyRelease(window.canvas, Qt.Key.Key_Control)


@pytest.mark.parametrize("held", [Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier])
def test_going_to_an_image_with_a_key_held_selects_it_alone(
    painted: Session, held: Qt.KeyboardModifier
) -> None:
    QTest.keyPress(painted.window.canvas, Qt.Key.Key_F9, held)
    assert QApplication.keyboardModifiers() == held
    painted.images.show("image 0")
    assert (selected(painted), current(painted)) == ([0], 0)
    QTest.keyRelease(painted.window.canvas, Qt.Key.Key_F9)


def test_several_that_are_selected_on_purpose_look_other_than_the_current_one(
    painted: Session, qtbot: QtBot
) -> None:
    view = painted.window.files.findChildren(FilesView)[0]
    view.selectAll()

    def ground(row: int) -> QColor:
        rect = view.visualRect(view.model().index(row, 0))
        picture = view.viewport().grab().toImage()
        return QColor(picture.pixelColor(rect.right() - 8, rect.center().y()))

    assert current(painted) == 2
    assert view.visualRect(view.model().index(0, 0)).width() <= view.viewport().width(), "no row is cut"
    qtbot.waitUntil(lambda: ground(0) == ground(1) != ground(2))


def test_a_percentage_never_stands_without_its_word(qapp: QApplication) -> None:
    metrics = QFontMetrics(qapp.font())
    for status in ("new", "predicted", "corrected", "accepted", "stale"):
        for is_ready in (False, True):
            entry = FileEntry("id", "a.png", status, is_ready, 0.42)
            for width in range(40, 400, 7):
                badge, note = words_of(entry, metrics, width)
                assert badge in ("outdated" if status == "stale" else status, "42 % unsure")
                assert note in ("", "42 % unsure")
                taken = metrics.horizontalAdvance(badge) + 22
                assert not note or taken + metrics.horizontalAdvance(note) <= width
    narrow = words_of(FileEntry("id", "a.png", "predicted", True, 0.42), metrics, 90)
    assert narrow == ("42 % unsure", "")


def test_the_reason_of_an_error_comes_before_the_name(qapp: QApplication) -> None:
    entry = FileEntry(
        "id", "a photograph.jpg", "error", message="“a photograph.jpg” is damaged or incomplete."
    )
    metrics = QFontMetrics(qapp.font())
    assert words_of(entry, metrics, 400) == ("error", "Damaged or incomplete.")
    badge, note = words_of(entry, metrics, 100)
    assert badge.startswith("Damaged"), "in a narrow list all of the room is for it"
    assert note == ""


def test_the_tool_tip_says_what_dot_and_number_mean() -> None:
    model = FilesModel()
    model.set_entries([FileEntry("id", "a.png", "predicted", True, 0.42, "its left edge")])
    index = model.index(0)
    for role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
        text = str(index.data(role))
        for part in (
            "a.png",
            "predicted",
            "42 % of it is unsure",
            "a click is answered at once",
            "its left edge",
        ):
            assert part in text


def test_what_is_under_the_cursor_is_said_as_it_is_now(painted: Session) -> None:
    window, document = painted.window, painted.document

    def said() -> str:
        return window._cursor.text()

    labels, sure = np.ones(SHAPE, np.uint8), np.full(SHAPE, 227, np.uint8)
    document.predictions.set(Prediction("image 2", "v1", labels, sure))
    window.canvas.cursor_moved.emit(20.5, 20.5)
    assert "89 % (predicted)" in said()
    where = np.ones((5, 5), np.bool_)
    painted.history.do(area_patch(document, "image 2", Rect(18, 18, 23, 23), where, Ink(1), "Accept"))
    assert said().endswith("(labelled)")
    painted.classes.rename_class(1, "animal")
    assert "animal (labelled)" in said()
    painted.history.undo()  # the name
    painted.history.undo()
    assert "object 89 % (predicted)" in said()
    window.canvas.cursor_left.emit()
    assert said() == ""
    painted.history.redo()
    assert said() == ""
    window.canvas.cursor_moved.emit(20.5, 20.5)
    painted.images.show("image 0")
    assert said() == ""


def test_the_fields_of_the_status_bar_are_told_apart(composed: Session) -> None:
    window = composed.window
    window.set_timing_text("predicted in 0.02 s")
    window.set_version_text("weights: shipped")
    window.set_cursor_text("x 1  y 2")
    QApplication.processEvents()
    assert window._after_timing.isVisible()
    assert window._timing.x() < window._after_timing.x() < window._version.x()
    assert window._cursor.indent() >= 6
    window.set_timing_text("")
    assert not window._after_timing.isVisible()


def test_a_file_is_accepted_when_all_of_its_pages_are() -> None:
    accepted, new = ImageStatus.ACCEPTED, ImageStatus.NEW
    assert _together([accepted, accepted]) is accepted
    assert _together([accepted, new]) is ImageStatus.CORRECTED, "somebody has begun with it"
    assert _together([new, ImageStatus.PREDICTED]) is ImageStatus.PREDICTED
