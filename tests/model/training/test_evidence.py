"""What may be varied follows from the labelled pixels: what means something in these images is left as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.training.evidence import WEAK_LIGHT, choose_variation
from model.training.finetune import FineTuneConfig, LabelledImage, finetune
from model.training.prepare import encode_pictures
from model.training.types import IGNORED
from tests.tiny import tiny_network

SIDE, BLOCK = 128, 32


def blocks(seed):
    """Labels 0 and 1 in squares, at random."""
    drawn = np.random.default_rng(seed).integers(0, 2, (SIDE // BLOCK, SIDE // BLOCK))
    drawn[0, :2] = 0, 1  # both are always there
    return np.kron(drawn, np.ones((BLOCK, BLOCK))).astype(np.uint8)


def as_image(light, seed):
    grey = light + np.random.default_rng(100 + seed).normal(0, 4, light.shape)
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def in_stripes(first, second):
    """Pictures whose classes are stripes with these slopes (columns and rows a period)."""

    def picture(seed):
        labels = blocks(seed)
        rows, cols = np.mgrid[:SIDE, :SIDE]
        waves = [np.sin(2 * np.pi * (a * rows + b * cols) / 8) for a, b in (first, second)]
        return LabelledImage(as_image(128 + 50 * np.where(labels, waves[1], waves[0]), seed), labels)

    return picture


lying = in_stripes((1, 0), (0, 1))
leaning = in_stripes((1, 1), (1, -1))


def in_greys(seed):
    """Classes that differ by their grey level, which is the same in every picture."""
    labels = blocks(seed)
    return LabelledImage(as_image(np.where(labels, 140.0, 110.0), seed), labels)


def in_textures(seed):
    """Classes that differ by their texture, in pictures of quite different light."""
    labels, chance = blocks(seed), np.random.default_rng(seed)
    rough = chance.normal(0, 25, labels.shape) * labels
    return LabelledImage(as_image(60.0 + 60 * (seed % 4) + rough, seed), labels)


def chosen(make, count, **changes):
    """The session of a run on ``count`` pictures when it has chosen."""
    config = FineTuneConfig(num_classes=2, seconds=1e6, device="cpu", held_out=0.0, classes_kept=(None, None))
    job = finetune(tiny_network(), [make(seed) for seed in range(count)], replace(config, **changes))
    session = job._session
    list(encode_pictures(session, None))
    list(choose_variation(session))
    return session


@pytest.mark.parametrize("count", [1, 2, 4])
def test_what_a_turn_would_make_another_class_is_not_turned(count):
    session = chosen(lying, count)
    assert session.is_upright
    assert session.is_mirrored, "a mirror image of these stripes is as good"


@pytest.mark.parametrize("count", [1, 3])
def test_what_a_mirror_would_make_another_class_is_not_mirrored(count):
    session = chosen(leaning, count)
    assert not session.is_mirrored
    assert session.is_upright, "a turn by a right angle does the same to these"


@pytest.mark.parametrize("make", [in_greys, in_textures])
def test_what_lies_anyhow_is_turned_and_mirrored(make):
    session = chosen(make, 3)
    assert session.is_mirrored
    assert not session.is_upright


@pytest.mark.parametrize("count", [1, 3])
def test_light_that_means_something_stays(count):
    assert chosen(in_greys, count).light <= WEAK_LIGHT


def test_light_that_differs_between_images_is_varied():
    assert chosen(in_textures, 4).light == 1


def test_nothing_is_tried_where_nothing_is_to_be_varied():
    session = chosen(lying, 2, augmentation=0.0)
    assert len(session.views) == session.encoded
    assert not session.is_upright


def test_a_single_class_and_a_few_pixels_are_no_obstacle():
    def a_few(seed):
        sample = lying(seed)
        labels = np.full_like(sample.labels, IGNORED)
        labels[3, 5] = 1
        return replace(sample, labels=labels)

    for count in (1, 2):
        session = chosen(a_few, count)
        assert session.is_mirrored
        assert not session.is_upright
        assert session.light == 1
