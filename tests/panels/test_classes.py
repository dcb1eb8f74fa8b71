from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QDropEvent
from PySide6.QtWidgets import QColorDialog, QLabel, QLineEdit, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from latentseg_gui.document.masks.classes import SegmentationClass
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.panels.classes import ClassesPanel, DeleteClassDialog
from latentseg_gui.panels.classes.row import CLASS_MIME, ClassRow

CLASSES = (
    SegmentationClass("background", "#000000"),
    SegmentationClass("cat", "#e69f00", is_locked=True),
    SegmentationClass("dog", "#56b4e9", is_visible=False),
    SegmentationClass("sky", "#009e73"),
)


@pytest.fixture
def panel(qtbot: QtBot) -> ClassesPanel:
    widget = ClassesPanel()
    qtbot.addWidget(widget)
    widget.set_classes(CLASSES)
    widget.resize(260, 400)
    widget.show()
    return widget


def row(panel: ClassesPanel, class_id: int) -> ClassRow:
    return next(each for each in panel.findChildren(ClassRow) if each.class_id == class_id)


def button(owner: ClassRow, name: str) -> QToolButton:
    return next(each for each in owner.findChildren(QToolButton) if each.accessibleName() == name)


def test_a_click_and_the_space_key_choose_the_class(panel: ClassesPanel, qtbot: QtBot) -> None:
    requested: list[int] = []
    panel.active_requested.connect(requested.append)
    qtbot.mouseClick(row(panel, 2), Qt.MouseButton.LeftButton)
    row(panel, 3).setFocus()
    qtbot.keyClick(row(panel, 3), Qt.Key.Key_Space)
    assert requested == [2, 3]


def test_rename_in_place_asks_and_shows_the_old_name_until_it_is_done(
    panel: ClassesPanel, qtbot: QtBot
) -> None:
    field = row(panel, 1).findChild(QLineEdit)
    assert field is not None
    assert field.isReadOnly()
    row(panel, 1).setFocus()
    qtbot.keyClick(row(panel, 1), Qt.Key.Key_F2)
    assert not field.isReadOnly()
    field.setText("tiger")
    with qtbot.waitSignal(panel.rename_requested) as caught:
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert caught.args == [1, "tiger"]
    assert field.text() == "cat"


def test_esc_leaves_the_name_as_it_was(panel: ClassesPanel, qtbot: QtBot) -> None:
    renamed: list[object] = []
    panel.rename_requested.connect(lambda *names: renamed.append(names))
    panel.begin_rename(2)
    field = row(panel, 2).findChild(QLineEdit)
    assert field is not None
    qtbot.keyClicks(field, "wolf")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.isReadOnly()
    assert field.text() == "dog"
    assert renamed == []


@pytest.mark.parametrize("renaming", [1, 3])
def test_a_name_being_typed_goes_to_no_other_class(panel: ClassesPanel, qtbot: QtBot, renaming: int) -> None:
    panel.begin_rename(renaming)
    field = row(panel, renaming).findChild(QLineEdit)
    assert field is not None
    qtbot.keyClicks(field, "wolf")
    with qtbot.assertNotEmitted(panel.rename_requested):
        panel.set_classes((CLASSES[0], *CLASSES[2:]))  # row 1 shows another class now, row 3 is gone
        field.editingFinished.emit()
    assert field.isReadOnly()


def test_an_empty_name_is_no_name(panel: ClassesPanel, qtbot: QtBot) -> None:
    panel.begin_rename(1)
    field = row(panel, 1).findChild(QLineEdit)
    assert field is not None
    field.setText("  ")
    with qtbot.assertNotEmitted(panel.rename_requested):
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert field.text() == "cat"


