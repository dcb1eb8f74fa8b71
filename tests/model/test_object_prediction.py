"""Objects of a prediction: one number for each, also across tiles, and never against the classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.prediction.objects import JoinedTiles, numbers_by_class, with_areas, without_specks
from model.prediction.tiles import plan

THINGS = frozenset({1, 2})


def disks(seed, size=(90, 120), count=20):
    """Disks that may touch, not overlap: numbers [H, W] from 1."""
    rng = np.random.default_rng(seed)
    numbers = np.zeros(size, np.int32)
    rows, cols = np.mgrid[: size[0], : size[1]]
    for number in range(1, count + 1):
        y, x, radius = rng.integers(0, size[0]), rng.integers(0, size[1]), rng.integers(3, 12)
        inside = (rows - y) ** 2 + (cols - x) ** 2 < radius**2
        if not numbers[inside].any():
            numbers[inside] = number
    return numbers


def same_partition(one, other):
    """Whether two planes of numbers show the same objects."""
    pairs = np.unique(np.stack((one.ravel(), other.ravel())).astype(np.int64), axis=1)
    return len(pairs[0]) == len(np.unique(pairs[0])) == len(np.unique(pairs[1]))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(40, 70))
def test_tiles_give_every_object_once_whatever_cuts_it(seed, side):
    truth = disks(seed)
    joined = JoinedTiles(truth.shape)
    rng = np.random.default_rng(seed)
    for tile in (tile for row in plan(truth.shape, side, 28) for tile in row):
        part = truth[slice(*tile.rows), slice(*tile.cols)]
        known, dense = np.unique(part, return_inverse=True)
        new = np.concatenate(([0], rng.permutation(len(known) - 1) + 1)) if known[0] == 0 else None
        if new is None:
            continue
        numbers = new[dense].reshape(part.shape).astype(np.int32)  # every tile numbers anew
        joined.add(tile, numbers, np.ones(len(known), np.int64))
    assert same_partition(joined.numbers, truth)


def test_objects_of_two_classes_stay_two_where_tiles_meet():
    first, second = (tile for row in plan((40, 60), 40, 20) for tile in row)
    joined = JoinedTiles((40, 60))
    numbers = np.zeros((40, 40), np.int32)
    numbers[10:20, 25:40] = 1
    joined.add(first, numbers, np.array([0, 1]))
    other = np.zeros((40, second.cols[1] - second.cols[0]), np.int32)
    other[10:20, 5:20] = 1
    joined.add(second, other, np.array([0, 2]))
    assert joined.classes.tolist() == [0, 1, 2]
    assert (joined.numbers[10:20, 25:40] == 1).all()  # what was there first stays
    assert set(np.unique(joined.numbers)) == {0, 1} or (joined.numbers[10:20, 40:] == 2).all()


def test_numbers_follow_the_classes():
    labels = np.zeros((12, 20), np.uint8)
    labels[2:8, 2:8], labels[2:8, 12:18] = 1, 2
    numbers = np.zeros((12, 20), np.uint32)
    numbers[2:8, 2:6] = 3  # the object lacks a part
    numbers[0:2, 2:6] = 3  # and has one that is background
    numbers[2:8, 12:15] = 1  # class 1 where there is class 2
    result = numbers_by_class(labels, numbers, np.array([0, 1, 1, 1]), THINGS)
    assert (result[2:8, 2:8] == 1).all()
    assert (result[2:8, 12:18] == 2).all()  # an area without an object is one
    assert not result[labels == 0].any()


def test_what_lies_between_two_objects_is_shared_out():
    labels = np.ones((4, 20), np.uint8)
    numbers = np.zeros((4, 20), np.uint32)
    numbers[:, :6], numbers[:, 14:] = 1, 2
    result = numbers_by_class(labels, numbers, np.array([0, 1, 1]), THINGS)
    assert set(np.unique(result)) == {1, 2}
    assert abs(int((result == 1).sum()) - 40) <= 4


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_every_pixel_of_a_thing_has_an_object_of_its_class_and_no_other_has_one(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, (9, 11)).astype(np.uint8)
    numbers = disks(seed, (9, 11), 4).astype(np.uint32)
    classes = np.concatenate(([0], rng.integers(1, 3, 4)))
    result = numbers_by_class(labels, numbers, classes, THINGS)
    assert np.array_equal(result > 0, np.isin(labels, list(THINGS)))
    for number in range(1, int(result.max()) + 1):
        assert len(np.unique(labels[result == number])) == 1
    assert set(np.unique(result)) - {0} == set(range(1, int(result.max()) + 1))


@pytest.mark.parametrize("instances", [None, np.zeros((4, 6), np.uint32)])
def test_areas_without_numbers_are_objects(instances):
    labels = np.uint8([[1, 1, 0, 2, 0, 3], [0, 0, 0, 2, 0, 3], [1, 0, 0, 0, 0, 0], [0, 1, 0, 255, 0, 1]])
    found = with_areas(labels, instances, THINGS)
    assert found.tolist() == [
        [1, 1, 0, 2, 0, 0], [0, 0, 0, 2, 0, 0], [3, 0, 0, 0, 0, 0], [0, 3, 0, 0, 0, 4]
    ]  # fmt: skip


def test_numbers_stay_objects_beside_areas_that_have_none():
    labels = np.uint8([[1, 1, 1, 0, 1]])
    found = with_areas(labels, np.uint32([[4_000_000_000, 4_000_000_000, 7, 0, 0]]), THINGS)
    assert found.tolist() == [[1, 1, 2, 0, 3]]


def test_what_is_too_small_for_an_object_becomes_what_lies_round_it():
    labels = np.zeros((20, 30), np.uint8)
    labels[:, 15:] = 2
    labels[2:8, 2:8] = labels[15, 5] = labels[10:12, 20:22] = 1
    labels[8, 8] = 1  # touches the object at its corner
    numbers = np.zeros((20, 30), np.uint32)
    numbers[2:8, 2:8], numbers[15, 5], numbers[10:12, 20:22], numbers[8, 8] = 1, 2, 3, 4
    settled = without_specks(labels, numbers, 10)
    assert settled[15, 5] == 0
    assert (settled[10:12, 20:22] == 2).all(), "a hole in another class is filled with that"
    assert (settled[2:8, 2:8] == 1).all()
    assert np.array_equal(np.unique(numbers), [0, 1])
    assert ((numbers > 0) == (settled == 1)).all()
    assert labels[15, 5] == 1, "what was given is left as it is"
    assert without_specks(labels, np.zeros((20, 30), np.uint32), 10) is labels
    everything = np.ones((2, 2), np.uint8)
    assert without_specks(everything, np.ones((2, 2), np.uint32), 10).shape == (2, 2)
