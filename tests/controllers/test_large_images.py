"""What is large is worked on beside the window: masks for training, predictions in other classes, blank masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.masks import mask_allocation as blank_masks
from latentseg_gui.controllers.masks.mask_allocation import MaskAllocation
from latentseg_gui.controllers.prediction import class_mapping as labels
from latentseg_gui.controllers.prediction.class_mapping import LabelMap, Translator
from latentseg_gui.controllers.training import training_set
from latentseg_gui.controllers.training.training_set import TrainingSet
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import ImageRecord, Provenance, Rect
from latentseg_gui.workers.lanes import ThreadLane

SHAPE = (40, 50)
NAMES = ("background", "leaf", "stem")


class Errors:
    """Nobody expects one."""

    def report(self, error: Exception) -> None:
        raise error


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[Jobs]:
    lane = ThreadLane(name="beside")
    yield Jobs(lane, "beside", Errors())  # type: ignore[arg-type]
    assert lane.shutdown()


@pytest.fixture
def document() -> Document:
    document = Document(ClassTable.from_names(NAMES))
    for image_id in ("one", "other"):
        pixels = np.zeros((*SHAPE, 3), np.uint8)
        document.images.add_record(ImageRecord(image_id, pixels, pixels))
    document.images.current_id = "one"
    return document


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "_AT_ONCE", 0)
    monkeypatch.setattr(training_set, "_AT_ONCE", 0)
    monkeypatch.setattr(blank_masks, "LARGE", 0)


def paint(document: Document, class_id: int) -> None:
    rect = Rect(0, 0, 9, 9)
    document.masks.write("one", rect, np.ones(rect.shape, np.bool_), class_id, Provenance.PAINTED)


def test_a_training_sample_is_the_mask_of_the_moment_it_was_asked_for(document: Document, jobs: Jobs) -> None:
    owner, got = QObject(), []
    dropped = partial(got.append, "dropped")
    samples = TrainingSet(document, readers=jobs, parent=owner)
    paint(document, 1)
    samples.collect(got.append, Errors().report, is_current=lambda: False, on_dropped=dropped)  # cancelled
    samples.collect(got.append, Errors().report, is_current=lambda: True, on_dropped=dropped)
    paint(document, 2)
    assert got == []
    assert jobs.lane.wait_idle()
    ((sample,),) = got
    assert (sample.labels[:9, :9] == 1).all()
    samples.ready(1, got.append, Errors().report)
    assert jobs.lane.wait_idle()
    assert (got[1][0].labels[:9, :9] == 2).all()
    assert np.shares_memory(got[1][0].pixels, document.records.of("one").pixels)  # type: ignore[union-attr]


def test_an_image_removed_meanwhile_is_not_trained_on(document: Document, jobs: Jobs) -> None:
    owner, got = QObject(), []
    dropped = partial(got.append, "dropped")
    samples = TrainingSet(document, readers=jobs, parent=owner)
    paint(document, 1)
    samples.collect(got.append, Errors().report, is_current=lambda: True, on_dropped=dropped)
    document.images.remove("one")
    assert jobs.lane.wait_idle()
    assert got == ["dropped"], "nobody is told of a failure"


def prediction() -> Prediction:
    said = np.arange(SHAPE[0] * SHAPE[1], dtype=np.uint32).reshape(SHAPE) % 3
    return Prediction("one", "v", said.astype(np.uint8), np.zeros(SHAPE, np.uint8))


def weights(names: tuple[str, ...]) -> LabelMap:
    return LabelMap(WeightsInfo("v", None, names, (), 8, 1, "CPU", ""))


def test_a_prediction_comes_in_the_classes_of_the_document(document: Document, jobs: Jobs) -> None:
    translator, got = Translator(document, jobs), []
    translator.take(prediction(), weights(("background", "stem", "leaf")), got.append)
    assert got == [], "later"
    assert jobs.lane.wait_idle()
    assert np.array_equal(got[0].labels, np.array([0, 2, 1], np.uint8)[prediction().labels])


def test_a_prediction_whose_classes_are_those_of_the_document_is_not_copied(
    document: Document, jobs: Jobs
) -> None:
    translator, said, got = Translator(document, jobs), prediction(), []
    translator.take(said, weights(("background", "leaf")), got.append)
    assert got[0].labels is said.labels


def test_classes_that_change_meanwhile_count(document: Document, jobs: Jobs) -> None:
    translator, got = Translator(document, jobs), []
    translator.take(prediction(), weights(("background", "stem", "leaf")), got.append)
    document.set_classes(ClassTable.from_names(("background", "new", "leaf", "stem")))
    assert jobs.lane.wait_idle()
    assert np.array_equal(got[-1].labels, np.array([0, 3, 2], np.uint8)[prediction().labels])
    assert len(got) == 1


def test_the_mask_of_the_image_looked_at_is_there_before_the_first_stroke(
    document: Document, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = QObject()
    keeper = MaskAllocation(document, jobs=jobs, parent=owner)
    assert keeper.parent() is owner
    document.images.current_id = "other"
    assert jobs.lane.wait_idle()
    assert document.masks.layer("other")._blank is not None
    assert not document.masks.layer("other").is_touched
    document.images.current_id = "one"
    assert document.masks.layer("other")._blank is None, "only that one: it takes two bytes per pixel"
    assert jobs.lane.wait_idle()
    fill = _counted(monkeypatch)
    paint(document, 1)
    assert fill() == 0, "nothing was made in the window's thread"
    assert document.masks.layer("one").num_labelled == 81


def test_an_image_that_was_left_before_its_mask_was_there_keeps_nothing(
    document: Document, jobs: Jobs
) -> None:
    keeper = MaskAllocation(document, jobs=jobs)
    document.images.current_id = "other"
    document.images.current_id = None
    assert jobs.lane.wait_idle()
    assert document.masks.layer("other")._blank is None
    keeper.deleteLater()


def _counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often an array was filled since."""
    calls, fill = [], np.full

    def counting(*args: object, **kwargs: object) -> np.ndarray:
        calls.append(args)
        return fill(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(np, "full", counting)
    return lambda: len(calls)
