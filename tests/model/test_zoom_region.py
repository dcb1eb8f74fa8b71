"""The region of a zoom: it holds what it must, and does not move with every pixel of the mask."""

from hypothesis import given
from hypothesis import strategies as st

from model.prediction.zoom_region import GRID, on_grid

SHAPE = (900, 1300)
SPANS = [
    st.tuples(st.integers(0, side - 1), st.integers(1, side)).map(lambda ends, side=side: span(ends, side))
    for side in SHAPE
]


def span(ends, side):
    first, length = ends
    return first, min(side, first + length)


@given(*SPANS)
def test_a_region_on_the_grid_holds_what_it_was_made_of_and_little_more(rows, cols):
    bounds = rows[0], cols[0], rows[1], cols[1]
    region = on_grid(bounds, SHAPE)
    for first, last, side in ((0, 2, SHAPE[0]), (1, 3, SHAPE[1])):
        assert 0 <= region[first] <= bounds[first]
        assert bounds[last] <= region[last] <= side
        most = max(1, (bounds[last] - bounds[first]) // GRID)
        assert bounds[first] - region[first] < most or most == 1
        assert region[last] - bounds[last] < most or most == 1


def test_a_pixel_more_or_less_seldom_moves_the_region():
    moved = 0
    for start in range(100, 300):
        one, other = (on_grid((start + add, 100, start + 160 + add, 260), SHAPE) for add in (0, 1))
        moved += one != other
    assert moved <= 2 * 200 / 16, "one in sixteen for each end"
