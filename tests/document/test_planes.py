"""Changes as bytes: small where one value changes in one shape, exact in every other case."""

from __future__ import annotations

import itertools
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentseg_gui.document.masks.layers import Delta
from latentseg_gui.document.project.changes import MaskChange
from latentseg_gui.document.project.planes import PackedPlanes, packed
from latentseg_gui.document.types import Rect

TYPES = (np.uint8, np.uint8, np.uint32)


@given(
    size=st.integers(1, 70),
    values=st.lists(
        st.lists(st.sampled_from((0, 1, 254, 255)), min_size=1, max_size=3), min_size=3, max_size=3
    ),
    seed=st.integers(0, 99),
    cuts=st.lists(st.integers(0, 70), max_size=4),
)
def test_arrays_come_back_as_they_were(
    size: int, values: list[list[int]], seed: int, cuts: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    planes = [rng.choice(choice, size).astype(dtype) for choice, dtype in zip(values, TYPES, strict=True)]
    ends = sorted({min(cut, size) for cut in cuts} | {0, size})
    stretches = list(itertools.pairwise(ends))
    blob = packed([[plane[start:stop] for start, stop in stretches] for plane in planes])
    assert blob == packed([[plane] for plane in planes]), "however they are cut"
    back = PackedPlanes(blob, size, TYPES)
    for start, stop in [(0, size), *stretches]:
        for before, after in zip(planes, back.stretch(start, stop), strict=True):
            assert after.dtype == before.dtype
            np.testing.assert_array_equal(after, before[start:stop])


def test_one_value_in_one_shape_takes_a_bit_per_pixel() -> None:
    shape = np.random.default_rng(0).integers(0, 2, 80_000).astype(np.uint8)
    blob = packed([[shape * 254], [shape * 3], [shape.astype(np.uint32) * 70_000]])
    assert len(blob) < 80_000 / 8 * 1.1


def test_a_stream_of_the_older_form_is_still_read() -> None:
    labels = np.arange(12, dtype=np.uint8)
    blob = zlib.compress(labels.tobytes() + labels[::-1].tobytes(), 1)
    [delta] = MaskChange("image", (Rect(0, 0, 3, 4),), False, blob).deltas()
    np.testing.assert_array_equal(delta.labels, labels.reshape(3, 4))
    np.testing.assert_array_equal(delta.provenance, labels[::-1].reshape(3, 4))


@pytest.mark.parametrize("damage", [b"", b"\x01", b"\x01" + b"\x09" * 40, b"rubbish"])
def test_bytes_of_nothing_are_refused(damage: bytes) -> None:
    with pytest.raises(ValueError, match="d"):
        PackedPlanes(damage, 12, TYPES)


def test_a_change_of_labels_alone_has_no_object_numbers() -> None:
    delta = Delta(Rect(2, 3, 4, 6), np.full((2, 3), 7, np.uint8), np.full((2, 3), 3, np.uint8))
    change = MaskChange.of("image", [delta])
    assert not change.has_instances
    [back] = change.deltas()
    assert back.instances is None
    np.testing.assert_array_equal(back.labels, delta.labels)
