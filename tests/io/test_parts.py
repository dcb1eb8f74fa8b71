"""Connected parts from runs are those from an array of numbers, in the same order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from latentseg_gui.document.types import Rect
from latentseg_gui.io.masks import parts
from latentseg_gui.io.masks.parts import connected_parts

_masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14))


def by_numbers(mask: np.ndarray) -> list[tuple[Rect, np.ndarray]]:
    numbers, _ = ndimage.label(mask)
    places = ndimage.find_objects(numbers)
    return [
        (Rect(row.start, col.start, row.stop, col.stop), numbers[row, col] == index)
        for index, (row, col) in enumerate(places, 1)
    ]


def assert_same(mask: np.ndarray) -> None:
    found, expected = list(connected_parts(lambda rows: mask[rows], mask.shape)), by_numbers(mask)
    assert [rect for rect, _ in found] == [rect for rect, _ in expected]
    for (_, one), (_, other) in zip(found, expected, strict=True):
        assert one.dtype == np.bool_
        np.testing.assert_array_equal(one, other)


@given(_masks)
def test_any_small_mask(mask):
    assert_same(mask)


@given(_masks, st.sampled_from([1, 5, 30]))
def test_however_many_rows_are_looked_at_together(mask, pixels):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "_BAND_PIXELS", pixels)
        assert_same(mask)


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.58, 0.62, 0.9])
def test_blobs_with_holes_and_tongues(threshold):
    rng = np.random.default_rng(3)
    assert_same(ndimage.gaussian_filter(rng.random((300, 411)), 2) > 0.5 + (threshold - 0.5) / 5)
    assert_same(rng.random((90, 120)) < threshold)


def test_noise_is_numbered_and_gives_the_same():
    mask = np.random.default_rng(0).random((2000, 2000)) < 0.5
    assert parts._runs_of(lambda rows: mask[rows], mask.shape) is None
    assert_same(mask[:300, :300])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "_BAND_PIXELS", 1)
        assert_same(mask[:60, :60])
