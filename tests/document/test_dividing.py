"""One object into several: where the line was drawn, between two clicks, at its waists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from latentseg_gui.document.masks.dividing import parts_along, parts_around, waists_of

TOUCHING = np.ones((3, 3), bool)
SHAPE = (60, 120)


def discs(*places: tuple[float, float, float]) -> np.ndarray:
    rows, cols = np.ogrid[: SHAPE[0], : SHAPE[1]]
    return np.any([(rows - r) ** 2 + (cols - c) ** 2 <= size**2 for r, c, size in places], axis=0)


def sizes(parts: np.ndarray) -> list[int]:
    return np.bincount(parts.ravel())[1:].tolist()


def test_a_line_cuts_where_it_was_drawn_and_nowhere_else() -> None:
    """A horseshoe: a line through one leg leaves the other, which the endless line would have cut, too."""
    area = np.zeros(SHAPE, bool)
    area[5:50, 10:90] = True
    area[20:50, 30:70] = False
    parts = parts_along(area, [(5, 35), (35, 36)])
    assert parts is not None
    assert parts[48, 20] != parts[10, 50]
    assert parts[48, 80] == parts[10, 50], "the other leg was not touched"
    assert sorted(sizes(parts))[0] == pytest.approx(20 * 15, abs=30)


@pytest.mark.parametrize("line", [[(5, 35), (20, 36)], [(5, 2), (100, 2)], [(50, 30), (50, 30)]])
def test_a_line_that_ends_inside_or_goes_by_cuts_nothing(line: list[tuple[float, float]]) -> None:
    area = np.zeros(SHAPE, bool)
    area[5:50, 10:90] = True
    assert parts_along(area, line) is None


def test_a_line_that_ends_a_pixel_too_early_is_meant_to_cross() -> None:
    area = np.zeros(SHAPE, bool)
    area[5:50, 10:90] = True
    parts = parts_along(area, [(50, 6), (50, 48.5)])
    assert parts is not None
    assert sizes(parts) == pytest.approx([40 * 45, 40 * 45], abs=60)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), points=st.integers(2, 6))
def test_any_line_leaves_every_pixel_in_one_part_and_no_crumb(seed: int, points: int) -> None:
    rng = np.random.default_rng(seed)
    area = ndimage.gaussian_filter(rng.random(SHAPE), 5) > 0.5
    line = [tuple(xy) for xy in rng.uniform((-5, -5), (125, 65), (points, 2)).tolist()]
    parts = parts_along(area, line)
    if parts is None:
        return
    assert ((parts > 0) == area).all()
    assert len(sizes(parts)) >= 2
    whole, count = ndimage.label(area, TOUCHING)
    smallest = min(12, *(np.bincount(whole.ravel())[1:] * 0.1)) if count else 0
    assert min(sizes(parts)) >= smallest


def test_two_clicks_split_at_the_waist_wherever_in_the_halves_they_lie() -> None:
    area = discs((30, 30, 20), (30, 66, 22))
    for seeds in ([(30, 20), (30, 80)], [(30, 45), (30, 52)], [(15, 30), (40, 60)]):
        parts = parts_around(area, seeds)
        assert parts is not None
        assert parts[seeds[0]] == 1
        assert parts[seeds[1]] == 2
        assert sizes(parts) == pytest.approx([1205, 1484], rel=0.03)


def test_two_clicks_split_at_an_edge_of_the_picture_where_the_shape_has_no_waist() -> None:
    area = np.zeros(SHAPE, bool)
    area[10:50, 10:110] = True
    pixels = np.zeros((*SHAPE, 3), np.uint8)
    pixels[:, 40:] = 200
    parts = parts_around(area, [(30, 20), (30, 100)], pixels)
    assert parts is not None
    assert (parts[10:50, 10:37] == 1).all()
    assert (parts[10:50, 44:110] == 2).all()
    plain = parts_around(area, [(30, 20), (30, 100)])
    assert plain is not None
    assert sizes(plain) == pytest.approx([2000, 2000], rel=0.1), "half-way, where nothing else is known"


def test_clicks_beside_the_object_or_on_one_pixel_split_nothing() -> None:
    area = discs((30, 30, 20))
    assert parts_around(area, [(30, 30), (30, 90)]) is None
    assert parts_around(area, [(30, 30), (30, 30)]) is None


def test_touching_discs_come_apart_into_as_many_as_there_are() -> None:
    waists = waists_of(discs((30, 25, 18), (30, 55, 16), (30, 85, 18)))
    assert waists.suggested == 3
    assert len(sizes(waists.parts(1))) == 1
    assert len(sizes(waists.parts(2))) == 2
    parts = waists.parts(3)
    assert len({int(parts[30, col]) for col in (25, 55, 85)}) == 3
    assert waists_of(discs((30, 30, 20))).suggested == 1


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 70))
def test_as_many_pieces_as_asked_for_or_as_there_can_be(seed: int, count: int) -> None:
    area = ndimage.gaussian_filter(np.random.default_rng(seed).random(SHAPE), 4) > 0.5
    waists = waists_of(area)
    parts = waists.parts(count)
    assert ((parts > 0) == area).all()
    assert len(sizes(parts)) == min(count, waists.most)
    assert min(sizes(parts)) > 0


def test_a_large_object_comes_apart_at_the_same_waist() -> None:
    area = np.kron(discs((30, 30, 20), (30, 66, 22)), np.ones((16, 16), bool))
    waists = waists_of(area)
    assert waists.suggested == 2
    assert ((waists.parts(2) > 0) == area).all()
    assert sorted(sizes(waists.parts(2))) == pytest.approx([1205 * 256, 1484 * 256], rel=0.05)
