"""What moved between versions, and what experts explain over several images."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from latentseg_gui.controllers.experts.changes import (
    ExpertChangesController,
    ExpertSnapshot,
    over_all,
    shift,
)
from latentseg_gui.document.document import Document


def snapshot(version: str, vectors: object, mix: object) -> ExpertSnapshot:
    return ExpertSnapshot(version, np.asarray(vectors, np.float32), np.asarray(mix, np.float32))


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


def test_what_has_moved_is_said_when_other_weights_look_at_the_same_image(qapp: object) -> None:
    deaf = SimpleNamespace(connect=lambda _: None)
    said: list[object] = []
    panel = SimpleNamespace(view=SimpleNamespace(comparisons=SimpleNamespace(set_shift=said.append)))
    inspect = SimpleNamespace(maps_arrived=deaf, maps_kept=deaf, untouched=None)
    changes = ExpertChangesController(Document(), panel, inspect)  # type: ignore[arg-type]
    for version in ("v1", "v1", "v2"):
        vectors = np.eye(2, dtype=np.float32)[:: 1 if version == "v1" else -1]
        mix = np.full((1, 2, 3, 3), 0.5, np.float32)
        similarity = SimpleNamespace(vectors=vectors)
        maps = SimpleNamespace(
            image_id="a", version=version, mix=mix, similarity=similarity, shape=(9, 9), stride=3
        )
        changes._on_maps(maps)  # type: ignore[arg-type]
    first, moved = said
    assert first is None, "nothing to compare with, and the same weights say nothing new"
    assert (moved.before, moved.after) == ("v1", "v2")
    assert moved.vectors == pytest.approx([1, 1])
