"""An object that is there is taken up by Ctrl+click, corrected by clicks, and put back."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from latentseg_gui.document.prediction.proposals import MaskProposal
from tests.canvas.hand import turn_wheel
from tests.e2e.conftest import Witness
from tests.e2e.person import LEFT, RIGHT, Person


def numbers(person: Person) -> np.ndarray:
    assert person.image_id is not None
    return np.array(person.session.document.masks.instances(person.image_id))


def take_up(person: Person, xy: tuple[float, float]) -> None:
    person.choose("tool_click")
    QTest.mouseClick(person.canvas, LEFT, Qt.KeyboardModifier.ControlModifier, person.at(xy))
    QApplication.processEvents()


def proposal(person: Person) -> MaskProposal | None:
    assert person.image_id is not None
    return person.session.document.prompts.proposal(person.image_id)


def paint(person: Person, *way: tuple[float, float]) -> None:
    person.choose("tool_brush")
    person.session.tool.set_diameter(70)
    person.drag(*way)


def test_an_accepted_object_is_taken_up_corrected_and_put_back(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    for left in (100.0, 180.0):
        paint(person, (left, 100.0), (left + 1, 100.0))
    person.choose("tool_join")
    person.drag((100.0, 100.0), (140.0, 100.0), (180.0, 100.0))
    paint(person, (100.0, 250.0), (101.0, 250.0))
    before = person.mask
    was, history = numbers(person), person.session.history
    steps, number = history.position, int(was[100, 100])
    assert number > 0

    take_up(person, (100.0, 100.0))
    shown = proposal(person)
    assert shown is not None
    assert (shown.mask == (was == number)[shown.rect.slices]).all()
    assert history.position == steps, "the mask is as it was"

    person.click((200.0, 100.0), RIGHT)
    person.wait_for_proposal()
    shown = proposal(person)
    assert shown is not None
    assert 0.2 * (was == number).sum() < shown.mask.sum() < (was == number).sum()
    if folder := os.environ.get("LATENTSEG_PICTURES"):
        person.window.grab().save(f"{folder}/correcting.png")
    person.press(Qt.Key.Key_Escape)
    assert proposal(person) is None
    assert (numbers(person) == was).all()
    assert history.position == steps

    take_up(person, (100.0, 100.0))
    person.click((200.0, 100.0), RIGHT)
    person.wait_for_proposal()
    person.press(Qt.Key.Key_Return)
    found = numbers(person)
    assert found[100, 100] == number
    assert found[100, 200] != number
    assert (person.mask[180:] == before[180:]).all(), "another object keeps its pixels"
    assert history.position == steps + 1
    person.choose("undo")
    assert (numbers(person) == was).all()


def test_what_is_too_wide_all_round_is_narrowed_and_clicks_go_on_from_there(
    person: Person, skimage_photo: Path, told: Witness
) -> None:
    person.open(skimage_photo)
    paint(person, (150.0, 150.0), (151.0, 150.0))
    before, steps = person.mask, person.session.history.position
    document, tighten = person.session.document, person.window.options.tighten
    ctrl, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier

    def sizes() -> tuple[int, int]:
        assert person.image_id is not None
        shown, taken = proposal(person), document.prompts.of(person.image_id).taken_up
        assert shown is not None
        assert taken is not None
        return int(shown.mask.sum()), int(taken.mask.sum())

    take_up(person, (150.0, 150.0))
    assert "Shift + wheel moves the border" in person.window.messages._text.text()
    wide, _ = sizes()
    for _ in range(4):
        person.press(Qt.Key.Key_Minus, ctrl)
    turn_wheel(person.canvas, person.at((150.0, 150.0)), -2, shift)
    person.wait_for(lambda: sizes()[0] < 0.75 * wide, 5)
    narrow, _ = sizes()
    assert tighten.value.shift == -6, "the panel shows what was done by keys and wheel"
    person.press(Qt.Key.Key_Plus, ctrl)
    person.wait_for(lambda: sizes()[0] > narrow, 5)
    person.press(Qt.Key.Key_Minus, ctrl)
    person.wait_for(lambda: sizes()[0] == narrow, 5)
    assert (person.mask == before).all(), "the mask is as it was"
    assert person.session.history.position == steps

    person.click((186.5, 150.0), RIGHT)
    assert sizes()[1] == narrow, "the click corrects what is shown"
    person.wait_for_proposal()
    assert tighten.value.is_neutral, "what the click makes of it is not narrowed once more"
    person.press(Qt.Key.Key_Backspace)
    person.wait_for(lambda: sizes()[0] == narrow, 5)
    person.press(Qt.Key.Key_Return)
    assert (person.mask == 1).sum() == narrow
    person.choose("undo")
    assert (person.mask == before).all()

    person.press(Qt.Key.Key_Minus, ctrl)
    person.wait_for(
        lambda: (person.mask == 1).sum() < wide, 5, "without a proposal it is the class that shrinks"
    )
    assert not told.errors


def test_what_is_narrowed_never_vanishes(
    without_model: None, person: Person, skimage_photo: Path, told: Witness
) -> None:
    person.open(skimage_photo)
    paint(person, (150.0, 150.0), (151.0, 150.0))
    tighten, shift = person.window.options.tighten, Qt.KeyboardModifier.ShiftModifier
    take_up(person, (150.0, 150.0))

    def narrow(steps: int) -> int:
        turn_wheel(person.canvas, person.at((150.0, 150.0)), -steps, shift)
        QApplication.processEvents()
        shown = proposal(person)
        assert shown is not None
        return int(shown.mask.sum())

    wide = narrow(50)
    assert tighten.value.is_neutral, "the panel shows that this was too much"
    sizes = [narrow(1) for _ in range(50)]
    assert wide > sizes[0] > sizes[20] > 0
    assert sizes[-1] == min(sizes) > 0
    assert -50 < tighten.value.shift < -30
    person.press(Qt.Key.Key_Return)
    assert (person.mask == 1).sum() == sizes[-1]
    assert not told.errors


def test_with_another_tool_keys_shape_what_is_labelled_and_not_what_waits(
    without_model: None, person: Person, skimage_photo: Path, told: Witness
) -> None:
    person.open(skimage_photo)
    paint(person, (150.0, 150.0), (151.0, 150.0))
    before = (person.mask == 1).sum()
    take_up(person, (150.0, 150.0))
    waits = proposal(person)
    for tool in ("tool_select", "tool_brush"):
        person.choose(tool)
        person.press(Qt.Key.Key_Minus, Qt.KeyboardModifier.ControlModifier)
        person.wait_for(lambda: (person.mask == 1).sum() < before, 5, "it shrinks")
        person.choose("undo")
    assert proposal(person) is waits
    assert not told.errors


def test_who_goes_on_to_another_object_is_told_what_is_dropped_and_gets_the_own_class_back(
    without_model: None, person: Person, skimage_photo: Path, told: Witness
) -> None:
    person.open(skimage_photo)
    document, classes = person.session.document, person.session.classes
    for place in ((100.0, 100.0), (300.0, 100.0)):
        classes.add_class()
        paint(person, place, (place[0] + 1, place[1]))
    used = [int(person.mask[100, col]) for col in (100, 300)]
    assert len(set(used)) == 2
    classes.choose_class(1)
    for place, class_id in zip(((100.0, 100.0), (300.0, 100.0)), used, strict=True):
        take_up(person, place)
        take_up(person, place)
        assert document.active_class == class_id
    assert not any("gone" in sentence for sentence in told.sentences), "nothing was changed in the first"
    turn_wheel(person.canvas, person.at((300.0, 100.0)), -2, Qt.KeyboardModifier.ShiftModifier)
    QApplication.processEvents()
    take_up(person, (100.0, 100.0))
    assert told.sentences[-1].startswith("The outline before this one is gone")
    person.press(Qt.Key.Key_Escape)
    assert document.active_class == 1
    assert not told.errors


def test_a_predicted_area_is_taken_up_and_nothing_is_said_not_done(
    person: Person, skimage_photo: Path, told: Witness
) -> None:
    person.open(skimage_photo)
    person.wait_for_prediction()
    document, image_id = person.session.document, person.image_id
    assert image_id is not None
    prediction = document.predictions.of(image_id)
    assert prediction is not None
    row, col = np.argwhere(prediction.labels[100:400, 100:400] != 0)[5000] + 100
    take_up(person, (col + 0.5, row + 0.5))
    shown = proposal(person)
    assert shown is not None
    person.press(Qt.Key.Key_Return)
    found = numbers(person)
    assert found[row, col] > 0
    assert (person.mask[shown.rect.slices][shown.mask] == prediction.labels[row, col]).mean() > 0.95
    assert person.session.history.position == 1

    row, col = np.argwhere(prediction.labels == 0)[5000]
    take_up(person, (col + 0.5, row + 0.5))
    assert any("no object here" in sentence for sentence in told.sentences)
    assert proposal(person) is None
    assert not told.errors
