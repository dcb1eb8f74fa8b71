"""How many are there? Weights that tell objects apart say it at once; sliders, acceptance and files agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from latentseg_gui.document.types import UNLABELLED
from model.weights.checkpoint import CheckpointMeta, save
from tests.discs import learned, touching
from tests.e2e.conftest import Witness
from tests.e2e.exported import exported_annotations
from tests.e2e.person import Person

ROW = ((30, 20), (30, 42), (30, 64))


@pytest.fixture
def taught(tmp_path: Path) -> Path:
    """Weights that tell discs apart."""
    network = learned([touching(0), touching(1)], steps=250).network
    save(tmp_path / "discs.safetensors", network, CheckpointMeta(("background", "disc")))
    return tmp_path / "discs.safetensors"


def test_touching_objects_are_counted_separated_by_sliders_accepted_corrected_and_exported(
    person: Person, told: Witness, taught: Path, tmp_path: Path
) -> None:
    Image.fromarray(touching(5, places=ROW).image).save(tmp_path / "row.png")
    person.open(tmp_path / "row.png")
    person.session.weights.open(taught)
    panel, document = person.window.counting, person.session.document
    person.wait_for(lambda: panel.count_text == "3 objects", what="three are counted")
    depth = document.predictions.of(person.image_id or "").depth  # type: ignore[union-attr]
    person.window.counting._separation._slider.setValue(0)
    person.wait_for(lambda: panel.count_text == "1 object", what="they are one")
    person.window.counting._separation._slider.setValue(65)
    person.wait_for(lambda: panel.count_text == "3 objects", what="they are three again")
    now = document.predictions.of(person.image_id or "")
    assert now is not None
    assert now.depth is depth, "the model was not asked again"
    assert len(exported_annotations(person, tmp_path / "predicted")) == 3

    person.choose("accept_prediction")
    person.wait_for(lambda: (person.mask != UNLABELLED).all(), what="it is accepted")
    image_id = person.image_id or ""
    assert len(np.unique(document.masks.instances(image_id))) == 1 + 3
    row, col = ROW[1]
    person.press(Qt.Key.Key_B)
    person.drag((col + 0.5, row - 10.5), (col + 0.5, row - 15.5))  # an ear, which belongs to it
    assert document.masks.labels(image_id)[row - 15, col] == 1
    assert len(exported_annotations(person, tmp_path / "corrected")) == 3
    assert not told.errors


def test_a_class_without_objects_and_one_with_a_smallest_size(
    person: Person, told: Witness, taught: Path, tmp_path: Path
) -> None:
    Image.fromarray(touching(5, places=ROW).image).save(tmp_path / "row.png")
    person.open(tmp_path / "row.png")
    person.session.weights.open(taught)
    panel = person.window.counting
    person.wait_for(lambda: panel.count_text == "3 objects", what="three are counted")
    person.session.classes.choose_class(1)
    panel._smallest._field.setValue(5000)
    person.wait_for(lambda: panel.count_text == "0 objects", what="all are too small")
    person.choose("undo")
    person.wait_for(lambda: panel.count_text == "3 objects", what="undone")
    said = [each for each in panel.findChildren(QLabel) if "disc: 3" in each.text()]
    assert said, "of which class they are, where there is only one, too"
    panel._is_thing.click()
    person.wait_for(lambda: panel.count_text == "No count", what="nothing is counted")
    assert any("No class is counted" in each.text() for each in panel.findChildren(QLabel))
    labels = person.session.document.predictions.of(person.image_id or "")
    assert labels is not None
    assert (labels.labels == 1).any(), "stuff keeps its pixels"
    assert not told.errors
