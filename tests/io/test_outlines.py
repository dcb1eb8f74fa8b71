import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask
from scipy import ndimage

from latentseg_gui.document.masks.brush import polygon_mask, rings_mask
from latentseg_gui.document.types import Rect
from latentseg_gui.io.masks import rle
from latentseg_gui.io.masks.polygons import keyhole, outlines_of

masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14))


@settings(max_examples=200, deadline=None)
@given(masks, st.integers(0, 5), st.integers(0, 5))
def test_outlines_are_exactly_the_area(mask, row, col):
    shape = (mask.shape[0] + row, mask.shape[1] + col)
    rect = Rect(row, col, *shape)
    outlines = outlines_of(mask, rect)
    assert len(outlines) == ndimage.label(mask)[1]
    whole = np.zeros(shape, np.bool_)
    by_keyhole = np.zeros(shape, np.bool_)
    for outline in outlines:
        box, part = rings_mask([outline.outer, *outline.holes], shape)
        assert not (whole[box.slices] & part).any()
        whole[box.slices] |= part
        for rule in ("evenodd", "nonzero"):
            box, part = polygon_mask(keyhole(outline), shape, rule)
            by_keyhole[box.slices] |= part
            assert part.sum() == (rings_mask([outline.outer, *outline.holes], shape)[1]).sum()
    expected = np.zeros(shape, np.bool_)
    expected[rect.slices] = mask
    assert np.array_equal(whole, expected)
    assert np.array_equal(by_keyhole, expected)


def test_a_box_with_a_hole_has_four_corners_each():
    mask = np.ones((5, 6), np.bool_)
    mask[2, 2:4] = False
    (outline,) = outlines_of(mask, Rect(0, 0, 5, 6))
    assert sorted(outline.outer) == [(0, 0), (0, 5), (6, 0), (6, 5)]
    assert sorted(outline.holes[0]) == [(2, 2), (2, 3), (4, 2), (4, 3)]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@settings(max_examples=100, deadline=None)
@given(masks)
def test_run_lengths_are_those_of_pycocotools(mask):
    code = rle.rle_dict(mask)
    theirs = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert code["counts"] == theirs["counts"].decode()
    assert np.array_equal(coco_mask.decode(code).astype(bool), mask)
    assert np.array_equal(rle.mask_from_dict(code, mask.shape), mask)
    assert np.array_equal(rle.mask_from_dict({**code, "counts": rle.runs_of(mask)}, mask.shape), mask)


@settings(max_examples=200, deadline=None)
@given(masks, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_run_lengths_of_a_part_are_those_of_the_whole(mask, above, left, below, right):
    rect = Rect(above, left, above + mask.shape[0], left + mask.shape[1])
    whole = np.pad(mask, ((above, below), (left, right)))
    assert rle.runs_of_part(rect, mask, whole.shape) == rle.runs_of(whole)


@pytest.mark.parametrize(
    "counts", ["", "~~~", "0" * 9, "o" * 50, [1, 2], [-1, 13], ["twelve"], None, [10**30], "P" * 20, "é"]
)
def test_codes_that_do_not_fit_are_refused(counts):
    with pytest.raises(ValueError, match="r"):
        rle.mask_from_dict({"size": [3, 4], "counts": counts}, (3, 4))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=12))
def test_any_text_is_a_code_or_refused(text):
    try:
        runs = rle.unpacked(text)
    except ValueError:
        return
    assert rle.unpacked(rle.compressed_text(runs)) == runs
