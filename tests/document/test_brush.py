import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentseg_gui.document.coords import is_inside, rc_from_xy, xy_from_rc
from latentseg_gui.document.masks.brush import disk_stamp, polygon_mask, rings_mask, stroke_mask
from latentseg_gui.document.types import Rect

SHAPE = (23, 31)
_places = st.tuples(st.floats(-10, 40), st.floats(-10, 40))


def _placed(rect, mask, shape=SHAPE):
    whole = np.zeros(shape, np.bool_)
    whole[rect.slices] = mask
    return whole


def _distance(start, end, size):
    """Distance of every pixel centre to the (snapped) way of the brush."""
    before, after = (0.0, 0.5) if size % 2 else (0.5, 0.0)
    a = np.floor(np.array(start) + before) + after
    b = np.floor(np.array(end) + before) + after
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    points = np.stack([cols + 0.5, rows + 0.5], axis=-1)
    along = np.clip(((points - a) @ (b - a)) / max((b - a) @ (b - a), 1e-12), 0, 1)
    return np.linalg.norm(points - (a + along[..., None] * (b - a)), axis=-1)


@settings(max_examples=300, deadline=None)
@given(_places, _places, st.integers(1, 12))
def test_a_stroke_is_every_pixel_within_the_radius(start, end, size):
    rect, mask = stroke_mask(start, end, size, SHAPE)
    assert mask.shape == rect.shape
    painted = _placed(rect, mask)
    distance = _distance(start, end, size)
    assert painted[distance < size / 2 - 1e-5].all()
    assert not painted[distance > size / 2 + 1e-5].any()


@settings(max_examples=200, deadline=None)
@given(_places, _places, st.integers(1, 3))
def test_a_thin_line_inside_the_image_has_no_gap(start, end, size):
    start, end = np.clip(start, 2, 20), np.clip(end, 2, 20)
    rect, mask = stroke_mask(tuple(start), tuple(end), size, SHAPE)
    painted = np.argwhere(_placed(rect, mask))
    steps = max(np.ptp(painted[:, 0]), np.ptp(painted[:, 1])) + 1
    assert len(painted) >= steps
    rows_met = set(painted[:, 0].tolist())
    assert rows_met == set(range(min(rows_met), max(rows_met) + 1))


@settings(max_examples=100, deadline=None)
@given(_places, st.integers(1, 12))
def test_a_dab_is_the_same_disk_everywhere(place, size):
    stamp = disk_stamp(size)
    assert stamp.shape == (size, size)
    inside = tuple(np.clip(place, 13, 17))
    rect, mask = stroke_mask(inside, inside, size, (40, 40))
    assert rect.shape == (size, size)
    assert np.array_equal(mask, stamp)


def test_a_dab_of_one_pixel_is_the_pixel_under_the_position():
    rect, mask = stroke_mask((4.9, 7.2), (4.9, 7.2), 1, SHAPE)
    assert rect == Rect(7, 4, 8, 5)
    assert mask.all()


def test_a_stroke_outside_is_empty():
    rect, mask = stroke_mask((-50, 5), (-40, 5), 9, SHAPE)
    assert rect.is_empty
    assert mask.size == 0


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 22), st.integers(0, 30), st.integers(1, 23), st.integers(1, 31))
def test_a_polygon_along_pixel_edges_is_exactly_those_pixels(row, col, height, width):
    bottom, right = min(SHAPE[0], row + height), min(SHAPE[1], col + width)
    rect, mask = polygon_mask([(col, row), (right, row), (right, bottom), (col, bottom)], SHAPE)
    assert rect == Rect(row, col, bottom, right)
    assert mask.all()


_corners = st.tuples(st.floats(-6, 38), st.floats(-6, 30))


@settings(max_examples=200, deadline=None)
@given(_corners, _corners, _corners)
def test_a_triangle_is_every_pixel_whose_centre_is_inside(a, b, c):
    rect, mask = polygon_mask([a, b, c], SHAPE)
    painted = _placed(rect, mask)
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    sides = np.stack(
        [
            (x1 - x0) * (rows + 0.5 - y0) - (y1 - y0) * (cols + 0.5 - x0)
            for (x0, y0), (x1, y1) in ((a, b), (b, c), (c, a))
        ]
    )  # twice the area between each side and a centre; its sign says on which side that is
    assert painted[(sides > 1e-6).all(0) | (sides < -1e-6).all(0)].all()
    assert not painted[(sides > 1e-6).any(0) & (sides < -1e-6).any(0)].any()


def test_a_ring_inside_another_is_a_hole():
    outer = [(1, 1), (9, 1), (9, 9), (1, 9)]
    inner = [(3, 3), (5, 3), (5, 5), (3, 5)]
    rect, mask = rings_mask([outer, inner], SHAPE)
    expected = np.zeros(SHAPE, np.bool_)
    expected[1:9, 1:9] = True
    expected[3:5, 3:5] = False
    assert np.array_equal(_placed(rect, mask), expected)


def test_a_lasso_that_crosses_itself_keeps_its_middle():
    twice_around = [(2, 2), (12, 2), (12, 12), (2, 12), (2, 2), (4, 4), (10, 4), (10, 10), (4, 10), (4, 4)]
    rect, mask = polygon_mask(twice_around, SHAPE)
    assert _placed(rect, mask)[7, 7]
    rect, mask = polygon_mask(twice_around, SHAPE, "evenodd")
    assert not _placed(rect, mask)[7, 7]


@pytest.mark.parametrize(
    "vertices",
    [[], [(1, 1)], [(1, 1), (5, 5)], [(1, 1), (float("nan"), 5), (3, 3)], [(90, 90), (95, 90), (95, 99)]],
)
def test_what_is_no_area_is_empty(vertices):
    rect, mask = polygon_mask(vertices, SHAPE)
    assert rect.is_empty
    assert mask.size == 0


def test_a_polygon_larger_than_the_image_fills_it():
    rect, mask = polygon_mask([(-1e9, -1e9), (1e9, -1e9), (1e9, 1e9), (-1e9, 1e9)], SHAPE)
    assert rect == Rect.whole(SHAPE)
    assert mask.all()


@given(st.integers(-5, 50), st.integers(-5, 50))
def test_coordinates_go_there_and_back(row, col):
    assert rc_from_xy(xy_from_rc((row, col))) == (row, col)
    assert rc_from_xy((col + 0.999, float(row))) == (row, col)
    assert is_inside((row, col), SHAPE) == (0 <= row < 23 and 0 <= col < 31)
