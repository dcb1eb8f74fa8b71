"""The most natural thing an annotator does: accept objects, press Fine-tune. Nobody has painted any background."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt

from latentseg_gui.document.training.runs import FineTuneResult
from latentseg_gui.document.types import UNLABELLED
from tests.e2e.conftest import Witness
from tests.e2e.person import Person

SIZE = 96, 128
IMAGES = 12
SECONDS = 30.0
COLOURS = ((210, 60, 50), (60, 90, 210), (60, 190, 80))
"""Of the objects of classes 1, 2, 3."""


def paint(path: Path, number: int) -> tuple[float, float]:
    """A picture of a disk in the colour of its class on a rough ground; the middle of the disk, as x and y."""
    chance = np.random.default_rng(number)
    rows, cols = np.mgrid[: SIZE[0], : SIZE[1]]
    row, col, radius = chance.uniform(30, 66), chance.uniform(34, 94), chance.uniform(15, 24)
    inside = (rows - row) ** 2 + (cols - col) ** 2 < radius**2
    pixels = 110 + chance.normal(0, 12, (*SIZE, 1)) + np.zeros(3)
    pixels[inside] = np.array(COLOURS[number % 3]) + chance.normal(0, 12, (int(inside.sum()), 1))
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return col, row


@pytest.fixture
def accepted(person: Person, tmp_path: Path) -> tuple[Person, dict[str, np.ndarray]]:
    """Twelve pictures with an accepted object each, of three classes; the masks by image."""
    folder = tmp_path / "objects"
    folder.mkdir()
    middles = [paint(folder / f"{number:02}.png", number) for number in range(IMAGES)]
    session, masks = person.session, {}
    session.classes.add_class()
    session.classes.add_class()
    person.open(folder)
    assert len(session.document.images.ids) == IMAGES
    for number, image_id in enumerate(session.document.images.ids):
        session.images.show(image_id)
        person.wait_for(lambda image_id=image_id: person.image_id == image_id, what="the image is shown")
        person.wait_for_prediction()
        session.classes.choose_class(1 + number % 3)
        person.segment(middles[number])
        person.press(Qt.Key.Key_Return)
        person.wait_for(lambda: (person.mask != UNLABELLED).any(), what="the object is accepted")
        masks[image_id] = person.mask
    return person, masks


def test_three_classes_of_objects_without_background_are_asked_about_and_then_learned(
    accepted: tuple[Person, dict[str, np.ndarray]], told: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, masks = accepted
    session = person.session
    questions: list[str] = []

    def take_the_rest(title: str, text: str, actions: list[tuple[str, str]]) -> str:
        questions.append(text)
        return actions[0][0]

    monkeypatch.setattr(session.dialogs, "choose_action", take_the_rest)
    ended: list[FineTuneResult] = []
    session.finetune.ended.connect(ended.append)
    session.finetune.plan = session.finetune.plan.with_seconds(SECONDS)
    person.press(Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    person.wait_for(lambda: ended, what="the end of the training")
    assert len(questions) == 1
    assert "Nothing says what background is" in questions[0]
    result = ended[0]
    assert result is not None, told.errors
    assert result.is_better
    assert "held-out pixels of 12 images" in result.validated_on
    assert result.metric_after > 0.6
    assert all((session.document.masks.labels(each) == mask).all() for each, mask in masks.items())
    person.wait_for(
        lambda: session.weights.live is not None and session.weights.live.version == result.version,
        what="the new weights are in use",
    )
    both, either = np.zeros(4), np.zeros(4)
    for image_id, mask in masks.items():
        session.images.show(image_id)
        person.wait_for(lambda image_id=image_id: person.image_id == image_id, what="the image is shown")
        person.wait_for_prediction()
        prediction = session.document.predictions.of(image_id)
        assert prediction is not None
        assert prediction.version == result.version
        truth = np.where(mask == UNLABELLED, 0, mask)
        for value in range(4):
            both[value] += ((truth == value) & (prediction.labels == value)).sum()
            either[value] += ((truth == value) | (prediction.labels == value)).sum()
    assert (both / either)[1:].min() > 0.8, both / either
