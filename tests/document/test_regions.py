import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from latentseg_gui.document.masks import regions
from latentseg_gui.document.types import Rect

_masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24))


@settings(max_examples=100, deadline=None)
@given(hnp.arrays(np.uint8, (17, 13), elements=st.integers(0, 2)), st.integers(0, 16), st.integers(0, 12))
def test_flood_fill_is_the_component_of_the_class(labels, row, col):
    rect, mask = regions.flood_fill(labels, (row, col))
    numbers, _ = ndimage.label(labels == labels[row, col])
    whole = np.zeros(labels.shape, np.bool_)
    whole[rect.slices] = mask
    assert np.array_equal(whole, numbers == numbers[row, col])


def test_a_fill_that_leaves_the_first_window_is_complete():
    labels = np.zeros((700, 1500), np.uint8)
    labels[::2] = 1
    labels[:, -1] = 1  # a comb: every second row hangs on the last column
    rect, mask = regions.flood_fill(labels, (350, 3))
    assert rect == Rect(0, 0, 700, 1500)
    assert mask.sum() == (labels == 1).sum()


def test_the_wand_stops_where_the_colour_changes():
    pixels = np.full((40, 40, 3), 100, np.uint8)
    pixels[:, 20:] = 120
    pixels[5, 5] = 109
    rect, mask = regions.magic_wand(pixels, (0, 0), 10)
    assert rect == Rect(0, 0, 40, 20)
    assert mask.all()
    assert regions.magic_wand(pixels, (0, 0), 20)[1].shape == (40, 40)
    assert regions.magic_wand(pixels, (-1, 0), 20)[0].is_empty


def test_component_at_is_empty_off_the_mask():
    mask = np.zeros((9, 9), np.bool_)
    mask[2:4, 2:5] = True
    assert regions.component_at(mask, (0, 0))[0].is_empty
    rect, part = regions.component_at(mask, (3, 3))
    assert rect == Rect(2, 2, 4, 5)
    assert part.all()


def test_holes_are_filled_up_to_a_size():
    mask = np.ones((20, 20), np.bool_)
    mask[2:4, 2:4] = False
    mask[8:16, 8:16] = False
    mask[0, 10] = False  # open to the border: no hole
    filled = regions.fill_holes(mask, 10)
    assert filled[2:4, 2:4].all()
    assert not filled[8:16, 8:16].any()
    assert regions.fill_holes(mask)[8:16, 8:16].all()
    assert not regions.fill_holes(mask)[0, 10]


@settings(max_examples=60, deadline=None)
@given(_masks, st.integers(1, 9))
def test_specks_go_and_the_rest_stays(mask, min_area):
    kept = regions.remove_specks(mask, min_area)
    numbers, count = ndimage.label(mask)
    for number in range(1, count + 1):
        part = numbers == number
        assert kept[part].all() if part.sum() >= min_area else not kept[part].any()
    assert not kept[~mask].any()


@settings(max_examples=60, deadline=None)
@given(_masks, st.floats(0.5, 4))
def test_growing_and_shrinking_are_monotone(mask, radius):
    grown, shrunk = regions.grow(mask, radius), regions.shrink(mask, radius)
    assert grown[mask].all()
    assert not shrunk[~mask].any()
    assert np.array_equal(regions.shrink(~mask, radius) if mask.any() and not mask.all() else ~grown, ~grown)


def test_smoothing_removes_a_spike_and_keeps_the_body():
    mask = np.zeros((40, 40), np.bool_)
    mask[10:30, 10:30] = True
    mask[20, 30:38] = True
    smoothed = regions.smooth(mask, 3)
    assert smoothed[12:28, 12:28].all()
    assert not smoothed[20, 33:].any()


@pytest.mark.parametrize("radius", [1.0, 3.5, 20.0])
def test_work_along_edges_only_gives_what_the_whole_image_gives(radius):
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(300, 420)), 9)
    mask = noise > 0.01
    mask[130:, 200:] = True
    distance_out, distance_in = ndimage.distance_transform_edt(~mask), ndimage.distance_transform_edt(mask)
    assert np.array_equal(regions.grow(mask, radius), distance_out <= radius)
    assert np.array_equal(regions.shrink(mask, radius), distance_in > radius)
    blurred = ndimage.gaussian_filter(mask.astype(np.float32), radius / 2, mode="nearest")
    clear = np.abs(blurred - 0.5) > 1e-4
    assert np.array_equal(regions.smooth(mask, radius)[clear], (blurred >= 0.5)[clear])


def test_uniform_masks_stay_as_they_are():
    for value in (True, False):
        mask = np.full((5, 7), value)
        for operation in (regions.grow, regions.shrink, regions.smooth):
            assert np.array_equal(operation(mask, 2), mask)
