"""Where the model is in doubt: close classes, heads that ask other experts, and nothing already labelled for."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from latentseg_gui.document.types import Rect
from latentseg_gui.inference.engine import Engine
from latentseg_gui.inference.messages import EncodeImage, LoadWeights, PredictClasses
from latentseg_gui.inference.training.messages import FindUncertainRegions
from latentseg_gui.inference.training.uncertain_regions import (
    _grown,
    disagreement,
    find_uncertain_regions,
    margins,
    spot_in,
    worst_windows,
)
from model.weights.checkpoint import CheckpointMeta, save
from tests.tiny import disks, tiny_network


class Oracle:
    """A predictor that is unsure where it is told to be."""

    def __init__(self, unsure, mix):
        self._unsure, self._mix = unsure, mix

    def set_image(self, pixels):
        self.shape = pixels.shape

    def predict_overview(self):
        first = np.where(self._unsure, 0.5, 0.98).astype(np.float32)
        return np.stack((first, (1 - first) * 0.9, (1 - first) * 0.1))

    def attention(self):
        return SimpleNamespace(mix=self._mix)


def agreeing(heads=2, experts=4, size=(15, 20)):
    mix = np.zeros((heads, experts, *size), np.float32)
    mix[:, 0] = 1
    return mix


def live(oracle):
    return SimpleNamespace(
        predictor=oracle, info=SimpleNamespace(version="v1", class_names=("sky", "tree", "car"))
    )


def asked(labelled=None):
    shape = (60, 80)
    return FindUncertainRegions(
        "a",
        np.zeros((*shape, 3), np.uint8),
        np.zeros(shape, bool) if labelled is None else labelled,
        (120, 160),
    )


def test_the_unsure_corner_comes_first_with_the_classes_in_question():
    unsure = np.zeros((60, 80), bool)
    unsure[:14, :14] = True
    found = find_uncertain_regions(asked(), live(Oracle(unsure, agreeing())))
    place = found.regions[0]
    assert (place.why, place.classes) == ("unsure", ("sky", "tree"))
    assert place.rect.row0 < 10
    assert place.rect.col0 < 10
    assert 24 <= place.rect.shape[0] <= 38
    assert 0 < found.uncertainty < 0.2
    assert [each.score for each in found.regions] == sorted(
        (each.score for each in found.regions), reverse=True
    )


def test_a_region_is_the_doubtful_spot_and_not_the_window_round_it():
    unsure = np.zeros((60, 80), bool)
    unsure[30:36, 41:48] = True
    place = find_uncertain_regions(asked(), live(Oracle(unsure, agreeing()))).regions[0]
    middle = (place.rect.row0 + place.rect.row1) / 2, (place.rect.col0 + place.rect.col1) / 2
    assert middle == pytest.approx((66, 89), abs=3), "the middle of the spot, in pixels of the image"
    assert place.rect.row0 <= 60
    assert place.rect.col1 >= 96
    assert max(place.rect.shape) <= 24


@given(st.integers(0, 500), st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_a_spot_lies_where_its_window_does(seed, size):
    score = np.random.default_rng(seed).random(size).astype(np.float32)
    for window in worst_windows(score, np.ones(size, bool)):
        spot = spot_in(score, window)
        assert not spot.is_empty
        assert spot == spot.clipped(size)
        assert max(spot.row0, window.row0) < min(spot.row1, window.row1)
        assert max(spot.col0, window.col0) < min(spot.col1, window.col1)


def test_what_is_labelled_is_no_doubt():
    unsure = np.zeros((60, 80), bool)
    unsure[:14, :14] = True
    assert not find_uncertain_regions(asked(labelled=unsure), live(Oracle(unsure, agreeing()))).regions
    assert not find_uncertain_regions(
        asked(np.ones((60, 80), bool)), live(Oracle(unsure, agreeing()))
    ).regions


def test_heads_that_ask_other_experts_are_a_reason_of_their_own():
    mix = agreeing()
    mix[0, 0, 10:, 15:], mix[0, 3, 10:, 15:] = 0, 1
    apart = disagreement(mix)
    assert apart[12, 18] == pytest.approx(1.0, abs=1e-4)
    assert apart[2, 2] == pytest.approx(0.0, abs=1e-4)
    (place, *_) = find_uncertain_regions(asked(), live(Oracle(np.zeros((60, 80), bool), mix))).regions
    assert place.why == "experts"
    assert place.rect.row1 > 100
    assert place.rect.col1 > 140
    assert not disagreement(mix[:1]).any()


def test_places_do_not_lie_over_each_other():
    score = np.random.default_rng(0).random((60, 80)).astype(np.float32)
    windows = worst_windows(score, np.ones((60, 80), bool))
    assert len(windows) == 5
    cover = np.zeros((60, 80), int)
    for window in windows:
        assert window == window.clipped((60, 80))
        cover[window.slices] += 1
    assert cover.max() == 1


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (8, 8)])
def test_pictures_of_any_size(size):
    score = np.ones(size, np.float32)
    assert worst_windows(score, np.ones(size, bool))[0].clipped(size) != Rect(0, 0, 0, 0)
    chances = np.ones((1, *size), np.float32)
    assert not margins(chances)[0].any()


def test_the_engine_answers_and_goes_on_with_the_image_it_showed(tmp_path):
    torch.set_num_threads(1)
    path = tmp_path / "tiny.safetensors"
    save(path, tiny_network(), CheckpointMeta(("background", "disk")))
    engine = Engine()
    engine.handle(LoadWeights(path, "v1", "cpu"))
    image, _ = disks(0)
    engine.handle(EncodeImage("a", image))
    before = engine.handle(PredictClasses("a"))
    found = engine.handle(
        FindUncertainRegions("b", image[::2, ::2].copy(), np.zeros((32, 40), bool), (64, 80))
    )
    assert found.version == "v1"
    assert 0 <= found.uncertainty <= 1
    assert (engine.handle(PredictClasses("a")).labels == before.labels).all()


def test_a_place_of_the_reduced_image_is_found_in_the_image() -> None:
    assert _grown(Rect(1, 2, 3, 5), (10.0, 4.0), (40, 18)) == Rect(10, 8, 30, 18), (
        "rows by rows, no pixel outside"
    )
