"""Objects shaped by hand on the real window: split, joined, corners, pushed borders; proposals tightened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from latentseg_gui.document.types import UNLABELLED
from tests.e2e.conftest import Witness
from tests.e2e.person import LEFT, RIGHT, Person

unasked = pytest.mark.usefixtures("without_model")


def numbers(person: Person) -> np.ndarray:
    assert person.image_id is not None
    return np.array(person.session.document.masks.instances(person.image_id))


def dab(person: Person, *way: tuple[float, float], size: float = 60) -> None:
    person.choose("tool_brush")
    person.session.tool.set_diameter(size)
    person.drag(*way)


def dumbbell(person: Person) -> None:
    """Two round areas that touch, as one object of class 1."""
    dab(person, (100.0, 100.0), (101.0, 100.0), size=80)
    dab(person, (170.0, 100.0), (171.0, 100.0), size=80)


@unasked
def test_two_clicks_split_what_touches_and_a_drag_joins_it_again(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    dumbbell(person)
    before = person.session.history.position
    person.choose("tool_split")
    person.click((90.0, 100.0))
    assert len(person.session.objects.chosen) == 1
    person.click((185.0, 100.0))
    found = numbers(person)
    assert found[100, 90] != found[100, 185]
    assert {int(found[100, 110]), int(found[100, 160])} == {int(found[100, 90]), int(found[100, 185])}
    assert person.session.history.position == before + 1
    person.choose("tool_join")
    person.drag((90.0, 100.0), (140.0, 100.0), (185.0, 100.0))
    found = numbers(person)
    assert found[100, 90] == found[100, 185] != 0
    person.choose("undo")
    person.choose("undo")
    assert (numbers(person) == 0).all()


@unasked
def test_a_slider_shows_the_pieces_and_enter_splits(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    dumbbell(person)
    person.choose("tool_split")
    pieces = person.window.options.pieces
    assert not pieces.slider.isEnabled()
    person.click((90.0, 100.0))
    assert pieces.slider.isEnabled()
    before = person.session.history.position
    pieces.slider.changed.emit(2)
    assert person.session.history.position == before, "only shown"
    person.press(Qt.Key.Key_Return)
    found = numbers(person)
    assert found[100, 90] != found[100, 185]
    assert person.session.history.position == before + 1
    person.choose("undo")
    assert (numbers(person) == 0).all()


@unasked
def test_escape_forgets_the_first_click_and_the_pieces(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    dumbbell(person)
    before = person.session.history.position
    person.choose("tool_split")
    person.click((90.0, 100.0))
    person.window.options.pieces.slider.changed.emit(2)
    person.press(Qt.Key.Key_Escape)
    person.press(Qt.Key.Key_Return)
    person.click((185.0, 100.0))
    assert person.session.history.position == before


@unasked
def test_a_short_line_and_a_line_beside_say_what_to_do(
    person: Person, skimage_photo: Path, told: Witness
) -> None:
    person.open(skimage_photo)
    dumbbell(person)
    before = numbers(person)
    person.choose("tool_split")
    person.drag((90.0, 90.0), (100.0, 100.0), (110.0, 100.0))
    assert any("from side to side" in sentence for sentence in told.sentences)
    person.choose("tool_join")
    person.drag((90.0, 100.0), (300.0, 300.0))
    assert any("inside another" in sentence for sentence in told.sentences)
    assert (numbers(person) == before).all()


@unasked
def test_corners_are_dragged_added_and_removed_one_step_each(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    person.choose("tool_polygon")
    for corner in ((60.0, 60.0), (160.0, 60.0), (160.0, 160.0), (60.0, 160.0)):
        person.click(corner)
    person.press(Qt.Key.Key_Return)
    dab(person, (230.0, 110.0), (231.0, 110.0), size=40)
    masks = [person.mask]
    person.choose("tool_outline")
    person.click((110.0, 110.0))
    person.drag((160.0, 160.0), (180.0, 180.0), (200.0, 200.0))
    assert person.mask[190, 190] == 1
    assert person.mask[110, 70] == 1
    masks.append(person.mask)
    person.drag((60.0, 110.0), (70.0, 110.0), (100.0, 110.0))
    assert person.mask[110, 75] == UNLABELLED
    masks.append(person.mask)
    person.click((160.0, 60.0), RIGHT)
    assert person.mask[70, 150] == UNLABELLED
    assert person.mask[110, 230] == 1, "the neighbour is as it was"
    for mask in reversed(masks):
        person.choose("undo")
        assert (person.mask == mask).all()


@unasked
def test_a_push_is_one_step_and_escape_takes_it_back(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    dab(person, (150.0, 150.0), (151.0, 150.0), size=100)
    before = person.mask
    person.choose("tool_nudge")
    person.session.tool.set_diameter(60)
    person.drag((195.0, 150.0), (210.0, 150.0), (240.0, 150.0))
    pushed = person.mask
    assert pushed[150, 220] == 1
    assert before[150, 220] != 1
    assert (pushed[:, :150] == before[:, :150]).all()
    person.choose("undo")
    assert (person.mask == before).all()
    person.drag((240.0, 150.0), (210.0, 150.0), (175.0, 150.0))
    assert person.mask[150, 195] == UNLABELLED, "from outside it pushes in"
    person.choose("undo")
    QTest.mousePress(person.canvas, LEFT, Qt.KeyboardModifier.NoModifier, person.at((195.0, 150.0)))
    for x in (210.0, 230.0):
        QTest.mouseMove(person.canvas, person.at((x, 150.0)))
        QApplication.processEvents()
    person.press(Qt.Key.Key_Escape)
    QTest.mouseRelease(person.canvas, LEFT, Qt.KeyboardModifier.NoModifier, person.at((230.0, 150.0)))
    assert (person.mask == before).all()
    assert (
        not person.session.history.next_undone or person.session.history.next_undone.label == "Brush stroke"
    )


def test_a_proposal_is_tightened_live_and_accepted_as_it_is_shown(
    person: Person, skimage_photo: Path
) -> None:
    person.open(skimage_photo)
    document, tighten = person.session.document, person.window.options.tighten
    assert not tighten.isEnabled()
    person.segment((225.0, 120.0))
    assert tighten.isEnabled()
    image_id = person.image_id
    assert image_id is not None

    def size() -> int:
        proposal = document.prompts.proposal(image_id)
        assert proposal is not None
        return int(proposal.mask.sum())

    given, before = size(), person.mask
    for field, value, is_wider in ((tighten.shift, 5, True), (tighten.shift, -3, False)):
        field.set_value(value)
        field.changed.emit(value)
        person.wait_for(lambda: size() != given, 5)
        assert (size() > given) == is_wider
        tighten.undo.click()
        person.wait_for(lambda: size() == given, 5)
    person.canvas.setFocus()
    tighten.shift.set_value(4)
    tighten.shift.changed.emit(4)
    QTest.keyClick(person.canvas, Qt.Key.Key_Return)  # right behind it: nothing else is done in between
    assert (person.mask == 1).sum() > given, "what was asked for is what is accepted"
    person.choose("undo")
    assert (person.mask == before).all()
    person.segment((225.0, 120.0))
    assert size() == given
    tighten.cutoff.set_value(85)
    tighten.cutoff.changed.emit(85)
    person.wait_for(lambda: size() < given, 5)
    tighten.follow.click()
    person.wait_for(lambda: size() > 0, 5)
    assert (person.mask == before).all(), "the mask is not touched"
    shown = size()
    person.press(Qt.Key.Key_Return)
    assert (person.mask == 1).sum() == shown
    assert tighten.value.is_neutral, "the next object is as the model gives it"


@unasked
def test_chosen_objects_follow_edges(person: Person, skimage_photo: Path, told: Witness) -> None:
    person.open(skimage_photo)
    dab(person, (225.0, 120.0), (226.0, 120.0), size=80)
    before = person.mask
    person.choose("follow_edges")
    assert any("Choose the objects" in sentence for sentence in told.sentences)
    person.choose("tool_select")
    person.click((225.0, 120.0), LEFT)
    person.choose("follow_edges")
    assert (person.mask != before).any()
    person.choose("undo")
    assert (person.mask == before).all()
