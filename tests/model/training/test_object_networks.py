"""Networks that find objects, when they have learned: found one by one, once in tiles, the same from a file."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.analysis.detection import THRESHOLDS, NumberedLabels, average_precision, matches, panoptic_quality
from model.weights.checkpoint import load, save
from tests.model.finetuning import run
from tests.model.training.object_scenes import FRESH, SMALL, found_in, fresh, scene

STEPS = {"mask-rcnn": 150, "panoptic-fpn": 80}


def precision_at_half(network, samples):
    """AP50, mean of both classes."""
    things, found = frozenset({1, 2}), []
    for each in samples:
        answer = found_in(network, each)
        truth = NumberedLabels(each.labels, each.objects.astype(np.uint32))
        guess = NumberedLabels(answer.labels, answer.instances, answer.confidence)
        found.append(matches(truth, guess, 3, things))
    return float(
        np.mean([average_precision([each[k] for each in found])[THRESHOLDS.index(0.5)] for k in (1, 2)])
    )


@pytest.fixture(scope="module")
def learned():
    torch.set_num_threads(1)
    return {
        name: run(fresh(name), [scene(seed) for seed in range(10)], FRESH, steps=STEPS[name])[0].network
        for name in SMALL
    }


@pytest.mark.parametrize("name", sorted(SMALL))
def test_objects_are_found_one_by_one_in_pictures_that_were_not_seen(learned, name):
    assert learned[name].things == {1, 2}
    assert precision_at_half(learned[name], [scene(seed) for seed in (20, 21, 22)]) > 0.5


@pytest.mark.parametrize("name", sorted(SMALL))
def test_tiles_show_the_same_objects_as_the_whole_without_doubles(learned, name):
    sample = scene(30, size=(160, 192), count=40)
    whole, tiled = (
        found_in(learned[name], sample),
        found_in(learned[name], sample, max_pixels=96 * 96),
    )
    truth = len(np.unique(sample.objects)) - 1
    counts = [int(answer.instances.max()) for answer in (whole, tiled)]
    assert abs(counts[1] - counts[0]) <= 0.2 * truth
    for answer in (whole, tiled):
        assert np.array_equal(answer.instances > 0, answer.labels > 0)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_what_was_learned_is_in_the_file_of_weights(learned, name, tmp_path):
    save(tmp_path / "net.safetensors", learned[name])
    again, meta = load(tmp_path / "net.safetensors")
    assert meta.architecture == name
    one, other = (found_in(each, scene(10)) for each in (learned[name], again))
    assert np.array_equal(one.instances, other.instances)
    assert np.array_equal(one.labels, other.labels)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_specks_are_no_objects_and_counts_are_near_the_truth(learned, name):
    """Disks have more than a hundred pixels: what is far smaller is a crumb of the map of classes."""
    assert 20 < learned[name].smallest < 100
    for seed in (40, 41):
        sample = scene(seed, size=(160, 192), count=40)
        answer = found_in(learned[name], sample)
        sizes = np.bincount(answer.instances.ravel())[1:]
        assert sizes.min() >= learned[name].smallest
        truth = len(np.unique(sample.objects)) - 1
        assert abs(len(sizes) - truth) <= 0.3 * truth


@pytest.mark.parametrize("name", sorted(SMALL))
def test_how_sure_it_must_be_is_learned_from_what_was_held_back(learned, name):
    """A network that is made unsure of all it finds counts as much as before once it has learned on."""
    network = copy.deepcopy(learned[name])
    unsure = network.regions.box.classes
    with torch.no_grad():  # probabilities are drawn towards each other, their order stays
        unsure.weight.mul_(0.35)
        unsure.bias.mul_(0.35)
    samples = [scene(seed) for seed in range(10)]
    config = replace(FRESH, classes_kept=(), learning_rate=1e-9)
    taught = run(network, samples, config, steps=3)[0].network
    assert taught.least_score != network.least_score
    others = [scene(seed) for seed in (20, 21, 22)]
    before, after = (quality(each, others) for each in (network, taught))
    # Every pixel of Panoptic FPN has a class without its objects, so that less depends on them.
    assert after > before + (0.05 if name == "mask-rcnn" else -0.02)
    again = taught.with_classes([0, 1, 2])
    assert again.least_score == taught.least_score


@pytest.mark.parametrize("name", sorted(SMALL))
def test_a_higher_score_leaves_the_surest_of_what_a_lower_one_finds(learned, name):
    network, shown = learned[name], torch.from_numpy(scene(30).image).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        fewer = network.encode_from(shown, 0.8)
        left = network.surer(network.encode_from(shown, 0.3), 0.8)
    assert torch.equal(fewer.objects.scores, left.objects.scores)
    assert torch.equal(fewer.tokens, left.tokens)
    assert torch.equal(network.numbers(fewer)[0], network.numbers(left)[0])


def quality(network, samples):
    """Panoptic quality, mean of both classes."""
    found = []
    for each in samples:
        answer = found_in(network, each)
        truth = NumberedLabels(each.labels, each.objects.astype(np.uint32))
        guess = NumberedLabels(answer.labels, answer.instances, answer.confidence)
        found.append(matches(truth, guess, 3, frozenset({1, 2})))
    return float(np.mean([panoptic_quality([each[k] for each in found]).pq for k in (1, 2)]))
