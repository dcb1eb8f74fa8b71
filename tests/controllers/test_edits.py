"""Large edits are worked out beside the window, and the mask is the same as if they had been done in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks import cleanup
from latentseg_gui.commands.masks.carrying import CarriedObject
from latentseg_gui.commands.masks.classes import lock_class, recolour_class
from latentseg_gui.commands.masks.objects import merge_objects
from latentseg_gui.commands.masks.patch import Ink, MaskPatch, area_patch
from latentseg_gui.commands.masks.shapes import split_along
from latentseg_gui.commands.source import MaskSource
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.masks import edit_queue as module
from latentseg_gui.controllers.masks import mask_looks
from latentseg_gui.controllers.masks.carrying import CarryController
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.controllers.masks.edit_work import Make
from latentseg_gui.controllers.masks.objects import ObjectsController
from latentseg_gui.controllers.waiting import LabelsToCome
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.brush import polygon_mask
from latentseg_gui.document.masks.classes import ClassTable, SegmentationClass
from latentseg_gui.document.masks.regions import flood_fill
from latentseg_gui.document.types import ImageRecord, Rect
from latentseg_gui.workers.lanes import ThreadLane
from tests.controllers.told import Told

SHAPE = (40, 50)
CLASSES = tuple(SegmentationClass(f"class {number}", f"#0000{number}0") for number in range(4))


class Desk:
    """A document with an image, and the way of edits into it."""

    def __init__(self, qtbot: QtBot, lane: ThreadLane, shape: tuple[int, int] = SHAPE) -> None:
        self.qtbot = qtbot
        self.document = Document(ClassTable(CLASSES))
        pixels = np.zeros((*shape, 3), np.uint8)
        self.document.images.add_record(ImageRecord("image", pixels, pixels))
        self.document.images.current_id = "image"
        self.history, self.told, self.canvas = History(self.document), Told(), CanvasView()
        qtbot.addWidget(self.canvas)
        self.jobs = Jobs(lane, "edits", self.told)
        self.edits = EditQueue(self.document, self.history, self.canvas, jobs=self.jobs, errors=self.told)

    def settle(self) -> None:
        self.qtbot.waitUntil(lambda: not self.edits.is_working, timeout=20_000)

    def mask(self) -> tuple[np.ndarray, ...]:
        layer = self.document.masks.layer("image")
        return np.array(layer.labels), np.array(layer.provenance), np.array(layer.instances)


@pytest.fixture
def desk(qtbot: QtBot, lane: ThreadLane, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Every edit counts as large."""
    monkeypatch.setattr(mask_looks, "LARGE", 0)
    monkeypatch.setattr(module, "UNPACKED", 0)
    monkeypatch.setattr(module, "UNPACKED_SHARE", 0)
    return Desk(qtbot, lane)


def rect_make(rect: Rect, class_id: int, instance: int | None = None) -> Make:
    ink = Ink(class_id, instance=instance)
    return lambda source: area_patch(source, "image", rect, np.ones(rect.shape, np.bool_), ink, "Rectangle")


def held(make: Make) -> tuple[Make, threading.Event]:
    """The same edit, which takes until the event is set."""
    go_on = threading.Event()

    def slow(source: MaskSource) -> MaskPatch | None:
        assert go_on.wait(20)
        return make(source)

    return slow, go_on


def test_a_large_edit_is_one_step_and_says_that_it_is_at_work(desk: Desk) -> None:
    make, go_on = held(rect_make(Rect(2, 3, 20, 30), 1))
    ended: list[str] = []
    desk.edits.do("image", "Rectangle", make, after=partial(ended.append, "done"))
    assert desk.edits.is_working
    assert desk.edits.labels.says(), "who needs the whole mask waits for it"
    assert not desk.history.entries
    desk.qtbot.waitUntil(lambda: "Rectangle" in desk.canvas.status.work_badge.text)
    assert not ended
    with desk.qtbot.waitSignal(desk.edits.labels.changed):
        go_on.set()
    desk.settle()
    assert not desk.edits.labels.says()
    assert ended == ["done"]
    assert [step.label for step in desk.history.entries] == ["Rectangle"]
    assert desk.document.masks.layer("image").num_labelled == 18 * 27
    assert not desk.canvas.status.work_badge.text
    desk.edits.undo(lambda step: None)
    desk.settle()
    assert desk.document.masks.layer("image").num_labelled == 0


def test_what_is_done_meanwhile_comes_after_it(desk: Desk) -> None:
    make, go_on = held(rect_make(Rect(0, 0, 20, 20), 1))
    desk.edits.do("image", "first", make)
    desk.edits.do("image", "second", rect_make(Rect(10, 10, 30, 30), 2))
    undone: list[object] = []
    desk.edits.undo(undone.append)
    desk.edits.do("image", "third", rect_make(Rect(5, 5, 8, 8), 3))
    assert not undone
    go_on.set()
    desk.qtbot.waitUntil(lambda: len(desk.history.entries) == 2 and not desk.edits.is_working)
    labels = desk.mask()[0]
    assert labels[6, 6] == 3
    assert labels[12, 12] == 1
    assert len(undone) == 1


