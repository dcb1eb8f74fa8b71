"""A mask is copied by another thread while it goes on changing, and the copy is of one moment."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentseg_gui.document.masks import mask_copy
from latentseg_gui.document.masks.layers import Delta, MaskLayer, blank_arrays, gain_of
from latentseg_gui.document.masks.mask_copy import MaskCopy
from latentseg_gui.document.types import UNLABELLED, Provenance, Rect

SHAPE = (37, 53)


@pytest.fixture(autouse=True, scope="module")
def small_tiles():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mask_copy, "_SIDE", 8)
        yield


def some_rect(data) -> Rect:
    row0, col0 = data.draw(st.integers(0, SHAPE[0] - 1)), data.draw(st.integers(0, SHAPE[1] - 1))
    row1, col1 = data.draw(st.integers(row0 + 1, SHAPE[0])), data.draw(st.integers(col0 + 1, SHAPE[1]))
    return Rect(row0, col0, row1, col1)


def paint(layer: MaskLayer, rect: Rect, value: int, instance: int | None = None) -> None:
    layer.write(rect, np.ones(rect.shape, np.bool_), value, Provenance.PAINTED, instance)


@given(st.data())
@settings(max_examples=60)
def test_whatever_is_written_meanwhile_the_copy_is_what_it_was(data):
    layer = MaskLayer(SHAPE)
    for value in range(data.draw(st.integers(0, 4))):
        paint(layer, some_rect(data), value, instance=value)
    has_instances = layer.has_instances
    then = layer.labels.copy(), layer.provenance.copy(), layer.instances.copy()
    copy = layer.snapshot()
    for value in range(data.draw(st.integers(0, 4))):
        paint(layer, some_rect(data), 7 + value, instance=9)
    if data.draw(st.booleans()) and layer.is_touched:
        layer.replace(np.full(SHAPE, 5, np.uint8), np.zeros(SHAPE, np.uint8), None)
    labels, provenance, instances = copy()
    assert np.array_equal(labels, then[0])
    assert np.array_equal(provenance, then[1])
    assert (instances is None) == (not has_instances)
    assert instances is None or np.array_equal(instances, then[2])


def test_a_writer_and_a_reader_at_the_same_time_do_not_mix():
    layer = MaskLayer((600, 600))
    paint(layer, Rect.whole(layer.shape), 1)
    for value in range(2, 40):
        copy = layer.snapshot()
        taken: list[np.ndarray] = []
        reader = threading.Thread(target=lambda copy=copy, taken=taken: taken.append(copy()[0]))
        reader.start()
        for row in range(0, 600, 50):
            paint(layer, Rect(row, 0, row + 50, 600), value)
        reader.join()
        assert set(np.unique(taken[0]).tolist()) == {value - 1}, "nothing of what came later"


def test_a_stroke_copies_what_it_touches_and_not_the_image():
    layer = MaskLayer((800, 800))
    paint(layer, Rect.whole(layer.shape), 1)
    copy = MaskCopy([layer.labels, layer.provenance])
    copy.keep(Rect(100, 100, 104, 109))
    assert sum(plane.size for planes in copy._kept.values() for plane in planes) == 2 * 2 * 64


def test_a_copy_that_nobody_makes_any_more_costs_nothing():
    layer = MaskLayer(SHAPE)
    paint(layer, Rect.whole(SHAPE), 1)
    copy = layer.snapshot()
    del copy
    gc.collect()
    paint(layer, Rect.whole(SHAPE), 2)
    assert layer._copies == []
    copy = layer.snapshot()
    copy()
    paint(layer, Rect.whole(SHAPE), 3)
    assert layer._copies == [], "nor does one that was made"


def test_what_is_copied_belongs_to_who_asked():
    layer = MaskLayer(SHAPE)
    for copy in (layer.snapshot(), (paint(layer, Rect(0, 0, 1, 1), 4), layer.snapshot())[1]):
        labels, provenance, instances = copy()
        labels[:], provenance[:] = 9, 9
        assert instances is None
    assert layer.labels[0, 0] == 4
    assert layer.labels[1, 1] == UNLABELLED


def test_the_first_write_takes_the_arrays_that_were_provided():
    layer, blank = MaskLayer(SHAPE), blank_arrays(SHAPE)
    layer.provide(blank)
    assert not layer.is_touched
    paint(layer, Rect(0, 0, 2, 2), 3)
    assert np.shares_memory(layer.labels, blank[0])
    assert np.shares_memory(layer.provenance, blank[1])
    assert layer.num_labelled == 4
    layer.provide(blank_arrays(SHAPE))
    assert layer.num_labelled == np.count_nonzero(layer.labels != UNLABELLED) == 4, (
        "too late to change anything"
    )


def test_what_was_provided_can_be_taken_back():
    layer, blank = MaskLayer(SHAPE), blank_arrays(SHAPE)
    layer.provide(blank)
    layer.withdraw()
    paint(layer, Rect(0, 0, 2, 2), 3)
    assert not np.shares_memory(layer.labels, blank[0])
    assert layer.num_labelled == 4


def test_a_mask_knows_its_counts_whatever_is_done_to_it() -> None:
    """Strokes, deltas and their undo, packing, masks that come deferred: each label is counted to the pixel."""
    rng = np.random.default_rng(4)
    layer = MaskLayer((700, 610))
    assert layer.counts is not None
    assert layer.counts[UNLABELLED] == 700 * 610

    def check() -> None:
        expected = np.bincount(layer.labels.ravel(), minlength=256)
        assert layer.counts is not None
        assert (layer.counts == expected).all()
        assert layer.num_labelled == expected[:UNLABELLED].sum()

    for label in (3, 200, UNLABELLED, 3):
        rect = Rect(10, 20, 400, 410)
        layer.write(rect, rng.random(rect.shape) < 0.5, label, Provenance.PAINTED)
        check()
    many = rng.integers(0, 256, (300, 300)).astype(np.uint8)
    delta = Delta(Rect(200, 200, 500, 500), many, np.zeros_like(many))
    for _ in range(2):
        layer.apply(delta)
        check()
    gain = gain_of(layer.labels, delta)
    layer.apply(delta, is_counted=True)
    layer.add_counts(gain)
    check()
    layer.pack()
    check()
    arrays = layer.labels.copy(), layer.provenance.copy(), None
    layer.defer(lambda: arrays, layer.num_labelled)
    assert layer.counts is None, "nobody has looked at it"
    check()
