import time
import tracemalloc

import numpy as np

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.patch import Ink, StrokeRecorder, area_patch
from latentseg_gui.document.masks.brush import stroke_mask
from latentseg_gui.document.types import UNLABELLED, Rect
from tests.commands.edit_helpers import document_with


def painted(document, image_id, rect, class_id=1, label="Fill"):
    return area_patch(document, image_id, rect, np.ones(rect.shape, np.bool_), Ink(class_id), label)


def test_undo_and_redo_tell_what_they_did(document):
    image_id = document.images.ids[0]
    history = History(document)
    changed, applied = [], []
    history.events.changed.connect(lambda: changed.append(history.position))
    history.events.applied.connect(applied.append)
    assert not history.can_undo
    assert history.undo() is None
    assert history.redo() is None
    patch = painted(document, image_id, Rect(0, 0, 2, 2))
    history.do(patch)
    assert history.undo_label == "Fill"
    assert history.undo() is patch
    assert history.redo_label == "Fill"
    assert not document.masks.layer(image_id).num_labelled
    assert history.redo() is patch
    assert changed == [1, 0, 1]
    assert applied == [(patch.change,)] * 3


def test_a_new_edit_forgets_what_was_undone(document):
    image_id = document.images.ids[0]
    history = History(document)
    history.do(painted(document, image_id, Rect(0, 0, 2, 2), label="first"))
    history.do(painted(document, image_id, Rect(4, 4, 6, 6), label="second"))
    history.undo()
    history.do(painted(document, image_id, Rect(8, 8, 9, 9), label="third"))
    assert [entry.label for entry in history.entries] == ["first", "third"]
    assert not history.can_redo
    assert history.nbytes == sum(entry.nbytes for entry in history.entries)


def test_an_edit_that_changes_nothing_is_no_step(document):
    image_id = document.images.ids[0]
    history = History(document)
    history.do(painted(document, image_id, Rect(0, 0, 2, 2)))
    history.do(painted(document, image_id, Rect(0, 0, 2, 2)))
    history.do(painted(document, image_id, Rect(0, 0, 0, 0)))
    assert len(history.entries) == 1


def test_undo_marks_dirty(document):
    history = History(document)
    history.do(painted(document, document.images.ids[0], Rect(0, 0, 2, 2)))
    document.mark_saved()
    history.undo()
    assert document.is_dirty


def test_the_oldest_steps_are_forgotten_when_memory_is_used_up(document):
    image_id = document.images.ids[0]
    history = History(document, max_bytes=4000)
    for row in range(40):
        history.do(painted(document, image_id, Rect(row, 0, row + 1, 9), label=str(row)))
    assert history.nbytes <= 4000
    kept = [entry.label for entry in history.entries]
    assert kept == [str(row) for row in range(40 - len(kept), 40)]
    history.jump_to(0)
    assert document.masks.layer(image_id).num_labelled == 9 * (40 - len(kept))


def test_the_newest_step_is_kept_whatever_its_size(document):
    history = History(document, max_bytes=1)
    history.do(painted(document, document.images.ids[0], Rect(0, 0, 20, 20)))
    assert history.can_undo


def test_an_edit_of_one_image_can_be_undone_after_looking_at_another(document):
    one, other = document.images.ids
    history = History(document)
    history.do(painted(document, one, Rect(0, 0, 2, 2)))
    document.images.current_id = other
    document.records.release(one)
    document.masks.layer(one).pack()
    history.undo()
    assert (document.masks.labels(one) == UNLABELLED).all()


def test_edits_of_a_removed_image_are_dropped(document):
    one, other = document.images.ids
    history = History(document)
    for image_id in (one, other, one, other):
        rect = Rect(len(history.entries), 0, len(history.entries) + 1, 5)
        history.do(painted(document, image_id, rect))
    history.undo()
    document.images.remove(one)
    history.forget_image(one)
    assert [entry.image_id for entry in history.entries] == [other, other]
    assert history.position == 1
    assert history.nbytes == sum(entry.nbytes for entry in history.entries), "theirs alone"
    history.jump_to(2)
    assert document.masks.layer(other).num_labelled == 10
    history.jump_to(0)
    assert document.masks.layer(other).num_labelled == 0


def paint_strokes(history, document, image_id, count):
    shape = document.masks.shape(image_id)
    rng = np.random.default_rng(0)
    starts, ways = rng.uniform(0, shape[0], (count, 2)), rng.uniform(-40, 40, (count, 2))
    for number, (start, way) in enumerate(zip(starts, ways, strict=True)):
        recorder = StrokeRecorder(document, image_id, Ink(number % 4))
        recorder.add(*stroke_mask(tuple(start), tuple(start + way), 12, shape))
        history.record(recorder.finish())


def test_ten_thousand_strokes_are_undone_and_redone_quickly_in_little_memory():
    """The bar of 2 s is for a quiet machine: time is judged beside a loop of plain numpy work."""
    document = document_with((2048, 2048))
    image_id = document.images.ids[0]
    document.set_classes(document.classes.added("leaf").added("stem"))
    history = History(document)
    paint_strokes(history, document, image_id, 10_000)
    after = document.masks.labels(image_id).copy(), document.masks.provenance(image_id).copy()
    assert len(history.entries) > 9_900
    began = time.process_time()
    history.jump_to(0)
    assert (document.masks.labels(image_id) == UNLABELLED).all()
    assert not document.masks.provenance(image_id).any()
    history.jump_to(10_000)
    seconds = time.process_time() - began
    assert np.array_equal(document.masks.labels(image_id), after[0])
    assert np.array_equal(document.masks.provenance(image_id), after[1])
    assert history.nbytes < 50e6
    assert seconds < 40 * _seconds_of_plain_work()


def test_the_history_does_not_hold_more_than_it_says():
    document = document_with((2048, 2048))
    image_id = document.images.ids[0]
    document.set_classes(document.classes.added("leaf").added("stem"))
    history = History(document)
    paint_strokes(history, document, image_id, 20)
    said_before = history.nbytes
    tracemalloc.start()
    paint_strokes(history, document, image_id, 600)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 1.5 * (history.nbytes - said_before)


def _seconds_of_plain_work() -> float:
    """What a loop of 20,000 small numpy operations costs here and now (0.07 s when quiet)."""
    array = np.zeros((60, 60), np.uint8)
    began = time.process_time()
    for _ in range(20_000):
        np.count_nonzero(array != 255)
        np.bitwise_xor(array, array, out=array)
        array.tobytes()
    return time.process_time() - began
