"""Where the model is wrong: the figures, the errors over the image, and the way from a figure to its pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QListWidget, QTableWidget, QToolButton

from assets import asset_path
from latentseg_gui.app.samples import sample_paths
from latentseg_gui.document.evaluation.evaluating import LabelledPixels
from latentseg_gui.document.types import Provenance, Rect
from model.analysis.cells import cells_of, image_mark
from model.analysis.metrics import confusion_matrix, mean_iou
from model.weights.checkpoint import CheckpointMeta, load, save
from tests.e2e.person import Person
from tests.e2e.screen_colours import screen_colours


@pytest.fixture
def judged(person: Person, tmp_path: Path) -> Person:
    """Two images with labels, half of the first learned from, and weights of one's own in use."""
    session = person.session
    first, second = sample_paths()[:2]
    person.open(first)
    a = person.image_id
    person.wait_for_prediction()
    label(person)
    person.open(second)
    person.wait_for_prediction()
    label(person)
    assert a is not None
    record = session.document.records.of(a)
    assert record is not None
    learned = np.zeros(record.shape, bool)
    learned[:, : record.shape[1] // 2] = True
    network, meta = load(asset_path("weights", "default.safetensors"))
    seen = {image_mark(record.pixels): f"{cells_of(learned):x}"}
    own = CheckpointMeta(meta.class_names, meta.class_colours, provenance={"seen_images": seen})
    save(tmp_path / "mine.safetensors", network, own)
    session.window.paths_dropped.emit([str(tmp_path / "mine.safetensors")])
    person.wait_for(lambda: live(person) == "mine", what="the weights are live")
    person.wait_for_prediction()
    return person


def live(person: Person) -> str:
    weights = person.session.weights.live
    return "" if weights is None else weights.version


def label(person: Person) -> None:
    """Says of a block that it is an object and of another that it is background, whatever is there."""
    document, image_id = person.session.document, person.image_id
    assert image_id is not None
    rows, cols = document.masks.layer(image_id).shape
    for number, rect in (
        (1, Rect(10, 10, rows // 2, cols - 10)),
        (0, Rect(rows // 2, 10, rows - 10, cols - 10)),
    ):
        document.masks.write(image_id, rect, np.ones(rect.shape, bool), number, Provenance.PAINTED)


def settled(person: Person) -> bool:
    measuring = person.session.evaluation.measuring
    return not measuring.waiting and bool(measuring.evaluations)


def headline(person: Person) -> str:
    labels = person.window.evaluation.findChildren(QLabel)
    return next(each.text() for each in labels if each.property("role") == "headline")


def said_of(person: Person) -> str:
    return " ".join(each.text() for each in person.window.evaluation.findChildren(QLabel))


def expected(person: Person, image_ids: list[str]) -> np.ndarray:
    document = person.session.document
    confusion = np.zeros((2, 2), np.int64)
    for image_id in image_ids:
        prediction = document.predictions.of(image_id)
        assert prediction is not None
        confusion += confusion_matrix(document.masks.labels(image_id), prediction.said, 2)
    return confusion


def press_cell(table: QTableWidget, row: int, column: int) -> None:
    place = table.visualRect(table.model().index(row, column)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)


def confusion_table(person: Person) -> QTableWidget:
    tables = person.window.evaluation.findChildren(QTableWidget)
    return next(each for each in tables if "Confusion matrix" in each.accessibleName())


def choose_pixels(person: Person, text: str) -> None:
    buttons = person.window.evaluation.findChildren(QToolButton)
    next(each for each in buttons if each.text() == text).click()


def test_figures_are_those_of_the_metrics_and_lead_to_the_pixels(judged: Person) -> None:
    session, document = judged.session, judged.session.document
    judged.window.show_panel("evaluation")
    judged.wait_for(lambda: settled(judged), what="both images are compared")
    choose_pixels(judged, "All")
    ids = list(document.images.ids)
    judged.session.images.show(ids[0])
    judged.wait_for(lambda: judged.image_id == ids[0], what="the first image")
    judged.wait_for_prediction()
    judged.wait_for(lambda: settled(judged), what="the first image is compared again")
    confusion = expected(judged, ids)
    np.testing.assert_array_equal(session.evaluation.view.agreement.confusion, confusion)
    assert headline(judged) == f"Mean IoU {mean_iou(confusion):.3f}"

    parts = []
    for text in ("Held out", "Trained on"):
        choose_pixels(judged, text)
        assert "learned from" in said_of(judged)
        parts.append(session.evaluation.view.agreement.confusion.copy())
    assert all(part.sum() > 0 for part in parts)
    np.testing.assert_array_equal(parts[0] + parts[1], confusion)

    choose_pixels(judged, "All")
    place = session.evaluation.view.agreement.regions[1, 0]
    table = confusion_table(judged)
    press_cell(table, 1, 1)  # labelled "object", predicted "background"; the first column names the rows
    judged.wait_for(lambda: judged.image_id == place.image_id, what="the image of the place")
    middle = (place.rect.col0 + place.rect.col1) / 2, (place.rect.row0 + place.rect.row1) / 2
    judged.wait_for(lambda: is_central(judged, judged.at(middle)), what="the place is in the middle")
    assert judged.window.action["show_errors"].isChecked()


def is_central(person: Person, place: QPoint) -> bool:
    canvas = person.canvas
    return (
        abs(place.x() - canvas.width() / 2) < canvas.width() / 4
        and abs(place.y() - canvas.height() / 2) < canvas.height() / 4
    )


def test_errors_lie_over_the_image_and_follow_the_mask(judged: Person) -> None:
    session, document = judged.session, judged.session.document
    bare = screen_colours(judged)
    judged.press(Qt.Key.Key_W, Qt.KeyboardModifier.ShiftModifier)
    assert judged.window.evaluation.isVisible(), "who asks for errors sees the figures"
    layer = judged.canvas._stack.errors
    judged.wait_for(lambda: layer.labels is not None, what="the errors")
    assert (screen_colours(judged) != bare).any()
    image_id = judged.image_id
    assert image_id is not None
    assert layer.labels is not None
    prediction = document.predictions.of(image_id)
    assert prediction is not None
    labels = document.masks.labels(image_id)
    is_wrong = (labels != 255) & (labels != prediction.said)
    np.testing.assert_array_equal(layer.labels > 0, is_wrong)

    judged.wait_for(lambda: settled(judged), what="the images are compared")
    rect = Rect.whole(labels.shape)
    right = np.where(labels == 255, labels, prediction.said)
    document.masks.write(image_id, rect, labels != 255, right, Provenance.PAINTED)
    judged.wait_for(lambda: layer.labels is not None and not layer.labels.any(), what="nothing is wrong now")
    judged.wait_for(lambda: settled(judged), what="the image is compared again")
    worst = judged.window.evaluation.findChild(QListWidget).item(0)
    assert document.images.name(image_id) not in worst.text(), "the other image has more errors now"

    judged.press(Qt.Key.Key_W, Qt.KeyboardModifier.ShiftModifier)
    assert layer.labels is None
    session.weights.activate("shipped")
    judged.wait_for(lambda: live(judged) == "shipped", what="the shipped weights")
    judged.wait_for(lambda: "fine-tune first" in said_of(judged), what="why there is no figure")
    assert headline(judged) == ""


def test_nothing_is_compared_while_nobody_looks(judged: Person) -> None:
    measuring = judged.session.evaluation.measuring
    judged.window.show_panel("experts")
    QTest.qWait(700)
    assert not measuring.evaluations
    judged.window.show_panel("evaluation")
    judged.wait_for(lambda: settled(judged), what="the images are compared")
    assert judged.session.evaluation.view.agreement.pixels > 0
    assert {each.on(LabelledPixels.ALL).wrong > 0 for each in measuring.evaluations.values()} == {True}
