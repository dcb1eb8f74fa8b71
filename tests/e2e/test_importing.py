"""Masks of other tools come into the window, by menu and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.io.masks import MaskItem, export_folder
from latentseg_gui.panels.output import ImportDialog
from tests.e2e.conftest import Witness
from tests.e2e.person import Person

pytestmark = pytest.mark.usefixtures("without_model")

SHAPE = (48, 64)
CLASSES = ClassTable.from_names(("background", "object", "stone"))


@pytest.fixture
def items(tmp_path: Path) -> list[MaskItem]:
    """Three photographs in a folder, with masks that are nowhere yet."""
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    found = []
    for number in range(3):
        Image.fromarray(rng.integers(0, 256, (*SHAPE, 3), dtype=np.uint8)).save(
            tmp_path / "photos" / f"photo {number}.png"
        )
        labels = np.zeros(SHAPE, np.uint8)
        labels[5 : 20 + number, 5:30] = 1
        labels[30:40, 30:50] = 2
        found.append(MaskItem(f"photo {number}", labels, image_name=f"photo {number}.png"))
    return found


def confirm(person: Person, mode: str = "skip") -> None:
    """Answers the question about masks and waits until they are there."""
    importing = person.session.importing
    person.wait_for(lambda: importing.dialog is not None, what="it is asked how masks are taken over")
    assert importing.dialog is not None
    importing.dialog.set_mode(mode)
    importing.dialog._on_accepted()
    person.wait_for(lambda: not importing.is_running, what="the masks are there")


def masks(person: Person) -> list[np.ndarray]:
    document = person.session.document
    return [np.array(document.masks.labels(each)) for each in document.images.ids]


def test_images_and_a_coco_file_are_dropped_together(
    person: Person, told: Witness, items: list[MaskItem], tmp_path: Path
) -> None:
    list(export_folder(tmp_path / "coco", items, CLASSES, "coco"))
    file = tmp_path / "coco" / "annotations.json"
    person.window.paths_dropped.emit([str(tmp_path / "photos"), str(file)])
    confirm(person)
    for found, item in zip(masks(person), items, strict=True):
        assert np.array_equal(found, item.labels)
    assert person.session.document.classes.names == CLASSES.names
    assert any("3 masks were imported." in sentence for sentence in told.sentences)
    assert not any("taken as background" in each for each in told.sentences), "the user has said so"
    # Undo goes image by image, and shows where it is.
    person.wait_for(lambda: person.session.document.images.current_id is not None)
    for _ in range(3):
        person.choose("undo")
    person.wait_for(lambda: person.session.history.position == 1, what="three masks are taken back")
    assert all((found == UNLABELLED).all() for found in masks(person))


def test_a_folder_of_masks_is_dropped_and_hand_work_stays(
    person: Person, told: Witness, items: list[MaskItem], tmp_path: Path
) -> None:
    list(export_folder(tmp_path / "yolo", items, CLASSES, "yolo"))
    person.open(tmp_path / "photos")
    person.choose("tool_brush")
    person.drag((40.0, 10.0), (44.0, 10.0))
    before = person.mask
    assert (before == 1).any()
    person.window.paths_dropped.emit([str(tmp_path / "yolo")])
    confirm(person)
    found = masks(person)
    assert np.array_equal(found[0], before)
    assert np.array_equal(found[1], items[1].labels)
    assert any("1 image has a mask already" in sentence for sentence in told.sentences)
    person.window.paths_dropped.emit([str(tmp_path / "yolo")])
    confirm(person, "fill")
    after = masks(person)[0]
    assert np.array_equal(after, np.where(before == UNLABELLED, items[0].labels, before))


def test_a_folder_with_neither_images_nor_masks_says_so(
    person: Person, told: Witness, items: list[MaskItem], tmp_path: Path
) -> None:
    (tmp_path / "nothing").mkdir()
    person.open(tmp_path / "photos")
    person.window.paths_dropped.emit([str(tmp_path / "nothing")])
    person.wait_for(lambda: told.errors, what="it is said")
    assert "There are no images in the folder “nothing”" in str(told.errors[-1])


def test_numbers_that_could_be_classes_or_objects_are_asked_about(
    person: Person, told: Witness, items: list[MaskItem], tmp_path: Path
) -> None:
    (tmp_path / "masks").mkdir()
    for item in items:
        Image.fromarray(item.labels.astype(np.uint16)).save(tmp_path / "masks" / f"{item.stem}_masks.png")
    person.open(tmp_path / "photos")
    importing = person.session.importing
    importing.import_from([tmp_path / "masks"])  # dropped, a folder of pictures would be images
    person.wait_for(lambda: importing.dialog is not None, what="it is asked")
    assert importing.dialog is not None
    assert importing.dialog.choice.numbers == "classes", "what they look like"
    importing.dialog.set_numbers("objects")
    importing.dialog._on_accepted()
    person.wait_for(lambda: not importing.is_running, what="the masks are there")
    assert not any("background from unlabelled" in each for each in told.sentences), (
        "the user has just said it"
    )
    document = person.session.document
    for image_id, item in zip(document.images.ids, items, strict=True):
        assert np.array_equal(document.masks.labels(image_id), item.labels > 0)
        assert np.array_equal(document.masks.instances(image_id), item.labels)
    assert document.classes.names == ("background", "object")


def test_masks_that_are_chosen_anew_are_asked_about_and_nothing_is_called_lost(
    person: Person, told: Witness, items: list[MaskItem], tmp_path: Path
) -> None:
    for kind in ("first", "second"):
        list(export_folder(tmp_path / kind, items, CLASSES, "yolo"))
    person.open(tmp_path / "photos")
    importing, lost = person.session.importing, []
    importing.labels.lost.connect(lost.append)
    importing.import_from([tmp_path / "first"])
    importing.import_from([tmp_path / "second"])  # chosen while the first is still looked through
    person.wait_for(lambda: importing.dialog is not None and not importing._plans, what="it is asked")
    importing.import_from([tmp_path / "first"])
    earlier = importing.dialog
    person.wait_for(lambda: importing.dialog is not earlier, what="it is asked about the other")
    open_ones = [each for each in person.window.findChildren(ImportDialog) if each.isVisible()]
    assert open_ones == [importing.dialog]
    assert not lost
    assert importing.labels.says()
    confirm(person)
    assert all(np.array_equal(one, item.labels) for one, item in zip(masks(person), items, strict=True))
    assert not lost


def test_classes_of_a_file_keep_their_order_in_a_fresh_window_and_bad_lines_are_said(
    person: Person, told: Witness, items: list[MaskItem], tmp_path: Path
) -> None:
    """Nobody has used "object", so nobody gets it; leaf is class 1 here because it is class 0 there."""
    (tmp_path / "yolo").mkdir()
    (tmp_path / "yolo" / "classes.txt").write_text("leaf\nstem\n")
    good = "1 0.25 0.25 0.5 0.25 0.5 0.5 0.25 0.5\n"
    (tmp_path / "yolo" / "photo 0.txt").write_text(good + "0 0.5 0.5 0.25 0.25\n")
    (tmp_path / "yolo" / "photo 1.txt").write_text(good)
    person.open(tmp_path / "photos")
    person.window.paths_dropped.emit([str(tmp_path / "yolo")])
    confirm(person)
    document = person.session.document
    assert document.classes.names == ("background", "leaf", "stem")
    first = np.array(document.masks.labels(document.images.ids[0]))
    assert (first[12:24, 16:32] == 2).all()
    assert (first[24:30, 24:40] == UNLABELLED).all(), "a box is neither object nor background"
    said = " ".join(told.sentences)
    assert "2 of 3 objects were imported." in said
    assert "line #2 (“leaf”): it holds a box" in said
    person.choose("undo")
    person.choose("undo")
    person.choose("undo")
    person.wait_for(lambda: not person.session.document.masks.labelled_ids(), what="the masks are taken back")


def test_masks_from_before_the_images_were_turned_are_asked_about(
    person: Person, told: Witness, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "masks").mkdir()
    exif = Image.Exif()
    exif[274] = 3
    area = np.zeros(SHAPE, np.uint8)
    area[2:10, 4:30] = 255
    for name in "ab":
        Image.fromarray(np.dstack([area] * 3)).save(tmp_path / "photos" / f"{name}.png", exif=exif)
        Image.fromarray(area).save(tmp_path / "masks" / f"{name}.png")
    person.open(tmp_path / "photos")
    importing = person.session.importing
    importing.import_from([tmp_path / "masks"])  # dropped, a folder of pictures would be images
    person.wait_for(lambda: importing.dialog is not None, what="it is asked")
    assert importing.dialog is not None
    importing.dialog.set_turned(True)
    importing.dialog._on_accepted()
    person.wait_for(lambda: not importing.is_running, what="the masks are there")
    for found in masks(person):
        assert np.array_equal(found > 0, np.rot90(area, 2) > 0)
