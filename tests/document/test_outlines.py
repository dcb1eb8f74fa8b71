"""Corners of an outline, and the soft hand that pushes a border."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from latentseg_gui.document.masks.brush import polygon_mask
from latentseg_gui.document.masks.nudging import Nudge
from latentseg_gui.document.masks.outlines import Contour, changed_area, outline_of
from latentseg_gui.document.types import Rect

SHAPE = (90, 100)
RECT = Rect(5, 7, 85, 97)


def blob(seed: int, scale: float) -> tuple[np.ndarray, tuple[int, int]]:
    rng = np.random.default_rng(seed)
    area = ndimage.gaussian_filter(rng.random(RECT.shape), scale) > 0.5
    row, col = np.argwhere(area)[rng.integers(area.sum())]
    return area, (int(row) + RECT.row0, int(col) + RECT.col0)


def box_outline() -> tuple[np.ndarray, Contour]:
    area = np.zeros(RECT.shape, bool)
    area[10:50, 10:60] = True
    outline = outline_of(RECT, area, (30, 30))
    assert outline is not None
    return area, outline


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([0.7, 2.0, 4.0]))
def test_an_outline_makes_its_area_again_to_the_pixel(seed: int, scale: float) -> None:
    area, rc = blob(seed, scale)
    outline = outline_of(RECT, area, rc)
    assert outline is not None
    parts, _ = ndimage.label(area)
    part = ndimage.binary_fill_holes(parts == parts[rc[0] - RECT.row0, rc[1] - RECT.col0])
    rect, mask = polygon_mask(outline.points.tolist(), SHAPE)
    drawn, wanted = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    drawn[rect.slices], wanted[RECT.slices] = mask, part
    assert (drawn == wanted).all()
    box, same = changed_area(RECT, area, outline, outline, SHAPE)
    assert box == RECT
    assert (same == area).all(), "nothing moved, nothing changed, holes and other parts included"


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), index=st.integers(0, 40), x=st.floats(0, 100), y=st.floats(0, 90))
def test_a_moved_corner_changes_nothing_but_the_triangles_at_its_two_sides(
    seed: int, index: int, x: float, y: float
) -> None:
    area, rc = blob(seed, 4.0)
    outline = outline_of(RECT, area, rc)
    assert outline is not None
    index %= len(outline.xys)
    moved = outline.with_corner(index, (x, y))
    assert len(moved.xys) == len(outline.xys)
    assert (x, y) in moved.xys
    box, made = changed_area(RECT, area, outline, moved, SHAPE)
    changed, was = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    was[RECT.slices] = area
    changed[box.slices] = made
    changed ^= was
    before, at, after = (outline.xys[(index + step) % len(outline.xys)] for step in (-1, 0, 1))
    rect, inside = polygon_mask([before, at, after, (x, y)], SHAPE)
    near = np.zeros(SHAPE, bool)
    near[rect.slices] = inside
    for triangle in ([before, at, (x, y)], [at, after, (x, y)], [before, at, after]):
        rect, inside = polygon_mask(triangle, SHAPE)
        near[rect.slices] |= inside
    # The outline runs beside the straight line from corner to corner by at most the tolerance.
    assert not (changed & (ndimage.distance_transform_edt(~near) > 3.5)).any()


def test_a_box_has_four_corners_of_which_one_is_dragged_out() -> None:
    area, outline = box_outline()
    assert sorted(outline.xys) == [(17, 15), (17, 55), (67, 15), (67, 55)]
    index = outline.xys.index((67, 55))
    box, made = changed_area(RECT, area, outline, outline.with_corner(index, (87, 75)), SHAPE)
    row, col = box.row0, box.col0
    assert made[65 - row, 75 - col]
    assert made.sum() > area.sum()
    assert made[15 - row, 17 - col]


def test_a_corner_more_bends_a_side_and_a_corner_less_cuts_one_off() -> None:
    area, outline = box_outline()
    side = outline.xys.index((17, 15))
    bent = outline.with_corner_on(side, (42, 25))
    assert len(bent.xys) == 5
    _, made = changed_area(RECT, area, outline, bent, SHAPE)
    assert made.sum() == pytest.approx(area.sum() - 50 * 10 / 2, abs=12)
    less = outline.without_corner(0)
    assert less is not None
    _, made = changed_area(RECT, area, outline, less, SHAPE)
    assert made.sum() == pytest.approx(area.sum() / 2, abs=30)
    assert less.without_corner(0) is None, "three corners stay"


def test_where_no_area_is_there_is_no_outline() -> None:
    area, _ = box_outline()
    assert outline_of(RECT, area, (80, 90)) is None
    assert outline_of(RECT, area, (0, 0)) is None


def disc() -> np.ndarray:
    rows, cols = np.ogrid[:100, :100]
    return (rows - 50) ** 2 + (cols - 50) ** 2 <= 20**2


def test_a_hand_pulls_a_border_out_and_pushes_it_in() -> None:
    pulled = Nudge(disc(), 15)
    pulled.along([(65, 50), (85, 50)])
    assert np.flatnonzero(pulled.area[50])[-1] > 80
    pushed = Nudge(disc(), 15)
    pushed.along([(85, 50), (60, 50)])
    assert np.flatnonzero(pushed.area[50])[-1] < 62
    for nudge in (pulled, pushed):
        assert (nudge.area[:, :45] == disc()[:, :45]).all(), "what the hand was not near stays"
        _, count = ndimage.label(nudge.area)
        assert count == 1


def test_many_small_moves_do_what_a_large_one_does() -> None:
    small, large = Nudge(disc(), 12), Nudge(disc(), 12)
    way = [(66 + 0.25 * step, 50.0) for step in range(61)]
    for start, end in itertools.pairwise(way):
        small.along([start, end])
    large.along([way[0], way[-1]])
    assert (small.area ^ large.area).sum() < 40


def test_a_hand_that_rests_or_goes_by_changes_nothing() -> None:
    nudge = Nudge(disc(), 10)
    nudge.along([(70, 50), (70, 50)])
    nudge.along([(5, 5), (95, 5)])
    nudge.along([(-200, 50), (-100, 50)])
    assert (nudge.area == disc()).all()
