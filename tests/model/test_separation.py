"""Objects of one class that touch come apart: learned from numbered objects, decoded, saved, in tiles."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from model.analysis.objects import ObjectOptions, hills_of, numbered_hills, objects_of
from model.networks.detail_network import DetailNetwork
from model.prediction.inputs import brightened
from model.prediction.predictor import Predictor
from model.training.finetune import FineTuneConfig, LabelledImage, finetune
from model.training.separation import depth_loss, depth_of, targets_of, things_in
from model.training.types import IGNORED
from model.weights.checkpoint import load, save
from tests.discs import CONFIG, PAIRS, discs, learned, touching
from tests.tiny import tiny_network


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def job():
    torch.set_num_threads(1)
    return learned([touching(0), touching(1)], steps=250)


def predicted(network, image, **kwargs):
    predictor = Predictor(network, "cpu", **kwargs)
    predictor.set_image(image, for_clicks=False)
    return predictor.predict_classes()


def counted(prediction, options=None):
    inside, depth = prediction.labels > 0, prediction.depth.astype(np.float32) / 255
    return objects_of(inside, depth, options or ObjectOptions(smallest=40))


# -- what is learned ----------------------------------------------------------------------------------


def test_depth_is_one_in_the_middle_of_every_object_whatever_its_size():
    numbers = discs(((16, 16), (16, 40)), radius=12)
    numbers[50:56, 60:66] = 7
    depth = depth_of(numbers)
    for number in (1, 2, 7):
        assert depth[numbers == number].max() == pytest.approx(1.0)
    assert (depth[numbers == 0] == 0).all()
    assert (depth[numbers > 0] > 0).all()
    between = depth[16, 27:29]
    assert between.max() < 0.3, "there is a valley where two touch"


def test_the_border_of_the_picture_is_no_rim():
    numbers = np.zeros((20, 20), np.int32)
    numbers[:, :10] = 1
    depth = depth_of(numbers)
    assert depth[0, 0] == 1.0
    assert depth[0, 9] < 0.1


def test_what_has_no_number_of_a_class_that_is_counted_teaches_nothing():
    numbers = np.zeros((4, 4), np.int32)
    numbers[0] = 3
    labels = torch.tensor([[1, 1, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1], [255, 255, 2, 2]], dtype=torch.uint8)
    known = targets_of(torch.from_numpy(numbers), labels, frozenset({1}))[1]
    assert known.tolist() == [[1] * 4, [1] * 4, [0] * 4, [0, 0, 1, 1]]


def test_one_object_says_nothing_about_neighbours():
    one = touching(places=((20, 20),))
    assert things_in([one]) == frozenset()
    assert things_in([one, touching(1)]) == frozenset({1})


def test_loss_is_least_for_the_truth_and_nothing_where_nothing_is_known():
    sample = touching()
    labels = torch.from_numpy(sample.labels)
    targets = targets_of(torch.from_numpy(sample.objects), labels, frozenset({1}))[None]
    right = torch.logit(targets[:, :1], eps=1e-4)
    assert depth_loss(right, targets, labels[None]) < depth_loss(right.flip(-1), targets, labels[None])
    assert depth_loss(right, targets * torch.tensor([1.0, 0.0])[:, None, None], labels[None]) == 0
    assert depth_loss(right, targets, torch.full_like(labels, IGNORED)[None]) == 0


# -- objects of a landscape ---------------------------------------------------------------------------


def test_touching_discs_come_apart_where_they_touch():
    numbers = discs(PAIRS)
    found = objects_of(numbers > 0, depth_of(numbers))
    assert found.max() == 4
    for number in range(1, 5):
        values, counts = np.unique(found[numbers == number], return_counts=True)
        assert counts.max() / counts.sum() > 0.95
        assert values[counts.argmax()] > 0


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_touching_discs_come_apart_where_depth_says_no_more_than_inside(noise):
    """Few pictures may teach no more; how far it is to the outline is known of any picture."""
    numbers = discs(((20, 18), (20, 40), (44, 68), (44, 90)))
    told = 0.55 + np.random.default_rng(0).normal(0, noise, numbers.shape)
    found = objects_of(numbers > 0, told.astype(np.float32))
    assert found.max() == 4
    for number in range(1, 5):
        assert np.bincount(found[numbers == number]).max() > 0.9 * (numbers == number).sum()


def test_depth_parts_what_has_one_outline():
    """Two squares side by side without a notch where they touch: only the network knows."""
    inside = np.ones((20, 40), bool)
    numbers = np.repeat([[1, 2]], 20, 1).repeat(20, 0).astype(np.int32)
    assert objects_of(inside, depth_of(numbers)).max() == 2
    assert objects_of(inside, np.full((20, 40), 0.5, np.float32)).max() == 1


def test_separation_zero_keeps_what_hangs_together_and_one_cuts_at_every_dip():
    numbers = discs(PAIRS)
    depth = depth_of(numbers) + np.random.default_rng(0).normal(0, 0.02, numbers.shape).astype(np.float32)
    hills = hills_of(numbers > 0, depth, 0.0)
    assert numbered_hills(hills, 0.0, 1).max() == 2
    assert numbered_hills(hills, 0.75, 1).max() == 4
    assert numbered_hills(hills, 1.0, 1).max() > 4


def test_a_knob_on_the_pass_does_not_join_two_objects():
    """Joined with its neighbour first, it must not count as the lower summit of the pass to the other."""
    depth = np.zeros((1, 41), np.float32)
    depth[0] = np.concatenate((np.linspace(0.1, 1, 18), [0.5, 0.52, 0.5, 0.52, 0.5], np.linspace(1, 0.1, 18)))
    assert numbered_hills(hills_of(depth > 0, depth, 0.0), 0.8, 1).max() == 2


def test_level_ground_is_one_object():
    assert objects_of(np.ones((30, 30), bool), np.ones((30, 30), np.float32)).max() == 1


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    separation=st.floats(0, 1),
    smallest=st.integers(1, 30),
    smoothness=st.sampled_from([0.0, 1.0, 2.5]),
)
def test_whatever_the_settings_objects_are_parts_and_none_is_too_small(
    seed, separation, smallest, smoothness
):
    rng = np.random.default_rng(seed)
    shape = int(rng.integers(1, 40)), int(rng.integers(1, 40))
    inside = ndimage.gaussian_filter(rng.random(shape), 1.5) > 0.5
    depth = rng.random(shape).astype(np.float32)
    options = ObjectOptions(separation=separation, smallest=smallest, smoothness=smoothness)
    found = objects_of(inside, depth, options)
    assert not found[~inside].any()
    counts = np.bincount(found.ravel())
    assert (counts[1:] >= smallest).all(), "numbers have no gaps, and no object is too small"
    for number in range(1, len(counts)):
        _, parts = ndimage.label(found == number, np.ones((3, 3)))
        assert parts == 1
    if smallest == 1:
        assert (found[inside] > 0).all()


def test_other_settings_cost_milliseconds_for_a_megapixel():
    rng = np.random.default_rng(0)
    numbers = discs(rng.uniform(0, 1024, (400, 2)), radius=20, shape=(1024, 1024))
    hills = hills_of(numbers > 0, depth_of(numbers), 1.0)
    times = []
    for separation in np.linspace(0.3, 0.95, 9):
        started = time.process_time()
        numbered_hills(hills, float(separation), 20)
        times.append(time.process_time() - started)
    assert np.median(times) < 0.05


# -- the network --------------------------------------------------------------------------------------


def test_touching_objects_are_told_apart_after_quick_fine_tuning(job):
    fresh = touching(5, places=((30, 20), (30, 42), (30, 64)))
    prediction = predicted(job.network, fresh.image)
    assert ndimage.label(prediction.labels)[1] == 1, "by class alone it is one thing"
    assert counted(prediction).max() == 3


def test_without_numbered_objects_nothing_changes():
    samples = [touching(0), touching(1)]
    bare = [LabelledImage(each.image, each.labels, each.name) for each in samples]
    network = learned(bare, steps=20).network
    assert not network.separates
    assert predicted(network, samples[0].image).depth is None
    assert "separates" not in network.to_json(), "older programs can go on reading such weights"


def test_depth_survives_saving_other_classes_and_a_run_without_objects(job, tmp_path):
    image = touching(7).image
    before = predicted(job.network, image).depth
    save(tmp_path / "a.safetensors", job.network)
    again, _ = load(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(predicted(again, image).depth, before)
    wider = DetailNetwork.of(again, [0, 1, None])
    np.testing.assert_array_equal(predicted(wider, image).depth, before)
    bare = LabelledImage(touching(3).image, touching(3).labels, "bare")
    later = learned([bare], FineTuneConfig(num_classes=2, seconds=1.0, held_out=0.0), 10, again)
    assert later.network.separates


def test_live_refits_learn_it_from_nothing_and_show_what_they_predict():
    samples = [touching(0), touching(1)]
    config = FineTuneConfig(
        num_classes=2, seconds=1.0, speed="live", held_out=0.0, shown="discs 1", classes_kept=(None, None)
    )
    job = learned(samples, config, 200)
    assert job.shown is not None
    shown, again = job.shown.depth, predicted(job.network, samples[1].image).depth
    assert shown is not None
    assert np.abs(shown.astype(int) - again).max() <= 6  # in half as many digits
    numbers = samples[1].objects
    deep, shallow = (depth_of(numbers) > 0.8), (numbers > 0) & (depth_of(numbers) < 0.2)
    assert shown[deep].mean() > 2 * shown[shallow].mean()


def test_a_live_refit_goes_on_from_what_a_longer_run_has_learned(job):
    fresh = touching(5, places=((30, 20), (30, 42), (30, 64)))
    config = FineTuneConfig(num_classes=2, seconds=1.0, speed="live", held_out=0.0)
    network = learned([touching(0)], config, 40, job.network).network
    assert counted(predicted(network, fresh.image)).max() == 3


def test_thorough_fine_tuning_learns_it_too():
    config = FineTuneConfig(
        num_classes=2, seconds=1.0, speed="thorough", held_out=0.0, classes_kept=(None, None)
    )
    network = learned([touching(0), touching(1)], config, 60).network
    assert network.class_backbone is not None
    assert predicted(network, touching(3).image).depth.max() > 0


def test_tiles_have_no_double_objects_at_their_seams(job):
    """A row of objects, some of them on seams: their number and places are those of the picture as a whole."""
    places = tuple((32, 24 + 23 * index) for index in range(13))
    numbers = discs(places, shape=(64, 330))
    light = np.where(numbers, 45 + 40 * depth_of(numbers), 20)[..., None].repeat(3, 2)
    image = light.clip(0, 255).astype(np.uint8)
    whole, tiled = predicted(job.network, image), predicted(job.network, image, max_pixels=96 * 96)
    assert counted(whole).max() == counted(tiled).max() == len(places)


def test_numbers_that_do_not_fit_the_image_are_refused():
    sample = touching()
    with pytest.raises(Exception, match="do not fit its image"):
        finetune(
            tiny_network(),
            [LabelledImage(sample.image, sample.labels, "a", objects=np.zeros((3, 3), np.int32))],
            CONFIG,
        )


def test_dark_pictures_are_learned_from_and_predicted_alike(job):
    """Fluorescence fills a tenth of the range in one picture and half of it in the next."""
    image = touching(5, places=((30, 20), (30, 42), (30, 64))).image
    for picture in (image // 2, np.minimum(image.astype(int) * 3 // 2, 150).astype(np.uint8)):
        assert counted(predicted(job.network, picture)).max() == 3


def test_only_dark_pictures_are_brightened():
    ramp = np.arange(0, 60, dtype=np.uint8)[None, :, None].repeat(20, 0).repeat(3, 2)
    seen = brightened(ramp)
    assert (seen.min(), seen.max()) == (0, 255)
    assert (np.diff(seen[0, :, 0].astype(int)) >= 0).all()
    photograph = (ramp * 4).astype(np.uint8)
    assert brightened(photograph) is photograph
    assert brightened(np.zeros((4, 4, 3), np.uint8)).max() == 0