def test_escape_gives_up_the_one_at_work_and_the_rest_goes_on(desk: Desk) -> None:
    make, go_on = held(rect_make(Rect(0, 0, 20, 20), 1))
    with desk.qtbot.waitSignal(desk.jobs.lane.job_started):
        desk.edits.do("image", "first", make)
    desk.edits.do("image", "second", rect_make(Rect(10, 10, 30, 30), 2))
    assert desk.edits.cancel()
    go_on.set()
    desk.qtbot.waitUntil(lambda: len(desk.history.entries) == 1)
    desk.settle()
    assert (desk.mask()[0] == 2).sum() == 400
    assert len(desk.history.entries) == 1
    assert not desk.edits.cancel()


def test_a_mask_that_was_changed_meanwhile_is_left_alone_and_the_user_is_told(desk: Desk) -> None:
    make, go_on = held(rect_make(Rect(0, 0, 20, 20), 1))
    desk.edits.do("image", "Fill", make)
    desk.history.do(rect_make(Rect(0, 0, 5, 5), 3)(desk.document))
    before = desk.mask()
    go_on.set()
    desk.settle()
    assert all((was == now).all() for was, now in zip(before, desk.mask(), strict=True))
    assert len(desk.told.sentences) == 1
    assert "Fill" in desk.told.sentences[0]


def test_another_colour_of_a_class_is_no_reason_to_give_an_edit_up(desk: Desk) -> None:
    make, go_on = held(rect_make(Rect(0, 0, 20, 20), 1))
    desk.edits.do("image", "Fill", make)
    desk.history.do(recolour_class(desk.document, 1, "#123456"))
    go_on.set()
    desk.settle()
    assert (desk.mask()[0] == 1).sum() == 400
    assert not desk.told.sentences


def test_an_image_that_is_removed_meanwhile_takes_its_edit_along(desk: Desk) -> None:
    make, go_on = held(rect_make(Rect(0, 0, 20, 20), 1))
    desk.edits.do("image", "Fill", make)
    desk.edits.do("image", "Fill", make)
    desk.document.images.remove("image")
    go_on.set()
    desk.settle()
    assert not desk.history.entries


def test_a_locked_class_is_an_error_in_words_and_blocks_nothing(desk: Desk) -> None:
    desk.edits.do("image", "Rectangle", rect_make(Rect(0, 0, 9, 9), 1))
    desk.settle()
    desk.history.do(lock_class(desk.document, 1, True))
    desk.edits.do("image", "Grow", partial(cleanup.grow_class, image_id="image", class_id=1, radius=1.0))
    desk.edits.do("image", "Rectangle", rect_make(Rect(20, 20, 29, 29), 2))
    desk.qtbot.waitUntil(lambda: len(desk.told.errors) == 1 and not desk.edits.is_working)
    assert "locked" in desk.told.errors[0].what
    assert (desk.mask()[0] == 2).sum() == 81


def test_what_is_pasted_behind_a_large_edit_is_noted_under_its_own_number(desk: Desk) -> None:
    objects = ObjectsController(desk.document, desk.edits, desk.canvas, errors=desk.told, parent=desk.canvas)
    carry = CarryController(
        desk.document,
        desk.edits,
        objects,
        errors=desk.told,
        image_before=lambda: None,
        coming=LabelsToCome(desk.document),
        parent=desk.canvas,
    )
    make, go_on = held(rect_make(Rect(0, 0, 9, 9), 1, 7))
    desk.edits.do("image", "Rectangle", make)
    carried = CarriedObject(1, Rect(20, 20, 26, 26), np.ones((6, 6), bool), number=4, made_by="SAM")
    without_room = CarriedObject(1, Rect(2, 2, 5, 5), np.ones((3, 3), bool), number=5, made_by="SAM")
    carry._put_down((carried, without_room), "Paste objects")
    go_on.set()
    desk.qtbot.waitUntil(lambda: len(desk.history.entries) == 2 and not desk.edits.is_working)
    numbers, makers = desk.document.masks.instances("image"), desk.document.makers
    assert makers.of("image", int(numbers[3, 3])) == ""
    assert makers.of("image", int(numbers[22, 22])) == "SAM"
    assert [numbers[rc] for rc in objects.chosen] == [numbers[22, 22]], "the pasted one alone is chosen"


