"""The hand on the real window: objects by clicks, a correction by brush, what is chosen, levels, keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QPushButton

from latentseg_gui.app.preferences import load_preferences, preferences_path
from latentseg_gui.app.samples import sample_paths
from latentseg_gui.app.session import Session
from latentseg_gui.app.shortcuts import Shortcuts
from latentseg_gui.document.types import BACKGROUND, UNLABELLED
from latentseg_gui.panels.classes import DeleteClassDialog
from latentseg_gui.panels.display import Tone
from tests.e2e.conftest import Witness
from tests.e2e.person import LEFT, RIGHT, Person
from tests.e2e.screen_colours import screen_colours

unasked = pytest.mark.usefixtures("without_model")


def paint_two_objects(person: Person) -> None:
    """Two separate dabs of class 1."""
    person.choose("tool_brush")
    person.session.tool.set_diameter(60)
    person.drag((100.0, 100.0), (101.0, 100.0))
    person.drag((300.0, 100.0), (301.0, 100.0))


def test_three_objects_by_clicks_one_corrected_and_the_export_is_what_is_on_screen(
    person: Person, tmp_path: Path
) -> None:
    person.open(sample_paths()[0])
    session, document = person.session, person.session.document
    image_id = person.image_id
    assert image_id is not None
    rows, cols = document.masks.layer(image_id).shape
    taken: list[int] = []
    for place in ((0.45, 0.25), (0.85, 0.35), (0.30, 0.75)):
        person.segment((cols * place[0], rows * place[1]))
        person.press(Qt.Key.Key_Return)
        person.wait_for(lambda: document.prompts.proposal(image_id) is None, what="the proposal is accepted")
        taken.append(np.unique(document.masks.instances(image_id)).size - 1)
    assert taken == [1, 2, 3], "every accepted object has a number of its own"
    person.choose("tool_brush")
    person.session.tool.set_diameter(30)
    place = (cols * 0.45, rows * 0.25)
    person.drag(place, (place[0] + 30, place[1]), button=RIGHT)
    assert person.mask[int(place[1]), int(place[0])] == BACKGROUND
    target = tmp_path / "mask.png"
    session.export.export_to(target, "png")
    person.wait_for(target.exists, what="the file is there")
    person.wait_for(lambda: session.lanes.files.is_idle)
    written = np.array(Image.open(target))
    assert (written == document.masks.final_labels(image_id)).all()
    labelled = person.mask != UNLABELLED
    assert (written[labelled] == person.mask[labelled]).all()


@unasked
def test_an_object_is_chosen_given_a_class_and_deleted(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    paint_two_objects(person)
    session = person.session
    session.classes.add_class()
    person.choose("tool_select")
    person.click((100.0, 100.0))
    assert len(session.objects.chosen) == 1
    session.objects.set_class(2)
    assert person.mask[100, 100] == 2
    assert person.mask[100, 300] == 1
    person.press(Qt.Key.Key_Delete)
    assert person.mask[100, 100] == BACKGROUND
    assert not session.objects.chosen
    person.choose("undo")
    assert person.mask[100, 100] == 2
    person.choose("undo")
    assert person.mask[100, 100] == 1


@unasked
def test_two_objects_become_one_and_a_line_makes_them_two_again(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    paint_two_objects(person)
    document, image_id = person.session.document, person.image_id
    assert image_id is not None
    person.choose("tool_select")
    person.click((100.0, 100.0))
    QTest.mouseClick(
        person.canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, person.at((300.0, 100.0))
    )
    assert len(person.session.objects.chosen) == 2
    person.choose("merge_objects")
    numbers = document.masks.instances(image_id)
    assert numbers[100, 100] == numbers[100, 300] != 0
    person.choose("tool_split")
    person.drag((300.0, 60.0), (300.0, 100.0), (300.0, 140.0))
    numbers = document.masks.instances(image_id)
    assert numbers[100, 285] != numbers[100, 315]
    person.choose("undo")
    numbers = document.masks.instances(image_id)
    assert numbers[100, 285] == numbers[100, 315]


@unasked
def test_a_line_beside_every_object_says_so_and_changes_nothing(
    person: Person, skimage_photo: Path, told: Witness
) -> None:
    person.open(skimage_photo)
    paint_two_objects(person)
    before = person.mask
    person.choose("tool_split")
    person.drag((200.0, 300.0), (220.0, 320.0), (260.0, 360.0))
    assert (person.mask == before).all()
    assert any("cross an object" in sentence for sentence in told.sentences)


@unasked
def test_clean_up_works_on_the_chosen_object_alone(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    paint_two_objects(person)
    before = person.mask
    person.choose("tool_select")
    person.click((100.0, 100.0))
    person.choose("grow")
    grown = np.argwhere(person.mask != before)
    assert len(grown) > 50
    assert grown[:, 1].max() < 200


@pytest.mark.qt_log_ignore("This plugin does not support")
@unasked
def test_the_menu_of_the_canvas_is_about_the_object_under_it(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    paint_two_objects(person)
    person.choose("tool_select")
    QTest.mouseClick(person.canvas, RIGHT, Qt.KeyboardModifier.NoModifier, person.at((300.0, 100.0)))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    texts = [action.text() for action in menu.actions()]
    assert texts[0] == "1 object"
    assert "Fill holes" in texts
    menu.close()
    person.canvas.context_menu_requested.emit(QPoint(0, 0), (450.0, 450.0))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert "Fill holes" not in [action.text() for action in menu.actions()]
    menu.close()


@unasked
def test_colours_by_object_tell_two_of_one_class_apart(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    paint_two_objects(person)
    session = person.session
    assert person.image_id is not None
    for xy in ((100.0, 100.0), (300.0, 100.0)):
        row, col = int(xy[1]), int(xy[0])
        person.choose("tool_split")
        person.drag((col, row - 45), (col, row), (col, row + 45))
    person.canvas.labels.set_opacity(1.0)
    places = [person.at((x, 100.0)) for x in (85.0, 115.0)]
    by_class = screen_colours(person)
    person.choose("show_objects")
    by_object = screen_colours(person)
    left, right = (tuple(by_class[p.y(), p.x()]) for p in places)
    assert left == right
    left, right = (tuple(by_object[p.y(), p.x()]) for p in places)
    assert left != right
    session.tool.set_diameter(20)
    person.choose("tool_eraser")
    person.drag((85.0, 100.0), (86.0, 100.0))
    erased = screen_colours(person)
    assert tuple(erased[places[0].y(), places[0].x()]) != left, "edits show at once"


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
@unasked
def test_levels_are_taken_from_the_raw_values_and_leave_model_and_mask_alone(
    person: Person, tmp_path: Path, kind: type
) -> None:
    values = np.tile(np.linspace(0, 1000, 400, dtype=np.float64), (300, 1)).astype(kind)
    path = tmp_path / "ramp.tif"
    Image.fromarray(values).save(path)
    person.open(path)
    session = person.session
    assert person.image_id is not None
    record = session.document.records.of(person.image_id)
    assert record is not None
    as_read = record.pixels.copy()
    zoom = person.canvas.camera.zoom
    middle = person.at((100.0, 150.0))
    before = screen_colours(person)[middle.y(), middle.x(), 0]
    session.adjust.set_tone(Tone(levels=(0.0, 250.0)))
    person.wait_for(lambda: screen_colours(person)[middle.y(), middle.x(), 0] > 240, seconds=20)
    assert before < 80
    assert person.canvas.camera.zoom == zoom
    assert (record.pixels == as_read).all()
    session.adjust.set_tone(Tone())
    person.wait_for(lambda: screen_colours(person)[middle.y(), middle.x(), 0] == before, seconds=20)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@unasked
def test_a_picture_in_which_zero_is_white_stays_so_when_levels_are_touched(
    person: Person, tmp_path: Path, kind: type
) -> None:
    top = np.iinfo(kind).max
    values = np.tile(np.linspace(0, top, 400, dtype=np.float64), (300, 1)).astype(kind)
    path = tmp_path / "white.tif"
    tifffile.imwrite(path, values, photometric="miniswhite")
    person.open(path)
    left, right = person.at((20.0, 150.0)), person.at((380.0, 150.0))

    def shown() -> tuple[int, int]:
        screen = screen_colours(person)
        return int(screen[left.y(), left.x(), 0]), int(screen[right.y(), right.x(), 0])

    light, dark = shown()
    assert light > 200
    assert dark < 60
    person.session.adjust.set_tone(Tone(levels=(0.0, top / 2)))
    person.wait_for(lambda: shown()[1] == 0, seconds=20)
    assert shown()[0] > 200
    person.session.adjust.set_tone(Tone(is_inverted=True))
    person.wait_for(lambda: shown()[0] < 60, seconds=20)
    person.session.adjust.set_tone(Tone())
    person.wait_for(lambda: shown() == (light, dark), seconds=20)


@unasked
def test_a_large_image_is_filled_beside_the_window_and_a_stroke_made_meanwhile_comes_after_it(
    person: Person, tmp_path: Path
) -> None:
    path = tmp_path / "large.png"
    Image.fromarray(np.full((1500, 2000, 3), 90, np.uint8)).save(path)
    person.open(path)
    edits, history = person.session.edits, person.session.history
    person.choose("tool_fill")
    person.click((300.0, 300.0))
    person.choose("tool_eraser")
    person.session.tool.set_diameter(100)
    person.drag((1000.0, 700.0), (1200.0, 700.0))
    person.wait_for(lambda: len(history.entries) == 2 and not edits.is_working, what="both are done")
    assert [step.label for step in history.entries] == ["Fill", "Erase"]
    assert person.mask[300, 300] == 1
    assert person.mask[700, 1100] == BACKGROUND
    person.choose("undo")
    person.choose("undo")
    person.wait_for(lambda: history.position == 0, what="both are undone")
    assert (person.mask == UNLABELLED).all()
    person.choose("tool_fill")
    person.click((300.0, 300.0))
    if edits.is_working:
        person.press(Qt.Key.Key_Escape)
    person.wait_for(lambda: not edits.is_working, what="it is given up or done")
    assert (person.mask == UNLABELLED).all() or (person.mask == 1).all()


@unasked
def test_levels_and_single_channels_of_an_ordinary_photograph(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    session = person.session
    place = person.at((400.0, 40.0))
    before = screen_colours(person)[place.y(), place.x()]
    session.adjust.set_tone(Tone(is_inverted=True))
    assert (screen_colours(person)[place.y(), place.x()] == 255 - before).all()
    session.adjust.set_tone(Tone(channel=2))
    person.wait_for(lambda: (screen_colours(person)[place.y(), place.x()] == before[2]).all(), seconds=20)


def test_comparing_needs_a_prediction_and_says_so(person: Person, skimage_photo: Path, told: Witness) -> None:
    person.choose("compare_mask")
    assert not person.window.action["compare_mask"].isChecked()
    assert told.sentences
    person.open(skimage_photo)
    person.wait_for_prediction()
    person.choose("compare_mask")
    assert person.session.compare.what == "mask"
    person.choose("tool_brush")
    person.drag((100.0, 100.0), (140.0, 100.0))
    person.choose("compare_mask")
    assert person.session.compare.what == ""
    person.choose("compare_earlier")
    assert not person.window.action["compare_earlier"].isChecked()


@unasked
def test_a_changed_key_works_is_saved_and_takes_over_what_another_had(session: Session) -> None:
    window = session.window
    shortcuts = window.findChild(Shortcuts)
    assert shortcuts is not None
    assert shortcuts.conflicts("tool_brush", "E") == ["Eraser"]
    shortcuts.set_keys("tool_brush", ("E",))
    assert window.action["tool_brush"].shortcut().toString() == "E"
    assert window.action["tool_eraser"].shortcuts() == []
    kept, error = load_preferences(preferences_path())
    assert error is None
    assert kept.shortcuts == {"tool_brush": "E", "tool_eraser": ""}
    again = Shortcuts(window, kept, session.reporter)
    assert again.keys("tool_brush") == ("E",)
    shortcuts.set_keys("tool_lasso", ("1",))
    assert window.action["tool_lasso"].shortcut().toString() == "L", "the keys of classes stay"
    shortcuts.reset_all()
    assert window.action["tool_eraser"].shortcut().toString() == "E"


@unasked
def test_a_class_that_was_added_is_named_at_once(person: Person) -> None:
    window = person.window
    person.come_to_front()
    add = next(each for each in window.classes.findChildren(QPushButton) if each.text() == "Add class")
    QTest.mouseClick(add, LEFT)
    field = QApplication.focusWidget()
    QTest.keyClicks(field, "bicycle")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert person.session.document.classes.names[-1] == "bicycle"
    assert person.session.document.active_class == 2
    assert window.action["tool_click"].isChecked(), "its letters are no shortcuts"


@unasked
def test_deleting_a_class_asks_what_its_pixels_become(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    paint_two_objects(person)
    session = person.session
    session.classes.add_class()
    session.classes.request_deletion(2)
    assert len(session.document.classes) == 2, "an unused class goes without a question"
    session.classes.add_class()
    session.classes.request_deletion(1)
    dialogs = [w for w in QApplication.topLevelWidgets() if isinstance(w, DeleteClassDialog)]
    dialogs[0].confirmed.emit(0)
    dialogs[0].close()
    assert len(session.document.classes) == 2
    assert person.mask[100, 100] == 0


@unasked
def test_a_class_that_moves_under_the_question_is_the_one_that_is_deleted(
    person: Person, skimage_photo: Path
) -> None:
    person.open(skimage_photo)
    paint_two_objects(person)
    session = person.session
    session.classes.add_class()
    names = session.document.classes.names
    session.classes.request_deletion(1)
    session.classes.move_class(2, 1)
    dialogs = [w for w in QApplication.topLevelWidgets() if isinstance(w, DeleteClassDialog)]
    dialogs[0].confirmed.emit(0)
    assert session.document.classes.names == (names[0], names[2])
    dialogs[0].confirmed.emit(0)
    dialogs[0].close()
    assert session.document.classes.names == (names[0], names[2]), "a class is not deleted twice"


@unasked
def test_class_keys_work_from_the_lists_too(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    session = person.session
    session.classes.add_class()
    session.classes.choose_class(1)
    person.come_to_front()
    for widget in (person.window.files, person.window.classes, person.canvas):
        widget.setFocus()
        QApplication.processEvents()
        for digit in (2, 0, 1):
            QTest.keyClick(QApplication.focusWidget() or person.window, Qt.Key.Key_0 + digit)
            QApplication.processEvents()
            assert session.document.active_class == digit