def test_the_background_is_neither_renamed_nor_deleted_nor_moved(panel: ClassesPanel, qtbot: QtBot) -> None:
    background = row(panel, 0)
    with qtbot.assertNotEmitted(panel.delete_requested), qtbot.assertNotEmitted(panel.move_requested):
        qtbot.keyClick(background, Qt.Key.Key_F2)
        qtbot.keyClick(background, Qt.Key.Key_Delete)
        qtbot.keyClick(background, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    field = background.findChild(QLineEdit)
    assert field is not None
    assert field.isReadOnly()


def test_eye_and_lock_ask_for_the_other_state(panel: ClassesPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.visibility_requested) as seen:
        button(row(panel, 2), "Show dog").click()
    assert seen.args == [2, True]
    with qtbot.waitSignal(panel.lock_requested) as locked:
        button(row(panel, 1), "Lock cat").click()
    assert locked.args == [1, False]


def test_the_swatch_opens_the_colour_dialog(panel: ClassesPanel, qtbot: QtBot) -> None:
    button(row(panel, 3), "Colour of sky").click()
    dialog = panel.findChild(QColorDialog)
    assert dialog is not None
    assert dialog.currentColor() == QColor("#009e73")
    dialog.setCurrentColor(QColor("#123456"))
    with qtbot.waitSignal(panel.recolour_requested) as caught:
        dialog.accept()
    assert caught.args == [3, "#123456"]
    qtbot.waitUntil(lambda: panel.findChild(QColorDialog) is None)


def test_delete_by_key_and_by_button(panel: ClassesPanel, qtbot: QtBot) -> None:
    requested: list[int] = []
    panel.delete_requested.connect(requested.append)
    qtbot.keyClick(row(panel, 3), Qt.Key.Key_Delete)
    panel.set_active(2)
    next(
        each for each in panel.findChildren(QToolButton) if each.accessibleName().startswith("Delete")
    ).click()
    assert requested == [3, 2]
    assert len(panel.findChildren(ClassRow)) == 4


@pytest.mark.parametrize(
    ("class_id", "onto", "is_below", "expected"),
    [(3, 1, False, [3, 1]), (1, 3, True, [1, 3]), (1, 2, True, [1, 2]), (3, 0, False, [3, 1])],
)
def test_dropping_a_row_moves_the_class(
    panel: ClassesPanel, qtbot: QtBot, class_id: int, onto: int, is_below: bool, expected: list[int]
) -> None:
    target = row(panel, onto)
    point = target.mapTo(panel, QPoint(20, target.height() - 1 if is_below else 1))
    mime = QMimeData()
    mime.setData(CLASS_MIME, str(class_id).encode())
    event = QDropEvent(
        QPointF(point),
        Qt.DropAction.MoveAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    with qtbot.waitSignal(panel.move_requested) as caught:
        panel.dropEvent(event)
    assert caught.args == expected


def test_moving_by_keyboard(panel: ClassesPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.move_requested) as caught:
        qtbot.keyClick(row(panel, 3), Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert caught.args == [3, 2]


def test_rows_are_used_again(panel: ClassesPanel, qtbot: QtBot) -> None:
    before = [row(panel, i) for i in range(3)]
    for _ in range(20):
        panel.set_classes(CLASSES[:3])
        panel.set_classes(CLASSES)
    qtbot.wait(10)
    assert [row(panel, i) for i in range(3)] == before
    assert len(panel.findChildren(ClassRow)) == 4


def test_the_dialog_says_what_happens_to_the_pixels(qtbot: QtBot) -> None:
    dialog = DeleteClassDialog("cat", 12_345, 2, [(0, "background"), (2, "dog")])
    qtbot.addWidget(dialog)
    assert any("12,345 pixels in 2 images" in each.text() for each in dialog.findChildren(QLabel))
    dialog.open()
    delete = next(each for each in dialog.findChildren(QPushButton) if each.text() == "Delete")
    with qtbot.waitSignal(dialog.confirmed) as caught:
        delete.click()
    assert caught.args == [UNLABELLED]


def test_the_pixels_can_go_to_another_class(qtbot: QtBot) -> None:
    dialog = DeleteClassDialog("cat", 5, 1, [(0, "background"), (2, "dog")])
    qtbot.addWidget(dialog)
    dialog.set_target(2)
    dialog.open()
    delete = next(each for each in dialog.findChildren(QPushButton) if each.text() == "Delete")
    with qtbot.waitSignal(dialog.confirmed) as caught:
        delete.click()
    assert caught.args == [2]


def test_the_class_in_use_is_scrolled_to(panel: ClassesPanel, qtbot: QtBot) -> None:
    panel.set_classes([SegmentationClass(f"class {number}", "#009e73") for number in range(12)])
    panel.resize(260, 200)
    for class_id in (11, 0):
        panel.set_active(class_id)
        wanted = row(panel, class_id)
        qtbot.waitUntil(lambda wanted=wanted: wanted.visibleRegion().boundingRect() == wanted.rect())


def test_the_menu_says_whether_objects_of_a_class_are_counted(panel: ClassesPanel, qtbot: QtBot) -> None:
    panel.set_classes([CLASSES[0], replace(CLASSES[1], is_thing=False), CLASSES[2]], ids=[0, 9, 4])
    counted = {
        class_id: next(a for a in panel._menu(class_id).actions() if a.text() == "Count its objects")
        for class_id in (0, 9, 4)
    }
    assert not counted[0].isEnabled()
    assert [counted[each].isChecked() for each in (9, 4)] == [False, True]
    with qtbot.waitSignal(panel.thing_requested) as caught:
        counted[4].trigger()
    assert caught.args == [4, False]
