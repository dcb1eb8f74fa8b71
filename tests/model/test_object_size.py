"""Objects larger than those that were learned from are seen from further away, wherever classes are predicted."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.analysis.objects import deep_classes, side_of
from model.errors import ModelError
from model.prediction.object_size import scale_for
from model.prediction.predictor import Predictor
from model.prediction.testtime import PredictOptions
from model.training.separation import depth_of, learned_side
from model.training.types import FineTuneConfig, LabelledImage
from model.weights.checkpoint import load, save
from tests.discs import discs, learned, touching


@pytest.fixture(scope="module")
def taught():
    """A network that has learned discs of eleven pixels' radius."""
    torch.set_num_threads(1)
    return learned([touching(0), touching(1)], steps=120).network


def seen_as(radius):
    """What a network says that finds discs of a radius, at whatever size it is shown the picture."""

    def maps(pixels):
        half = max(1, round(radius / 2))
        places = tuple((row, col) for row in (60, 160) for col in (60, 160, 260))
        numbers = discs(places, radius=half, shape=(220, 320))
        logits = torch.from_numpy(np.where(numbers > 0, 4.0, -4.0)).float()
        depth = torch.from_numpy(depth_of(numbers)).clamp(1e-4, 1 - 1e-4).logit()
        return torch.stack((-logits, logits, depth))

    return maps


def grey(rows=440, cols=640):
    return np.full((rows, cols, 3), 90, np.uint8)


def test_much_larger_objects_are_reduced_to_the_learned_size_and_others_left_alone():
    learned_from = 30.0
    side = 40 * np.pi**0.5
    assert scale_for(learned_from, grey(), seen_as(40)) == pytest.approx(learned_from / side, rel=0.1)
    assert scale_for(learned_from, grey(), seen_as(8)) == 1.0
    assert scale_for(0.6 * side, grey(), seen_as(40)) == 1.0, "variations while learning were as large"
    assert scale_for(2.0, grey(), seen_as(40)) == 0.25, "it goes no further than other sizes do"


def test_without_objects_or_a_learned_size_a_picture_is_seen_as_it_is():
    def nothing(pixels):
        return torch.full((3, *pixels.shape[:2]), -9.0) + torch.tensor([9.0, 0, 0])[:, None, None]

    def never(pixels):
        raise AssertionError("nobody needs to look")

    assert scale_for(20.0, grey(), nothing) == 1.0
    assert scale_for(0.0, grey(), never) == 1.0
    assert scale_for(50.0, grey(6, 9), never) == 1.0, "a picture smaller than an object has no larger ones"


def test_of_a_large_picture_the_middle_is_looked_at():
    shapes = []

    def maps(pixels):
        shapes.append(pixels.shape)
        return seen_as(8)(pixels)

    scale_for(20.0, np.zeros((5000, 1000, 3), np.uint8), maps)
    assert shapes == [(724, 500, 3)]


def test_the_size_of_objects_is_their_median_whatever_their_numbers_are():
    numbers = np.zeros((40, 60), np.int32)
    for number, (col, side) in zip((7, 900, 3_000_000), ((0, 4), (10, 6), (30, 20)), strict=True):
        numbers[:side, col : col + side] = number
    assert side_of(numbers) == 6
    assert side_of(np.zeros((3, 3), np.int32)) == 0
    labels = (numbers > 0).astype(np.uint8)
    twice = [LabelledImage(np.zeros((40, 60, 3), np.uint8), labels, objects=numbers)] * 2
    assert learned_side(twice) == 6
    ignored = np.where(numbers == 3_000_000, 255, labels).astype(np.uint8)
    assert learned_side([LabelledImage(twice[0].image, ignored, objects=numbers)]) == round(26**0.5)


def test_classes_with_objects_are_those_that_are_deep():
    labels = np.repeat(np.array([0, 1, 2], np.uint8), 4)[None]
    depth = np.repeat(np.array([0.0, 0.5, 0.05], np.float32), 4)[None]
    assert np.flatnonzero(deep_classes(labels, depth)).tolist() == [1]


def test_fine_tuning_remembers_the_size_and_weights_keep_it(taught, tmp_path):
    side = learned_side([touching(0), touching(1)])
    assert taught.detail_config.object_side == side > 0
    save(tmp_path / "a.safetensors", taught)
    again, _ = load(tmp_path / "a.safetensors")
    assert again.detail_config.object_side == side
    later = learned([touching(3)], FineTuneConfig(num_classes=2, seconds=1.0, held_out=0.0), 4, again).network
    assert later.detail_config.object_side == learned_side([touching(3)])


def test_weights_from_before_are_read_and_see_everything_at_its_size(taught):
    before = taught.give_separation(0)
    assert "object_side" not in before.to_json(), "older programs can go on reading such weights"
    predictor = Predictor(before, "cpu")
    predictor.set_image(touching(2).image, for_clicks=False)
    predictor.predict_classes()
    assert predictor.encoder_runs == 1


def test_a_file_whose_size_of_objects_is_nonsense_is_refused(taught, tmp_path):
    path = tmp_path / "a.safetensors"
    save(path, taught)
    whole = path.read_bytes()
    key, value = b'\\"object_side\\": ', str(taught.detail_config.object_side).encode()
    assert whole.count(key + value) == 1
    path.write_bytes(whole.replace(key + value, key + b"-" + b"9" * (len(value) - 1)))
    with pytest.raises(ModelError):
        load(path)


def test_large_objects_are_predicted_at_the_smaller_size_in_every_way(taught):
    """Classes, probabilities, a mirror image: all are of the same look; clicks are not concerned."""
    small = touching(4).image
    large = small.repeat(3, 0).repeat(3, 1)
    predictor = Predictor(taught, "cpu")
    image = predictor.set_image(large, for_clicks=False)
    labels = predictor.predict_classes().labels
    assert image.object_scale is not None
    assert image.object_scale < 0.5
    plain = predictor.encoder_runs
    shares = predictor.predict_probabilities()
    assert predictor.encoder_runs == plain + 1, "how large objects are is asked once"
    assert (shares.argmax(0) == labels).mean() > 0.999
    mirrored = predictor.predict_classes(options=PredictOptions(flip=True)).labels
    assert (mirrored == labels).mean() > 0.95
    other = Predictor(taught.give_separation(0), "cpu")
    assert other.take_over(image).object_scale is None


def test_a_live_refit_leaves_what_is_seen_at_another_size_to_prediction(taught):
    small = touching(4)
    large = LabelledImage(
        *(plane.repeat(3, 0).repeat(3, 1) for plane in (small.image, small.labels)),
        "large",
        objects=small.objects.repeat(3, 0).repeat(3, 1),
    )
    config = FineTuneConfig(num_classes=2, seconds=1.0, speed="live", held_out=0.0, shown="large")
    many = [touching(0), touching(1), touching(2), large]
    assert learned(many, config, 10, taught).shown is None
