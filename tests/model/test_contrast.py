"""Outlines of predicted objects follow the colours of the picture, wherever the network drew them."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from model.prediction import contrast
from model.prediction.contrast import redraw
from model.prediction.outputs import ClassPrediction
from model.training.separation import depth_of
from tests.discs import discs

PLACES = ((30, 30), (30, 80), (80, 40), (80, 85))
SIDE = 24.0


def picture(light=(200, 150, 170, 130), background=20):
    """Discs of different brightness, each blurred, with a little noise; and their true numbers."""
    numbers = discs(PLACES, radius=14, shape=(110, 120))
    grey = np.array([background, *light], float)[numbers]
    grey = ndimage.gaussian_filter(grey, 1.2) + np.random.default_rng(0).normal(0, 1.5, numbers.shape)
    return grey.clip(0, 255).astype(np.uint8)[..., None].repeat(3, 2), numbers


def predicted(numbers, grow, *, dtype=np.float32):
    """What a network says that draws every outline so many pixels too far out."""
    far = ndimage.distance_transform_edt(numbers == 0) - ndimage.distance_transform_edt(numbers > 0)
    share = 1 / (1 + np.exp((far - grow) / 1.5))
    labels = (share > 0.5).astype(np.uint8)
    nearest = ndimage.distance_transform_edt(numbers == 0, return_distances=False, return_indices=True)
    depth = depth_of(np.where(labels > 0, numbers[tuple(nearest)], 0).astype(np.int32))
    full = 255 if dtype == np.uint8 else 1
    sure = (np.maximum(share, 1 - share) * full).round(0 if full > 1 else 6).astype(dtype)
    return ClassPrediction(labels, sure, depth=(depth * 255).astype(np.uint8))


def iou(labels, numbers):
    return ((labels > 0) & (numbers > 0)).sum() / ((labels > 0) | (numbers > 0)).sum()


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
@pytest.mark.parametrize("grow", [3.0, -3.0])
@pytest.mark.parametrize("temperature", [1.0, 1.6])
def test_outlines_too_wide_or_too_narrow_are_drawn_where_objects_end(grow, dtype, temperature):
    pixels, numbers = picture()
    answer = replace(predicted(numbers, grow, dtype=dtype), temperature=temperature)
    before = iou(answer.labels, numbers)
    redraw(answer, pixels, strength=1.0, side=SIDE)
    assert before < 0.75
    assert iou(answer.labels, numbers) > 0.87
    assert answer.confidence.dtype == dtype
    assert (answer.confidence >= (127 if dtype == np.uint8 else 0.5)).all(), "the more likely class of two"


def test_dark_objects_on_a_bright_ground_and_colours_alike():
    pixels, numbers = picture(light=(60, 120, 90, 110), background=220)
    tinted = pixels.copy()
    tinted[..., 0] = 128  # red says nothing
    for image in (pixels, tinted):
        answer = predicted(numbers, 3.0)
        redraw(answer, image, strength=1.0, side=SIDE)
        assert iou(answer.labels, numbers) > 0.87


def test_light_that_fades_across_the_picture_moves_no_outline():
    pixels, numbers = picture()
    fading = (pixels * np.linspace(1.0, 0.4, pixels.shape[1])[None, :, None]).astype(np.uint8)
    answer = predicted(numbers, 3.0)
    redraw(answer, fading, strength=1.0, side=SIDE)
    assert iou(answer.labels, numbers) > 0.85


def test_where_there_is_no_contrast_outlines_stay():
    _, numbers = picture()
    answer = predicted(numbers, 3.0)
    was = answer.labels.copy()
    redraw(answer, np.full((*numbers.shape, 3), 90, np.uint8), strength=1.0, side=SIDE)
    np.testing.assert_array_equal(answer.labels, was)


def test_objects_of_many_colours_keep_their_outlines():
    """Half of them looks like the background: what the network says of it counts."""
    pixels, numbers = picture()
    pixels[:, (np.arange(numbers.shape[1]) // 3) % 2 == 0] = 20
    answer = predicted(numbers, 0.0)
    redraw(answer, pixels, strength=1.0, side=SIDE)
    assert iou(answer.labels, numbers) > 0.8


@pytest.mark.parametrize(
    "case", ["two kinds of objects", "no objects", "all object", "strength 0", "one pixel"]
)
def test_where_it_cannot_be_told_what_ends_nothing_changes(case):
    pixels, numbers = picture()
    answer, strength = predicted(numbers, 3.0), 1.0
    if case == "two kinds of objects":
        answer.labels[numbers == 2] = 2
    elif case == "no objects":
        answer.depth[:] = 0
    elif case == "all object":
        answer.labels[:], answer.depth[:] = 1, 200
    elif case == "one pixel":
        pixels = pixels[:1, :1]
        answer = ClassPrediction(answer.labels[:1, :1], answer.confidence[:1, :1], depth=answer.depth[:1, :1])
    else:
        strength = 0.0
    was = answer.labels.copy(), answer.confidence.copy()
    redraw(answer, pixels, strength=strength, side=SIDE)
    np.testing.assert_array_equal(answer.labels, was[0])
    np.testing.assert_array_equal(answer.confidence, was[1])


def test_other_classes_round_objects_keep_their_places():
    """Two areas that are not counted meet behind the objects; what an object gives back goes to the nearer one."""
    pixels, numbers = picture()
    answer = predicted(numbers, 3.0)
    is_left = np.arange(numbers.shape[1])[None] < 60
    answer.labels[:] = np.where(answer.labels == 1, 2, np.where(is_left, 0, 1))
    redraw(answer, pixels, strength=1.0, side=SIDE)
    assert iou(answer.labels == 2, numbers) > 0.87
    assert set(np.unique(answer.labels[:, :10])) == {0}
    assert set(np.unique(answer.labels[:, -8:])) == {1}


def test_a_picture_in_bands_is_drawn_as_one(monkeypatch):
    pixels, numbers = picture()
    whole, parts = predicted(numbers, 3.0), predicted(numbers, 3.0)
    redraw(whole, pixels, strength=1.0, side=SIDE)
    monkeypatch.setattr(contrast, "BAND", 7)
    redraw(parts, pixels, strength=1.0, side=SIDE)
    np.testing.assert_array_equal(whole.labels, parts.labels)
    np.testing.assert_allclose(whole.confidence, parts.confidence, atol=1e-4)


def test_a_megapixel_takes_no_more_than_seconds():
    pixels, numbers = picture()
    one = predicted(numbers, 3.0)
    labels, sure, depth = (np.tile(each, (9, 9)) for each in (one.labels, one.confidence, one.depth))
    answer, big = ClassPrediction(labels, sure, depth=depth), np.tile(pixels, (9, 9, 1))
    started = time.process_time()
    redraw(answer, big, strength=1.0, side=SIDE)
    assert time.process_time() - started < 2.5 * labels.size / 1e6
