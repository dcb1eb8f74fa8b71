"""The list of objects on the real window: what is listed, chosen, changed, locked, hidden, and counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF

from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Provenance
from latentseg_gui.io.project.opening import open_project
from latentseg_gui.io.project.saving import save_project
from tests.e2e.conftest import Witness
from tests.e2e.person import Person

pytestmark = pytest.mark.usefixtures("without_model")

SIDE = 400
MIDDLES = ((80.0, 80.0), (240.0, 80.0), (80.0, 240.0), (240.0, 240.0))


def picture(path: Path, number: int = 0) -> Path:
    pixels = np.random.default_rng(number).integers(60, 200, (SIDE, SIDE, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def dab(person: Person, middle: tuple[float, float], diameter: int) -> None:
    person.session.tool.set_diameter(diameter)
    person.drag(middle, (middle[0] + 1, middle[1]))


def rows(person: Person) -> list[list[str]]:
    model = person.window.objects.view.model()
    return [
        [str(model.index(row, column).data()) for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def count(person: Person, wanted: int) -> None:
    person.wait_for(
        lambda: len(rows(person)) == wanted, 30, f"{wanted} objects are listed, not {rows(person)}"
    )


@pytest.fixture
def painted(person: Person, tmp_path: Path) -> Person:
    """An image with four dabs of class 1, each larger than the one before."""
    person.open(picture(tmp_path / "a.png"))
    person.choose("tool_brush")
    for index, middle in enumerate(MIDDLES):
        dab(person, middle, 20 + 12 * index)
    count(person, 4)
    return person


def test_objects_are_listed_sorted_searched_and_gone_to(painted: Person) -> None:
    person, panel = painted, painted.window.objects
    panel.view.sortByColumn(2, Qt.SortOrder.AscendingOrder)
    areas = [row[2] for row in rows(person)]
    sizes = [int(each.removesuffix(" px").replace(",", "")) for each in areas]
    assert sizes == sorted(sizes), "the smallest comes first"
    assert sum(sizes) == int((person.mask == 1).sum())
    panel.view.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    assert [row[2] for row in rows(person)] == areas[::-1]
    panel.search.setText(f"< {sizes[2]}")
    assert len(rows(person)) == 2
    panel.search.setText("background")
    assert rows(person) == []
    panel.search.clear()
    zoom = person.canvas.camera.zoom
    person.press(Qt.Key.Key_Period)
    assert person.canvas.camera.zoom > zoom, "it is shown large"
    assert len(person.session.objects.chosen) == 1
    row, col = person.session.objects.chosen[0]
    assert abs(col - 240) < 40
    assert abs(row - 240) < 40, "the largest comes first now"
    person.press(Qt.Key.Key_Comma)
    row, col = person.session.objects.chosen[0]
    assert abs(row - 80) < 40, "from the first row back to the last, which is the smallest"


def test_many_are_chosen_and_each_action_is_one_step(painted: Person, told: Witness) -> None:
    person, session, panel = painted, painted.session, painted.window.objects
    before, steps = person.mask, session.history.position
    person.choose("tool_select")
    person.drag((20.0, 20.0), (330.0, 150.0))
    assert len(session.objects.chosen) == 2, "a rubber band takes what it touches"
    assert len(panel.view.selected_keys()) == 2, "and the list shows it"
    session.classes.add_class()
    session.classes.choose_class(1)
    steps = session.history.position
    panel.class_requested.emit(session.document.classes.ids[-1])
    person.wait_for(lambda: session.history.position == steps + 1, 10)
    person.wait_for(lambda: len({row[1] for row in rows(person)}) == 2, 10, "the list tells the new class")
    assert [row[1] for row in rows(person)].count(session.document.classes.names[-1]) == 2
    panel.search.setText(session.document.classes.names[-1])
    assert len(rows(person)) == 2
    panel.view.selectAll()
    person.choose("delete_objects")
    person.wait_for(lambda: session.history.position == steps + 2, 10)
    panel.search.clear()
    count(person, 2)
    person.choose("undo")
    person.choose("undo")
    count(person, 4)
    assert (person.mask == before).all()
    panel.view.selectAll()
    person.choose("merge_objects")
    count(person, 1)
    assert session.history.position == steps + 1
    person.choose("undo")
    count(person, 4)
    assert told.errors == []


def test_a_locked_object_is_changed_by_no_tool_and_a_hidden_one_is_not_drawn(
    painted: Person, told: Witness
) -> None:
    person, session = painted, painted.session
    person.choose("tool_select")
    person.click(MIDDLES[3])
    person.choose("lock_objects")
    count(person, 4)
    rows_of, cols_of = np.nonzero(person.mask == 1)
    is_far = (rows_of > 160) & (cols_of > 160)
    locked = rows_of[is_far], cols_of[is_far]
    person.choose("tool_eraser")
    dab(person, MIDDLES[3], 90)
    assert (person.mask[locked] == 1).all(), "the eraser leaves it"
    person.choose("tool_brush")
    session.classes.add_class()
    dab(person, MIDDLES[3], 30)
    assert (person.mask[locked] == 1).all(), "the brush of another class leaves it"
    person.choose("undo")
    person.choose("tool_select")
    person.click(MIDDLES[3])
    person.choose("delete_objects")
    assert "locked" in told.sentences[-1]
    assert (person.mask[locked] == 1).all()
    shown = person.canvas.grab().toImage()
    person.choose("hide_objects")
    session.objects.clear()
    at = person.at((250.0, 250.0))
    assert person.canvas.grab().toImage().pixel(at) != shown.pixel(at)
    person.choose("show_all_objects")
    marks = session.document.masks.layer(str(person.image_id)).marks
    assert not marks.hidden
    assert len(marks.locked) == 1
    session.edits.undo(lambda command: None)
    assert session.document.masks.layer(str(person.image_id)).marks.hidden


def test_counts_of_this_image_and_of_all_stand_beside_the_classes(painted: Person, tmp_path: Path) -> None:
    person = painted
    person.open(picture(tmp_path / "b.png", 1))
    person.choose("tool_brush")
    dab(person, MIDDLES[0], 40)
    row = person.window.classes._rows[1]
    person.wait_for(lambda: row._count.text() == "1 / 5", 30, "one here, five on all images")
    person.choose("undo")
    person.wait_for(lambda: row._count.text() == "0 / 4", 30)
    person.choose("previous_image")
    person.wait_for(lambda: row._count.text() == "4", 30, "all of them are here")


def test_areas_are_said_in_the_unit_of_the_file(person: Person, tmp_path: Path) -> None:
    path = tmp_path / "cells.tif"
    pixels = np.random.default_rng(0).integers(60, 200, (SIDE, SIDE)).astype(np.uint8)
    tifffile.imwrite(path, pixels, resolution=(2e4, 2e4), resolutionunit="CENTIMETER")  # half a micrometre
    person.open(path)
    person.choose("tool_brush")
    dab(person, MIDDLES[0], 40)
    count(person, 1)
    pixels_painted = int(((person.mask != UNLABELLED) & (person.mask != BACKGROUND)).sum())
    person.wait_for(lambda: rows(person)[0][2].endswith("²"), 20, "the size of a pixel was read")
    value, unit = rows(person)[0][2].split()
    per_pixel = {"cm²": 0.25e-8, "µm²": 0.25, "mm²": 0.25e-6}[unit]
    assert float(value) == pytest.approx(pixels_painted * per_pixel, rel=1e-3)


def test_numbers_and_names_are_written_only_where_they_fit(painted: Person) -> None:
    person, part = painted, painted.canvas.object_names.item
    person.choose("show_names")
    person.choose("tool_select")
    person.window.objects.view.selectAll()
    person.choose("hide_objects")
    person.choose("show_all_objects")
    person.wait_for(lambda: len(part.boxes) == 4, 10, "numbered now, and written on")
    metrics = QFontMetricsF(part.font)
    person.choose("fit")
    few = part.placed(person.canvas.camera.viewport, metrics)
    person.canvas.camera.zoom_to(8.0)
    person.canvas.camera.centre_on(MIDDLES[3])
    many = part.placed(person.canvas.camera.viewport, metrics)
    assert any("object" in text for text, _ in many)
    person.canvas.camera.zoom_to(0.2)
    assert part.placed(person.canvas.camera.viewport, metrics) == [], "never over small things"
    assert len(few) <= 4
    person.choose("show_names")
    assert not len(part.boxes)


def test_imported_objects_are_told_apart_and_a_locked_one_stays(
    painted: Person, told: Witness, tmp_path: Path
) -> None:
    person, session = painted, painted.session
    person.choose("tool_select")
    person.click(MIDDLES[3])
    person.choose("lock_objects")
    count(person, 4)
    locked = person.mask[200:290, 200:290]
    assert (locked == 1).any()
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[20:40, 300:330] = 1
    mask[320:360, 20:60] = 1
    np.save(tmp_path / "a.npy", mask)
    session.importing.import_from([tmp_path / "a.npy"])
    importing = session.importing
    person.wait_for(lambda: importing.dialog is not None, what="it is asked what becomes of the mask")
    assert importing.dialog is not None
    importing.dialog.set_mode("replace")
    importing.dialog._on_accepted()
    count(person, 3)
    assert sorted(row[5] for row in rows(person)) == ["imported", "imported", "painted"]
    assert ((person.mask[200:290, 200:290] == 1) == (locked == 1)).all()
    person.wait_for(lambda: any("1 locked object was left as it was." in each for each in told.sentences), 10)
    save_project(session.document, tmp_path / "work").close()
    opened = open_project(tmp_path / "work")
    image_id = opened.document.images.ids[0]
    assert set(np.unique(opened.document.masks.provenance(image_id)).tolist()) == {
        Provenance.PAINTED,
        Provenance.IMPORTED,
    }
    opened.session.close()
    assert told.errors == []
