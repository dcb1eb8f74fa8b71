"""Corners of the lattice keep apart, however short the reach."""

import numpy as np
import pytest

from model.errors import ModelError
from model.prediction import crf as lattice
from model.prediction.crf import Crf, Lattice, refine


def points(reach, count=4000, seed=0):
    colours = np.random.default_rng(seed).integers(0, 256, (count, 5)).astype(np.float32)
    return (colours / np.float32(reach)).astype(np.float32)


def test_numbers_of_corners_are_the_same_filter_however_they_are_made(monkeypatch):
    maps = np.random.default_rng(1).random((3, 4000)).astype(np.float32)
    exact = Lattice(points(20.0)).smooth(maps)
    factors = lattice._factors
    monkeypatch.setattr(lattice, "_factors", lambda reach, dim: factors(2**40, dim))
    assert np.allclose(Lattice(points(20.0)).smooth(maps), exact, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("reach", [0.5, 0.1, 0.01, 0.001])
def test_no_two_corners_share_a_number(reach):
    given = points(reach)
    keys, _ = lattice._corners(given)
    corners = keys.reshape(-1, 5)
    numbers = corners @ lattice._factors(lattice._reach(given), 5)
    assert len(np.unique(numbers)) == len(np.unique(corners, axis=0))


def test_a_reach_of_next_to_nothing_leaves_the_picture_alone_and_less_is_refused():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    chances = np.random.default_rng(1).dirichlet((1, 1), (20, 30)).transpose(2, 0, 1).astype(np.float32)
    crf = Crf(appearance_rgb=0.001, appearance_xy=0.001, smoothness=0.0)
    refined = refine(chances, pixels, crf)
    assert (refined.argmax(0) == chances.argmax(0)).all()
    for bad in (0.0005, 0.0, -1.0, float("nan")):
        with pytest.raises(ModelError, match="reaches from"):
            Crf(appearance_rgb=bad)
