"""From image to image with few gestures: accept and go on, and files go where one would look for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from latentseg_gui.panels.output import OutputDialog
from tests.benchmarks import job_pictures
from tests.benchmarks.counting_hand import CountingHand
from tests.benchmarks.four_jobs import correct_masks, label_photographs
from tests.e2e.conftest import Witness
from tests.e2e.person import Person

SHIFT = Qt.KeyboardModifier.ShiftModifier


def test_shift_and_enter_accept_and_go_on(person: Person, told: Witness, tmp_path: Path) -> None:
    pictures = job_pictures.photographs(2)
    person.open(job_pictures.written(pictures, tmp_path / "photos"))
    first, second = person.session.document.images.ids
    masks = person.session.document.masks
    row, col = (float(places.mean()) for places in pictures[0].truth.nonzero())
    person.segment((col, row))
    person.press(Qt.Key.Key_Return, SHIFT)
    person.wait_for(lambda: person.image_id == second and person.canvas.image.is_shown, what="the second")
    assert (masks.labels(first) == 1).any()

    row, col = (float(places.mean()) for places in pictures[1].truth.nonzero())
    person.segment((col, row))
    person.press(Qt.Key.Key_Return, SHIFT)
    person.wait_for(lambda: (masks.labels(second) == 1).any(), what="it is accepted on the last image")
    assert person.image_id == second
    person.press(Qt.Key.Key_A)
    person.wait_for(lambda: person.image_id == first, what="the first again")
    person.press(Qt.Key.Key_Return, SHIFT)
    person.wait_for(lambda: person.image_id == second, what="where there is nothing to accept, it goes on")
    assert not told.errors


@pytest.mark.parametrize("action", ["export_mask", "predict_folder"])
def test_the_first_files_go_beside_the_images_until_a_folder_is_chosen(
    person: Person, tmp_path: Path, action: str
) -> None:
    for name in ("cells", "walls"):
        job_pictures.written(job_pictures.photographs(1), tmp_path / name)
    person.open(tmp_path / "cells")
    person.wait_for_prediction()
    output = (person.session.export if action == "export_mask" else person.session.batch).output

    def suggested() -> OutputDialog:
        person.choose(action)
        assert output.dialog is not None
        return output.dialog

    dialog = suggested()
    assert dialog.choice is not None
    assert dialog.choice.folder == tmp_path / "cells masks"
    written(person, dialog)
    assert (tmp_path / "cells masks" / "photo 00.png").is_file()

    for image_id in person.session.document.images.ids:
        person.session.images.remove(image_id)
    person.open(tmp_path / "walls")
    person.wait_for_prediction()
    dialog = suggested()
    assert dialog.choice is not None
    assert dialog.choice.folder == tmp_path / "walls masks", "those of other images are beside those"
    dialog.set_folder(tmp_path / "chosen")
    written(person, dialog)
    dialog = suggested()
    assert dialog.choice is not None
    assert dialog.choice.folder == tmp_path / "chosen"
    dialog.reject()


def written(person: Person, dialog: OutputDialog) -> None:
    person.wait_for(dialog._do.isEnabled, 30, "it can go")
    session, ended = person.session, list[object]()
    session.export.ended.connect(ended.append)
    session.batch.ended.connect(ended.append)
    dialog._do.click()
    person.wait_for(lambda: ended, what="it is written")


def test_photographs_to_yolo_take_a_click_and_a_key_each(
    person: Person, told: Witness, tmp_path: Path
) -> None:
    hand = CountingHand(person.session)
    said = label_photographs(hand, job_pictures.photographs(3), tmp_path)
    assert said.startswith("3 of 3 label files")
    done = hand.gestures
    # Opened with a key and a folder; a click and a key each; a key, two formats and Enter at the end.
    assert (done.keys, done.choices, done.drags) == (1 + 3 + 2, 1, 0)
    assert 3 + 2 <= done.clicks <= 3 + 2 + 1
    assert hand.waited > 0
    assert not told.errors


def test_masks_of_another_tool_are_looked_through_with_a_key_each(
    person: Person, told: Witness, tmp_path: Path
) -> None:
    hand = CountingHand(person.session)
    said = correct_masks(hand, job_pictures.photographs(4), tmp_path)
    before, after = (float(each) for each in said.split("IoU ")[1].split(" to "))
    assert said.startswith("4 of 4 masks")
    assert after > max(0.9, before)
    done = hand.gestures
    # Images and masks: a key and a folder each, and Enter; a key each; a key and Enter at the end.
    assert (done.keys, done.choices, done.drags) == (3 + 4 + 2, 2, 0)
    assert not told.errors
