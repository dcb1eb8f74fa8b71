"""What moved between versions, and what experts explain over several images."""

from __future__ import annotations

import numpy as np
import pytest

from latentseg_gui.controllers.experts.changes import Snapshot, over_all, shift


def snapshot(version: str, vectors: object, mix: object) -> Snapshot:
    return Snapshot(version, np.asarray(vectors, np.float32), np.asarray(mix, np.float32))


def test_what_stayed_is_zero_and_what_turned_is_not() -> None:
    mix = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    before = snapshot("v1", [[1, 0], [0, 2]], mix)
    after = snapshot("v2", [[3, 0], [2, 0]], mix[:, :, ::-1])
    same = shift(before, snapshot("v2", [[2, 0], [0, 1]], mix))
    moved = shift(before, after)
    assert same is not None
    assert moved is not None
    assert same.vectors == pytest.approx([0, 0], abs=1e-6)
    assert same.maps == pytest.approx([0, 0], abs=1e-6)
    assert moved.vectors == pytest.approx([0, 1], abs=1e-6)
    assert moved.maps == pytest.approx([1, 1], abs=1e-6)
    assert (moved.before, moved.after) == ("v1", "v2")


def test_other_experts_cannot_be_compared() -> None:
    before = snapshot("v1", np.ones((2, 3)), np.ones((2, 1, 1)))
    assert shift(before, snapshot("v2", np.ones((3, 3)), np.ones((3, 1, 1)))) is None
    assert shift(before, snapshot("v2", np.ones((2, 4)), np.ones((2, 1, 1)))) is None


def test_images_add_up_by_how_much_an_expert_explains_in_them() -> None:
    one = np.array([[0.3, 0.0], [0.0, 0.0]], np.float32)
    other = np.array([[0.0, 0.1], [0.0, 0.0]], np.float32)
    folder = over_all([one, other], 5)
    assert (folder.images, folder.total) == (2, 5)
    assert folder.shares[0] == pytest.approx([0.75, 0.25])
    assert folder.shares[1] == pytest.approx([0, 0])
