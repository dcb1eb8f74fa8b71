"""Pointing by more than clicks: a line along a thin thing, a loop round one of many, a new object with each click."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from latentseg_gui.canvas.layers.proposal import LOST
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptSet
from tests.e2e.conftest import Witness
from tests.e2e.person import LEFT, RIGHT, XY, Person

CTRL = Qt.KeyboardModifier.ControlModifier
ALONG = [(x + 0.5, 100.5 + 40 * np.sin(x / 60)) for x in range(30, 272, 8)]


@pytest.fixture
def pole(tmp_path: Path) -> Path:
    """A bent pole in three colours on grass."""
    rng = np.random.default_rng(4)
    _, cols = np.mgrid[:200, :300]
    mask = pole_mask()
    pixels = np.stack([90 + 0 * cols, 140 + 0 * cols, 70 + 0 * cols], -1) + rng.normal(0, 9, (200, 300, 3))
    shades = np.array([(20, 20, 25), (230, 225, 215), (150, 40, 35)])
    pixels[mask] = shades[(cols[mask] // 30) % 3] + rng.normal(0, 6, (mask.sum(), 3))
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(tmp_path / "pole.png")
    return tmp_path / "pole.png"


def pole_mask() -> np.ndarray:
    rows, cols = np.mgrid[:200, :300]
    return (np.abs(rows - 100 - 40 * np.sin(cols / 60)) < 5) & (cols > 20) & (cols < 280)


CENTRES = [(50.5, 60.5), (120.5, 60.5), (190.5, 60.5), (260.5, 60.5)]


@pytest.fixture
def row_of_disks(tmp_path: Path) -> Path:
    pixels = np.full((120, 310, 3), 60, np.uint8)
    rows, cols = np.mgrid[:120, :310]
    for x, y in CENTRES:
        pixels[np.hypot(rows + 0.5 - y, cols + 0.5 - x) < 22] = (220, 180, 60)
    pixels = (pixels + np.random.default_rng(0).normal(0, 4, pixels.shape)).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "row.png")
    return tmp_path / "row.png"


def draw_line(
    person: Person, way: list[XY], button: Qt.MouseButton = LEFT, keys=Qt.KeyboardModifier.NoModifier
) -> None:
    QTest.mousePress(person.canvas, button, keys, person.at(way[0]))
    for xy in way[1:]:
        QTest.mouseMove(person.canvas, person.at(xy))
        QApplication.processEvents()
    QTest.mouseRelease(person.canvas, button, keys, person.at(way[-1]))
    QApplication.processEvents()


def shown(person: Person) -> tuple[MaskProposal, np.ndarray]:
    assert person.image_id is not None
    proposal = person.session.document.prompts.proposal(person.image_id)
    assert proposal is not None
    whole = np.zeros(person.mask.shape, bool)
    whole[proposal.rect.slices] = proposal.mask
    return proposal, whole


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def hint_of(person: Person) -> str:
    hint = person.window.findChild(QLabel, "hint")
    assert hint is not None
    return hint.text()


def picture(person: Person, name: str) -> None:
    if folder := os.environ.get("LATENTSEG_PICTURES"):
        person.window.grab().save(f"{folder}/{name}.png")


def test_a_stroke_along_a_thin_thing_is_corrected_accepted_and_undone(
    person: Person, pole: Path, told: Witness
) -> None:
    person.open(pole)
    person.wait_for(lambda: "Ctrl a line" in hint_of(person), what="that there are lines is said")
    person.segment(ALONG[len(ALONG) // 2])
    _, clicked = shown(person)
    person.press(Qt.Key.Key_Escape)
    draw_line(person, ALONG, keys=CTRL)
    person.wait_for_proposal()
    proposal, stroked = shown(person)
    assert iou(stroked, pole_mask()) > max(0.75, iou(clicked, pole_mask()))
    picture(person, "stroke")

    draw_line(person, [(200.5, 20.5), (200.5, 180.5)], RIGHT)
    person.wait_for_proposal()
    _, less = shown(person)
    assert not (less & ~stroked).any()
    assert not less[25:175, 200].any()
    picture(person, "stroke_negative")
    person.press(Qt.Key.Key_Backspace)
    person.wait_for_proposal()
    assert (shown(person)[1] == stroked).mean() > 0.99
    person.press(Qt.Key.Key_Q)
    note = person.canvas.status.note
    person.wait_for(lambda: note.text or told.sentences, what="another meaning, or that there is none")

    person.press(Qt.Key.Key_Return)
    assert (person.mask == 1).any()
    assert person.session.document.prompts.of(proposal.image_id) == PromptSet()
    person.choose("undo")
    assert not (person.mask == 1).any()
    assert not told.errors


def test_resting_on_the_proposal_shows_what_a_right_click_takes_away(
    person: Person, row_of_disks: Path, told: Witness
) -> None:
    person.open(row_of_disks)
    person.segment(CENTRES[0])
    person.click(CENTRES[1])
    person.wait_for_proposal()
    before = shown(person)[1]
    x, y = place = CENTRES[1][0] + 14, CENTRES[1][1] + 4
    assert before[int(y), int(x)]
    assert before[60, 50]
    QTest.mouseMove(person.canvas, person.at(place))

    def lost() -> np.ndarray:
        proposal, whole = shown(person)
        drawn = person.canvas._stack.proposal._padded
        assert drawn is not None
        whole[:] = False
        whole[proposal.rect.slices] = drawn[1:-1, 1:-1] == LOST
        return whole

    person.wait_for(lambda: lost().any(), what="what would go is marked")
    promised = lost()
    assert promised[int(place[1]), int(place[0])]
    picture(person, "right_click_preview")
    assert (shown(person)[1] == before).all(), "nothing is done yet"
    person.click(place, RIGHT)
    person.wait_for_proposal()
    gone = before & ~shown(person)[1]
    assert iou(gone, promised) > 0.8
    QTest.mouseMove(person.canvas, person.at((5.0, 190.0)))
    assert not lost().any()
    assert not told.errors


def test_a_lasso_takes_one_of_many_and_the_choice_is_shown(
    person: Person, row_of_disks: Path, told: Witness
) -> None:
    person.open(row_of_disks)
    options = person.window.options.prompting
    assert options.kinds.value == "box"
    person.press(Qt.Key.Key_Z)
    assert options.kinds.value == "stroke"
    person.press(Qt.Key.Key_Z)
    assert options.kinds.value == "lasso"
    x, y = CENTRES[1]
    draw_line(person, [(x - 30, y - 28), (x + 29, y - 30), (x + 31, y + 28), (x - 28, y + 31)])
    picture(person, "lasso_pending")
    person.wait_for_proposal()
    rows, cols = np.mgrid[:120, :310]
    disk = np.hypot(rows + 0.5 - y, cols + 0.5 - x) < 22
    assert iou(shown(person)[1], disk) > 0.85
    picture(person, "lasso")
    person.press(Qt.Key.Key_Escape)
    assert person.session.document.prompts.is_idle(str(person.image_id))
    person.press(Qt.Key.Key_Z)
    assert options.kinds.value == "box"
    assert not told.errors


def box_round(person: Person, centre: XY, reach: float = 27.0) -> None:
    x, y = centre
    person.drag((x - reach, y - reach), (x, y), (x + reach, y + reach))


def earlier(person: Person) -> list[MaskProposal | None]:
    return [each.proposal for each in person.session.document.prompts.earlier(str(person.image_id))]


def all_answered(person: Person) -> bool:
    prompts, image_id = person.session.document.prompts, str(person.image_id)
    present = prompts.proposal(image_id)
    is_new = present is not None and present.prompts == prompts.of(image_id)
    return is_new and all(each is not None and not each.is_refining for each in (*earlier(person), present))


def accept_text(person: Person) -> str:
    buttons = person.window.options.findChildren(QPushButton)
    return next(each.text() for each in buttons if each.text().startswith("Accept"))


def test_boxes_one_after_the_other_are_accepted_together_and_undone_in_one_step(
    person: Person, row_of_disks: Path, told: Witness
) -> None:
    person.open(row_of_disks)
    for centre in CENTRES:  # faster than the answers come, the first before the model has seen the image
        box_round(person, centre)
    assert accept_text(person) == "Accept 4"
    assert "accepts all of them" in hint_of(person)
    person.wait_for(lambda: len(earlier(person)) == 3 and all_answered(person), what="all are answered")
    picture(person, "boxes")
    layer = person.session.document.masks.layer(str(person.image_id))
    assert layer.num_labelled == 0
    person.press(Qt.Key.Key_Return)
    numbers = [int(layer.instances[int(y), int(x)]) for x, y in CENTRES]
    assert len(set(numbers) - {0}) == 4
    assert all((layer.instances == number).sum() > 900 for number in numbers)
    assert len(person.session.history.entries) == 1
    assert person.session.document.prompts.is_idle(str(person.image_id))
    assert accept_text(person) == "Accept"
    person.choose("undo")
    assert layer.num_labelled == 0
    person.choose("redo")
    assert (layer.instances == numbers[2]).sum() > 900
    assert not told.errors


def test_a_box_is_drawn_again_and_one_of_several_corrected_taken_back_and_cleared(
    person: Person, row_of_disks: Path, told: Witness
) -> None:
    person.open(row_of_disks)
    box_round(person, CENTRES[0], 16.0)
    box_round(person, CENTRES[0])
    person.wait_for_proposal()
    assert earlier(person) == [], "the same, drawn again"
    box_round(person, CENTRES[1])
    box_round(person, CENTRES[2])
    person.wait_for(lambda: all_answered(person), what="three are answered")
    before = shown(person)[1]

    person.click((CENTRES[0][0] + 3, CENTRES[0][1] + 3))
    person.wait_for_proposal()
    proposal, first = shown(person)
    assert len(proposal.prompts.points) == 1, "a click into one that waits is about that one"
    assert first[int(CENTRES[0][1]), int(CENTRES[0][0])]
    assert not (first & before).any()
    assert len(earlier(person)) == 2

    for _ in range(2):
        person.press(Qt.Key.Key_Backspace)
    assert len(earlier(person)) == 2
    person.press(Qt.Key.Key_Backspace)
    assert len(earlier(person)) == 1, "then the one before goes"
    person.press(Qt.Key.Key_Escape)
    assert person.session.document.prompts.is_idle(str(person.image_id))
    assert person.session.document.masks.layer(str(person.image_id)).num_labelled == 0

    person.segment(CENTRES[3])
    box_round(person, CENTRES[3])
    person.wait_for_proposal()
    assert earlier(person) == [], "a box round what was clicked is about that"
    box_round(person, CENTRES[0])
    person.wait_for(lambda: all_answered(person), what="both are answered")
    person.press(Qt.Key.Key_Return)
    assert (person.mask == 1).sum() > 1800
    assert not told.errors


def test_each_click_new_goes_with_other_meanings_boxes_enter_and_undo(
    person: Person, row_of_disks: Path, told: Witness
) -> None:
    person.open(row_of_disks)
    person.press(Qt.Key.Key_R)
    person.segment(CENTRES[0])
    person.press(Qt.Key.Key_Q)
    note = person.canvas.status.note
    person.wait_for(lambda: note.text or told.sentences, what="another meaning, or that there is none")
    person.wait_for_proposal()
    chosen = shown(person)[1]
    box_round(person, CENTRES[1])
    person.wait_for_proposal()
    assert ((person.mask == 1) == chosen).all(), "what was chosen is accepted"
    assert earlier(person) == []
    person.press(Qt.Key.Key_Return)
    assert len(person.session.history.entries) == 2
    person.choose("undo")
    assert ((person.mask == 1) == chosen).all()
    assert not told.errors


def test_one_click_one_object_for_a_row_of_alike_things(
    person: Person, row_of_disks: Path, told: Witness
) -> None:
    person.open(row_of_disks)
    person.press(Qt.Key.Key_R)
    assert person.window.options.prompting.each_new.isChecked()
    person.segment(CENTRES[0])
    assert "new object" in hint_of(person)
    person.click(CENTRES[1])  # faster than the answers come
    person.click(CENTRES[2])
    x, y = CENTRES[3]
    person.drag((x - 27, y - 27), (x, y), (x + 27, y + 27))
    person.wait_for_proposal()
    picture(person, "each_new")
    history = person.session.history
    person.wait_for(lambda: len(history.entries) == 3, what="three are accepted")
    person.press(Qt.Key.Key_Return)
    layer = person.session.document.masks.layer(str(person.image_id))
    numbers = [int(layer.instances[int(y), int(x)]) for x, y in CENTRES]
    assert len(set(numbers) - {0}) == 4
    assert all((layer.instances == number).sum() > 900 for number in numbers)
    person.choose("undo")
    person.choose("undo")
    assert sum(bool((layer.instances == number).any()) for number in numbers) == 2
    person.press(Qt.Key.Key_R)
    assert not person.window.options.prompting.each_new.isChecked()
    person.segment(CENTRES[2])
    person.click(CENTRES[3])
    person.wait_for_proposal()
    assert len(shown(person)[0].prompts.points) == 2, "clicks join each other again"
    assert not told.errors