def test_objects_of_the_image_before_do_not_land_on_another_that_is_shown_by_then(desk: Desk) -> None:
    images, masks = desk.document.images, desk.document.masks
    pixels = np.zeros((*SHAPE, 3), np.uint8)
    for name in ("next", "another"):
        images.add_record(ImageRecord(name, pixels, pixels))
    desk.edits.do("image", "Rectangle", rect_make(Rect(2, 2, 9, 9), 1, 3))
    desk.settle()
    carry = CarryController(
        desk.document,
        desk.edits,
        ObjectsController(desk.document, desk.edits, desk.canvas, errors=desk.told, parent=desk.canvas),
        errors=desk.told,
        image_before=lambda: "image",
        coming=LabelsToCome(desk.document),
        parent=desk.canvas,
    )
    images.current_id = "next"
    carry.take_over()
    desk.edits.look("image", lambda source: None, lambda _: None)  # another question, as of the pointer
    images.current_id = "another"  # the mask is large, and still looked through
    desk.qtbot.waitUntil(lambda: bool(desk.told.sentences))
    desk.settle()
    assert "Another image is shown now" in desk.told.sentences[-1]
    assert not masks.layer("another").num_labelled
    carry.take_over()
    desk.history.do(rect_make(Rect(20, 2, 22, 4), 1, 4)(desk.document))
    desk.qtbot.waitUntil(lambda: "changed meanwhile" in desk.told.sentences[-1])
    carry.take_over()
    desk.qtbot.waitUntil(lambda: masks.layer("another").num_labelled == 53)


POINTS = st.tuples(st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1))


@st.composite
def makes(draw: Callable[..., object]) -> tuple[str, object]:
    kind = draw(
        st.sampled_from(("rect", "polygon", "fill", "holes", "smooth", "merge", "split", "undo", "redo"))
    )
    return str(kind), draw(st.tuples(POINTS, POINTS, st.integers(0, 3), st.integers(0, 4)))


def make_of(kind: str, values: tuple[tuple[int, int], tuple[int, int], int, int]) -> Make:
    (row0, col0), (row1, col1), class_id, number = values
    line = (float(col0), float(row0)), (float(col1), float(row1))
    if kind == "rect":
        rect = Rect(min(row0, row1), min(col0, col1), max(row0, row1) + 1, max(col0, col1) + 1)
        return rect_make(rect, class_id, number)
    if kind == "polygon":
        corners = [(col0, row0), (col1, row0), (col1, row1)]
        return lambda source: area_patch(
            source, "image", *polygon_mask(corners, SHAPE), Ink(class_id), "Polygon"
        )
    if kind == "fill":
        return lambda source: area_patch(
            source,
            "image",
            *flood_fill(source.masks.layer("image").labels, (row0, col0)),
            Ink(class_id),
            "Fill",
        )
    if kind == "holes":
        return partial(cleanup.fill_class_holes, image_id="image", class_id=class_id)
    if kind == "smooth":
        return partial(cleanup.smooth_class, image_id="image", class_id=class_id, radius=2.0)
    if kind == "merge":
        return partial(merge_objects, image_id="image", pixels=((row0, col0), (row1, col1)))
    return partial(split_along, image_id="image", rc=(row0, col0), line=line)


@pytest.fixture
def kept() -> Iterator[list[Desk]]:
    """Desks of all examples of a test: Qt takes their widgets apart in its own order, not the garbage collector."""
    desks: list[Desk] = []
    yield desks
    desks.clear()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(makes(), max_size=10))
def test_any_sequence_gives_the_same_mask_beside_the_window_as_in_it(
    qtbot: QtBot,
    lane: ThreadLane,
    monkeypatch: pytest.MonkeyPatch,
    kept: list[Desk],
    steps: list[tuple[str, object]],
) -> None:
    masks = []
    for large in (10**9, 0):
        monkeypatch.setattr(mask_looks, "LARGE", large)
        monkeypatch.setattr(module, "UNPACKED", large)
        monkeypatch.setattr(module, "UNPACKED_SHARE", 0)
        desk = Desk(qtbot, lane)
        kept.append(desk)
        for kind, values in steps:
            if kind == "undo":
                desk.edits.undo(lambda step: None)
            elif kind == "redo":
                desk.edits.redo(lambda step: None)
            else:
                desk.edits.do("image", kind, make_of(kind, values))  # type: ignore[arg-type]
        desk.settle()
        layer = desk.document.masks.layer("image")
        assert layer.num_labelled == np.count_nonzero(layer.labels != 255)
        masks.append((desk.mask(), len(desk.history.entries), desk.history.position))
    (one, *counts), (other, *other_counts) = masks
    assert all((a == b).all() for a, b in zip(one, other, strict=True))
    assert counts == other_counts


def test_the_window_stays_alive_while_a_large_image_is_filled(qtbot: QtBot, lane: ThreadLane) -> None:
    desk = Desk(qtbot, lane, (3000, 4000))
    desk.history.do(rect_make(Rect(0, 0, 1, 1), 2)(desk.document))
    beats: list[float] = []
    timer = QTimer()
    timer.setInterval(5)
    timer.timeout.connect(lambda: beats.append(perf_counter()))
    timer.start()

    def fill(source: MaskSource) -> MaskPatch | None:
        area = flood_fill(source.masks.layer("image").labels, (1500, 2000))
        return area_patch(source, "image", *area, Ink(1), "Fill")

    desk.edits.do("image", "Fill", fill)
    assert desk.edits.is_working
    desk.settle()
    timer.stop()
    assert desk.document.masks.layer("image").num_labelled == 3000 * 4000
    assert len(beats) > 10
    assert np.median(np.diff(beats)) < 0.05
