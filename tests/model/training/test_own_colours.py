"""Whether outlines follow a picture's own colours is asked of the pictures that are learned from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from model.networks.config import DetailConfig
from model.prediction import predictor as prediction
from model.prediction.predictor import Predictor
from model.training.types import LabelledImage
from model.weights.checkpoint import load, save
from tests.discs import discs, learned

PLACES = ((16, 18), (16, 44), (44, 30), (46, 70), (20, 76))


def shown(background, light, seed=0, *, is_striped=False):
    """Blurred discs of some brightness; striped ones of which half of the stripes look like the background."""
    numbers = discs(PLACES, radius=11)
    grey = ndimage.gaussian_filter(np.where(numbers > 0, float(light), float(background)), 2.0)
    if is_striped:
        rows = np.arange(len(numbers))[:, None] // 2 % 2 == 0
        grey = np.where(rows, 255.0 - grey, grey)
    grey = grey[..., None] + np.random.default_rng(seed).normal(0, 3, (*numbers.shape, 3))
    image = grey.clip(0, 255).astype(np.uint8)
    return LabelledImage(image, (numbers > 0).astype(np.uint8), f"discs {seed}", objects=numbers)


@pytest.fixture(scope="module")
def taught():
    """A network that has learned from pictures of which each has another light."""
    torch.set_num_threads(1)
    lights = ((200, 120), (240, 60), (120, 40), (220, 180))
    return learned([shown(*light, seed) for seed, light in enumerate(lights)], steps=60).network


def test_colours_count_where_every_picture_has_its_own_light(taught):
    assert taught.detail_config.own_colours > 0


def test_they_count_for_nothing_where_a_picture_shows_no_contrast():
    striped = [shown(20, 200, seed, is_striped=True) for seed in range(3)]
    assert learned(striped, steps=60).network.detail_config.own_colours == 0


def test_they_are_saved_and_predicted_with(taught, tmp_path, monkeypatch):
    save(tmp_path / "w.safetensors", taught)
    again, _ = load(tmp_path / "w.safetensors")
    assert again.detail_config.own_colours == taught.detail_config.own_colours
    asked = []
    monkeypatch.setattr(prediction, "redraw", lambda answer, pixels, **how: asked.append(how))
    predictor = Predictor(again, "cpu")
    predictor.set_image(shown(200, 120).image, for_clicks=False)
    predictor.predict_classes()
    side = taught.detail_config.object_side
    assert asked == [{"strength": taught.detail_config.own_colours / 100, "side": side}]


def test_weights_from_before_go_on_as_they_were():
    before = replace(DetailConfig(), separates=1)
    assert "own_colours" not in before.to_json(), "older programs can go on reading such weights"
    assert DetailConfig.split(before.to_json())[0].own_colours == 0
