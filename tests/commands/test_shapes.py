"""Objects that get another shape or become several: neighbours are safe, undo is exact, counts are a person's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from latentseg_gui.commands.masks.marking import lock_objects
from latentseg_gui.commands.masks.patch import Ink, area_patch
from latentseg_gui.commands.masks.shapes import (
    reshaped,
    reworked,
    split_along,
    split_apart,
    split_between,
    split_into,
)
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.regions import grow, shrink
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Rect
from tests.commands.edit_helpers import document_with

SHAPE = (60, 120)


@pytest.fixture
def document() -> Document:
    return document_with(SHAPE)


def image_of(document: Document) -> str:
    return document.images.ids[0]


def fill(document: Document, rect: Rect, class_id: int, number: int | None = None) -> None:
    ink = Ink(class_id, instance=number)
    patch = area_patch(document, image_of(document), rect, np.ones(rect.shape, bool), ink, "Fill")
    assert patch is not None
    patch.apply(document)


def planes(document: Document) -> tuple[bytes, ...]:
    masks, key = document.masks, image_of(document)
    return masks.labels(key).tobytes(), masks.provenance(key).tobytes(), masks.instances(key).tobytes()


def numbers(document: Document) -> np.ndarray:
    return np.array(document.masks.instances(image_of(document)))


def test_an_object_takes_a_shape_but_no_pixel_of_anybody_else(document: Document) -> None:
    key = image_of(document)
    fill(document, Rect(10, 10, 30, 30), 1, 1)
    fill(document, Rect(10, 30, 30, 40), 1, 2)
    fill(document, Rect(30, 10, 40, 20), 2)
    fill(document, Rect(40, 40, 60, 120), BACKGROUND)
    before = planes(document)
    shape = Rect(0, 0, 60, 120), np.ones((60, 120), bool)
    patch = reshaped(document, key, (15, 15), shape, "Edit outline")
    assert patch is not None
    patch.apply(document)
    labels = document.masks.labels(key)
    assert (numbers(document)[10:30, 30:40] == 2).all()
    assert (labels[30:40, 10:20] == 2).all()
    assert (numbers(document)[45:, 50:] == 1).all(), "the background gives way"
    assert (labels == 1).sum() == 60 * 120 - 100
    patch.revert(document)
    assert planes(document) == before


def test_what_an_object_loses_says_nothing_where_nobody_has_said_what_background_is(
    document: Document,
) -> None:
    key = image_of(document)
    fill(document, Rect(10, 10, 30, 60), 1, 1)
    before = planes(document)
    narrow = Rect(12, 12, 28, 58), np.ones((16, 46), bool)
    patch = reshaped(document, key, (15, 15), narrow, "Edit outline")
    assert patch is not None
    patch.apply(document)
    assert (document.masks.labels(key)[10:12, 10:60] == UNLABELLED).all()
    assert not document.masks.layer(key).provenance[10:12, 10:60].any()
    assert (document.masks.labels(key) == 1).sum() == 16 * 46
    patch.revert(document)
    assert planes(document) == before


def test_what_an_object_loses_is_background_and_a_crumb_goes_with_it(document: Document) -> None:
    fill(document, Rect(10, 10, 30, 60), 1, 1)
    fill(document, Rect(50, 0, 60, 10), BACKGROUND)
    mask = np.ones((20, 50), bool)
    mask[:, 20:22] = False  # in two
    mask[:, 45:47] = False  # and a crumb of 20 x 3 at the end
    mask[3:, 47:] = False
    patch = reshaped(document, image_of(document), (15, 15), (Rect(10, 10, 30, 60), mask), "Edit outline")
    assert patch is not None
    patch.apply(document)
    found = numbers(document)
    assert len(set(np.unique(found).tolist())) == 3, "two objects and nothing"
    assert (document.masks.labels(image_of(document))[10:30, 30:32] == BACKGROUND).all()
    assert (found[10:13, 57:60] == 0).all(), "nine pixels are no object"


def test_a_locked_class_keeps_its_shape(document: Document) -> None:
    fill(document, Rect(10, 10, 30, 30), 1, 1)
    document.set_classes(document.classes.replaced(1, is_locked=True))
    shape = Rect(10, 10, 20, 20), np.ones((10, 10), bool)
    with pytest.raises(LatentsegError, match="locked"):
        reshaped(document, image_of(document), (15, 15), shape, "Edit outline")


def test_a_locked_object_is_neither_shaped_nor_split_nor_grown_into(document: Document) -> None:
    key = image_of(document)
    fill(document, Rect(10, 10, 30, 30), 1, 1)
    fill(document, Rect(10, 30, 30, 50), 1, 2)
    lock = lock_objects(document, key, [(15, 15)], is_locked=True)
    assert lock is not None
    lock.apply(document)
    with pytest.raises(LatentsegError, match="This object is locked"):
        split_along(document, key, (15, 15), [(20, 5), (20, 35)])
    with pytest.raises(LatentsegError, match="This object is locked"):
        reworked(document, key, (15, 15), lambda mask: shrink(mask, 2), 2, "Shrink")
    patch = reworked(document, key, (15, 40), lambda mask: grow(mask, 4), 4, "Grow")
    assert patch is not None
    patch.apply(document)
    assert (numbers(document) == 1).sum() == 400


def test_growing_stops_at_neighbours_and_shrinking_moves_both_sides(document: Document) -> None:
    key = image_of(document)
    fill(document, Rect(10, 10, 30, 30), 1, 1)
    fill(document, Rect(10, 32, 30, 50), 1, 2)
    patch = reworked(document, key, (15, 15), lambda mask: grow(mask, 4), 4, "Grow")
    assert patch is not None
    patch.apply(document)
    assert (numbers(document)[10:30, 30:32] == 1).all()
    assert (numbers(document) == 2).sum() == 20 * 18
    patch = reworked(document, key, (15, 40), lambda mask: shrink(mask, 2), 2, "Shrink")
    assert patch is not None
    patch.apply(document)
    assert (numbers(document) == 2).sum() == 16 * 14


def test_the_same_shape_is_no_step(document: Document) -> None:
    fill(document, Rect(10, 10, 30, 30), 1, 1)
    shape = Rect(10, 10, 30, 30), np.ones((20, 20), bool)
    assert reshaped(document, image_of(document), (15, 15), shape, "Edit outline") is None
    assert reshaped(document, image_of(document), (50, 100), shape, "Edit outline") is None
    assert split_into(document, image_of(document), (50, 100), 3) is None
    assert split_into(document, image_of(document), (15, 15), 1) is None


def test_a_line_splits_one_object_and_leaves_the_next_alone(document: Document) -> None:
    fill(document, Rect(10, 10, 30, 50), 1, 1)
    fill(document, Rect(30, 10, 50, 50), 1, 2)
    before = planes(document)
    patch = split_along(document, image_of(document), (15, 15), [(30, 5), (30, 45)])
    assert patch is not None
    patch.apply(document)
    found = numbers(document)
    assert (found[30:50, 10:50] == 2).all()
    assert len({int(found[20, 12]), int(found[20, 48]), 2}) == 3
    patch.revert(document)
    assert planes(document) == before


def test_two_clicks_split_what_has_no_number_yet(document: Document) -> None:
    fill(document, Rect(10, 10, 30, 50), 1)
    pixels = np.zeros((*SHAPE, 3), np.uint8)
    patch = split_between(document, image_of(document), [(20, 15), (20, 45)], pixels)
    assert patch is not None
    patch.apply(document)
    found = numbers(document)
    assert {int(found[20, 15]), int(found[20, 45])} == {1, 2}
    assert split_between(document, image_of(document), [(20, 15), (20, 45)], pixels) is None


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_any_shape_leaves_neighbours_and_no_crumb_and_undo_is_exact(seed: int) -> None:
    document, rng = document_with(SHAPE), np.random.default_rng(seed)
    fill(document, Rect(10, 10, 40, 50), 1, 1)
    fill(document, Rect(20, 50, 50, 90), 1, 2)
    fill(document, Rect(40, 20, 55, 40), 2, 3)
    before, was = planes(document), numbers(document)
    shape = Rect(0, 0, *SHAPE), ndimage.gaussian_filter(rng.random(SHAPE), 4) > rng.uniform(0.47, 0.53)
    patch = reshaped(document, image_of(document), (20, 20), shape, "Edit outline")
    if patch is None:
        return
    patch.apply(document)
    found = numbers(document)
    for number in (2, 3):
        assert ((found == number) == (was == number)).all()
    labels = document.masks.labels(image_of(document))
    assert ((found > 0) == ((labels != BACKGROUND) & (labels != UNLABELLED))).all()
    patch.revert(document)
    assert planes(document) == before


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 6))
def test_pieces_are_counted_as_they_were_asked_for(seed: int, count: int) -> None:
    document = document_with(SHAPE)
    fill(document, Rect(5, 5, 55, 115), 1, 4)
    rng = np.random.default_rng(seed)
    parts = rng.integers(1, count + 1, (50, 110)).astype(np.int32)
    before = planes(document)
    patch = split_apart(document, image_of(document), Rect(5, 5, 55, 115), parts, "Split object")
    assert patch is not None
    patch.apply(document)
    found = np.unique(numbers(document))
    assert len(found) - 1 == len(np.unique(parts))
    assert 4 in found, "the largest keeps the number"
    patch.revert(document)
    assert planes(document) == before
