"""Deleting and merging classes looks at every mask, but not in the window's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from time import thread_time

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks import class_work
from latentseg_gui.commands.masks import classes as class_edits
from latentseg_gui.commands.masks.class_work import FrozenMasks
from latentseg_gui.commands.masks.patch import Ink, MaskPatch, area_patch
from latentseg_gui.commands.source import MaskSource
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.masks import mask_looks as module
from latentseg_gui.controllers.masks.classes import ClassDeletion, ClassesController
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import ClassTable, SegmentationClass
from latentseg_gui.document.masks.layers import Arrays
from latentseg_gui.document.parts import predictions
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import UNLABELLED, ImageRecord, Rect
from latentseg_gui.workers.lanes import ThreadLane
from tests.controllers.told import Told

CLASSES = tuple(SegmentationClass(f"class {number}", f"#0000{number}0") for number in range(5))


def bands(shape: tuple[int, int]) -> np.ndarray:
    """Every class in a band of its own; the last is nobody's."""
    labels = np.full(shape, UNLABELLED, np.uint8)
    for number in range(5):
        labels[number * shape[0] // 6 : (number + 1) * shape[0] // 6] = number
    return labels


class Desk:
    """A document, and the classes controller with the real way of edits into it."""

    def __init__(self, qtbot: QtBot, lane: ThreadLane) -> None:
        self.qtbot = qtbot
        self.document, self.lane, self.told = Document(ClassTable(CLASSES)), lane, Told()
        self.history, self.canvas = History(self.document), CanvasView()
        qtbot.addWidget(self.canvas)
        jobs = Jobs(lane, "edits", self.told)
        self.edits = EditQueue(self.document, self.history, self.canvas, jobs=jobs, errors=self.told)
        self.classes = ClassesController(self.document, self.history, self.edits)
        self.asked: list[ClassDeletion] = []
        self.classes.deletion_asked.connect(self.asked.append)

    def open_image(self, image_id: str, shape: tuple[int, int]) -> None:
        pixels = np.broadcast_to(np.uint8(0), (*shape, 3))
        self.document.images.add_record(ImageRecord(image_id, pixels, pixels))
        labels = bands(shape)
        self.document.masks.load(image_id, labels, np.full(shape, 2, np.uint8))
        self.document.predictions.set(Prediction(image_id, "v1", labels % 5, labels))

    def settle(self) -> None:
        assert self.lane.wait_idle(60_000)
        assert not self.edits.is_working

    def undo(self) -> None:
        self.edits.undo(lambda step: None)
        self.settle()

    def column(self, image_id: str = "image") -> list[int]:
        labels = self.document.masks.labels(image_id)
        return [int(labels[(2 * band + 1) * labels.shape[0] // 12, 0]) for band in range(6)]


@pytest.fixture
def desk(qtbot: QtBot, lane: ThreadLane, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A small image, which counts as large."""
    monkeypatch.setattr(module, "LARGE", 0)
    desk = Desk(qtbot, lane)
    desk.open_image("image", (60, 40))
    return desk


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Nothing is worked out before the event is set."""
    go_on = threading.Event()
    arrays = FrozenMasks.arrays

    def slow(self: FrozenMasks, image_id: str) -> Arrays:
        assert go_on.wait(20)
        return arrays(self, image_id)

    monkeypatch.setattr(FrozenMasks, "arrays", slow)
    return go_on


def fill(desk: Desk, class_id: int, rect: Rect) -> None:
    def make(source: MaskSource, class_id: int) -> MaskPatch | None:
        return area_patch(source, "image", rect, np.ones(rect.shape, np.bool_), Ink(class_id), "Fill")

    desk.edits.do("image", "Fill", make, class_id=class_id)


def test_a_deletion_says_first_what_it_means_and_is_one_step(desk: Desk) -> None:
    desk.open_image("other", (60, 40))
    desk.classes.request_deletion(2)
    desk.settle()
    assert [(each.pixels, each.images) for each in desk.asked] == [(800, 2)]
    desk.classes.delete_class(2, 4)
    assert desk.edits.is_working
    assert desk.column() == [0, 1, 2, 3, 4, UNLABELLED]
    desk.settle()
    assert desk.column() == desk.column("other") == [0, 1, 4, 3, 4, UNLABELLED]
    assert len(desk.history.entries) == 1
    desk.undo()
    assert desk.column() == desk.column("other") == [0, 1, 2, 3, 4, UNLABELLED]
    desk.edits.redo(lambda step: None)
    desk.settle()
    desk.classes.merge_classes(3, 1)
    desk.settle()
    assert desk.column() == [0, 1, 4, 1, 4, UNLABELLED]
    desk.edits.then(partial(desk.edits.step_to, 0))
    desk.settle()
    assert desk.column() == [0, 1, 2, 3, 4, UNLABELLED]
    assert desk.document.classes.names == tuple(each.name for each in CLASSES)
    assert desk.history.position == 0


def test_a_class_that_nothing_has_is_deleted_without_a_question(desk: Desk) -> None:
    desk.classes.add_class()
    desk.classes.request_deletion(5)
    desk.settle()
    assert not desk.asked
    assert len(desk.document.classes) == 5


def test_what_is_painted_meanwhile_keeps_its_class(desk: Desk, held: threading.Event) -> None:
    desk.classes.delete_class(1, UNLABELLED)
    fill(desk, 3, Rect(0, 0, 2, 2))
    desk.classes.recolour_class(4, "#abcdef")
    assert len(desk.history.entries) == 0
    held.set()
    desk.settle()
    assert desk.document.classes.names[2] == "class 3"
    assert desk.document.masks.labels("image")[1, 1] == 3
    assert desk.document.classes[4].colour == "#abcdef"
    assert [len(desk.history.entries), len(desk.told.errors)] == [3, 0]


def test_what_was_meant_for_the_deleted_class_is_told_and_done_to_no_other(
    desk: Desk, held: threading.Event
) -> None:
    desk.classes.delete_class(1, 2)
    desk.classes.delete_class(1, 2)
    desk.classes.merge_classes(2, 1)
    desk.classes.rename_class(1, "another")
    held.set()
    desk.settle()
    assert desk.document.classes.names == ("class 0", "class 2", "class 3", "class 4")
    assert desk.column() == [0, 2, 2, 3, 4, UNLABELLED]
    assert len(desk.told.errors) == 3


def test_escape_gives_it_up(desk: Desk, held: threading.Event) -> None:
    desk.classes.delete_class(1, UNLABELLED)
    fill(desk, 3, Rect(0, 0, 2, 2))
    assert desk.edits.cancel()
    held.set()
    desk.settle()
    assert desk.column() == [0, 1, 2, 3, 4, UNLABELLED]
    assert desk.document.masks.labels("image")[1, 1] == 3
    assert [step.label for step in desk.history.entries] == ["Fill"]


def test_a_change_from_elsewhere_is_not_lost_and_the_user_is_told(desk: Desk, held: threading.Event) -> None:
    desk.classes.delete_class(1, UNLABELLED)
    desk.document.masks.write("image", Rect(0, 0, 1, 1), np.ones((1, 1), np.bool_), 4, 2)
    held.set()
    desk.settle()
    assert desk.document.masks.labels("image")[0, 0] == 4
    assert len(desk.document.classes) == 5
    assert len(desk.told.sentences) == 1


def test_a_class_that_is_painted_during_the_look_is_not_deleted_unasked(
    desk: Desk, held: threading.Event
) -> None:
    desk.classes.add_class()
    desk.classes.request_deletion(5)
    desk.document.masks.write("image", Rect(0, 0, 1, 1), np.ones((1, 1), np.bool_), 5, 2)
    held.set()
    desk.settle()
    assert [each.pixels for each in desk.asked] == [1]
    assert len(desk.document.classes) == 6


def test_the_masks_of_a_project_are_never_unpacked_in_the_windows_thread(desk: Desk) -> None:
    threads: list[int] = []

    def packed(shape: tuple[int, int]) -> Callable[[], Arrays]:
        def unpack() -> Arrays:
            threads.append(threading.get_ident())
            return bands(shape), np.full(shape, 2, np.uint8), None

        return unpack

    others = [f"packed {number}" for number in range(40)]
    for image_id in others:
        desk.open_image(image_id, (60, 40))
        desk.document.masks.layer(image_id).defer(packed((60, 40)), 2000)
    desk.classes.request_deletion(2)
    desk.classes.delete_class(2, UNLABELLED)
    desk.settle()
    desk.undo()
    desk.classes.move_class(1, 3)
    desk.settle()
    assert threads
    assert threading.get_ident() not in threads
    layers = [desk.document.masks.layer(image_id) for image_id in others]
    assert all(layer.is_touched and layer.nbytes == 0 for layer in layers)
    assert desk.column(others[-1]) == [0, 1, 2, 3, 4, UNLABELLED]
    assert desk.document.classes.ids == (0, 2, 3, 1, 4)


def test_twenty_megapixels_cost_the_window_next_to_nothing(qtbot: QtBot, lane: ThreadLane) -> None:
    desk = Desk(qtbot, lane)
    desk.open_image("image", (4000, 5000))
    desk.document.images.current_id = "image"
    at_once, beside = [], []
    for _ in range(3):
        began = thread_time()
        desk.history.do(class_edits.delete_class(desk.document, 2, UNLABELLED))
        desk.history.undo()
        at_once.append(thread_time() - began)
        began = thread_time()
        desk.classes.request_deletion(2)
        desk.classes.delete_class(2, UNLABELLED)
        desk.settle()
        desk.undo()
        beside.append(thread_time() - began)
    assert desk.column() == [0, 1, 2, 3, 4, UNLABELLED]
    assert min(beside) < min(at_once) / 4


def test_a_locked_class_is_neither_deleted_nor_merged_and_it_is_said(desk: Desk) -> None:
    desk.classes.lock_class(2, is_locked=True)
    column = desk.column()
    for call in (partial(desk.classes.delete_class, 2, 4), partial(desk.classes.merge_classes, 2, 1)):
        call()
        desk.settle()
        assert "is locked, so nothing was changed" in str(desk.told.errors.pop())
    assert desk.column() == column
    assert 2 in desk.document.classes.ids
    desk.classes.merge_classes(3, 2)
    desk.settle()
    assert desk.column() == [0, 1, 2, 2, 4, UNLABELLED], "a lock keeps pixels of a class, and more may come"


@pytest.fixture
def relabelling(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads in which pixels of predictions are given other classes."""
    threads: list[threading.Thread] = []
    relabelled = predictions.relabelled

    def watched(prediction: Prediction, replaced: Sequence[tuple[int, int]]) -> Prediction:
        threads.append(threading.current_thread())
        return relabelled(prediction, replaced)

    monkeypatch.setattr(predictions, "relabelled", watched)
    monkeypatch.setattr(class_work, "relabelled", watched)
    return threads


def test_a_prediction_that_comes_during_a_merge_gets_its_classes_in_another_thread(
    desk: Desk, held: threading.Event, relabelling: list[threading.Thread]
) -> None:
    desk.classes.merge_classes(2, 3)
    late = np.full((60, 40), 2, np.uint8)
    desk.document.predictions.set(Prediction("image", "v2", late, late))
    held.set()
    desk.settle()
    prediction = desk.document.predictions.of("image")
    assert prediction is not None
    assert (prediction.version, set(prediction.labels.ravel().tolist())) == ("v2", {3})
    assert desk.column() == [0, 1, 3, 3, 4, UNLABELLED]
    assert len(relabelling) == 2, "the one that was there, and the late one"
    assert threading.main_thread() not in relabelling


def test_other_objects_of_the_same_prediction_are_no_work_of_their_own(
    desk: Desk, held: threading.Event, relabelling: list[threading.Thread]
) -> None:
    desk.classes.merge_classes(2, 3)
    before = desk.document.predictions.of("image")
    assert before is not None
    numbers = np.ones((60, 40), np.uint32)
    desk.document.predictions.refine(replace(before, instances=numbers))
    held.set()
    desk.settle()
    prediction = desk.document.predictions.of("image")
    assert prediction is not None
    assert prediction.instances is numbers
    assert set(np.unique(prediction.labels).tolist()) == {0, 1, 3, 4}
    assert len(relabelling) == 1


def test_a_merge_that_waits_for_a_late_prediction_can_be_cancelled(
    desk: Desk, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    relabelled = predictions.relabelled

    def slow(prediction: Prediction, replaced: Sequence[tuple[int, int]]) -> Prediction:
        if prediction.version == "v2":
            begun.set()
            assert go_on.wait(20)
        return relabelled(prediction, replaced)

    monkeypatch.setattr(class_work, "relabelled", slow)
    desk.classes.merge_classes(2, 3)
    late = np.full((60, 40), 2, np.uint8)
    desk.document.predictions.set(Prediction("image", "v2", late, late))
    held.set()
    desk.qtbot.waitUntil(begun.is_set)
    assert desk.edits.cancel()
    go_on.set()
    desk.settle()
    assert desk.column() == [0, 1, 2, 3, 4, UNLABELLED]
    prediction = desk.document.predictions.of("image")
    assert prediction is not None
    assert set(prediction.labels.ravel().tolist()) == {2}
