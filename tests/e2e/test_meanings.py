"""What else a click may mean, taken in turn by a key and by the wheel; further clicks go on from the chosen one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from latentseg_gui.document.prediction.proposals import MaskProposal, proposal_iou
from tests.e2e.conftest import Witness
from tests.e2e.person import Person

PLACE = (225.0, 140.0)


def shown(person: Person) -> MaskProposal:
    assert person.image_id is not None
    found = person.session.document.prompts.proposal(person.image_id)
    assert found is not None
    return found


def turn_wheel(person: Person, angle: int) -> None:
    at = QPointF(person.at(PLACE))
    event = QWheelEvent(
        at,
        QPointF(person.canvas.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, angle),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.AltModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(person.canvas, event)
    QApplication.processEvents()


def test_a_key_and_the_wheel_show_other_meanings_and_clicks_go_on_from_the_chosen(
    person: Person, skimage_photo: Path, told: Witness
) -> None:
    person.open(skimage_photo)
    person.segment(PLACE)
    likeliest, note = shown(person), person.canvas.status.note
    assert note.text == ""
    person.press(Qt.Key.Key_Q)
    person.wait_for(lambda: note.text or told.sentences, what="another meaning is shown, or it is said")
    assert not told.sentences
    second = shown(person)
    assert note.text.startswith("2 of ")
    assert proposal_iou(likeliest, second) < 0.95
    if folder := os.environ.get("LATENTSEG_PICTURES"):
        person.window.grab().save(f"{folder}/meanings.png")

    scale = person.canvas.camera.viewport.scale
    turn_wheel(person, 120)
    assert note.text.startswith("1 of ")
    assert proposal_iou(likeliest, shown(person)) > 0.95
    turn_wheel(person, -60)
    assert note.text.startswith("1 of "), "half a step of the wheel is none"
    turn_wheel(person, -60)
    assert shown(person) is second
    assert person.canvas.camera.viewport.scale == scale, "nothing was zoomed"

    rows, cols = np.nonzero(second.mask)
    middle = len(rows) // 3
    person.click((second.rect.col0 + cols[middle] + 0.5, second.rect.row0 + rows[middle] + 0.5))
    assert note.text == ""
    person.wait_for_proposal()
    assert proposal_iou(second, shown(person)) > 0.95, "a click inside changes nothing of the chosen meaning"
    person.press(Qt.Key.Key_Backspace)
    person.wait_for_proposal()
    assert note.text.startswith("2 of ")
    assert proposal_iou(second, shown(person)) > 0.95
    person.press(Qt.Key.Key_Return)
    assert (person.mask[second.rect.slices][second.mask] == 1).mean() > 0.95
    assert note.text == ""
    person.segment(PLACE)
    assert note.text == "", "another object begins with its likeliest meaning"
    assert not told.errors
