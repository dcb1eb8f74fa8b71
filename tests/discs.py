"""Discs that touch: what objects are told apart with."""

from __future__ import annotations

import numpy as np

from latentseg_gui.document.prediction.prediction import Prediction
from model.training.finetune import FineTuneConfig, LabelledImage, finetune
from model.training.separation import depth_of
from tests.model.finetuning import StepClock
from tests.tiny import tiny_network


def discs(places, radius=12, shape=(64, 96)):
    """Numbers of discs, int32; where they overlap the border is half-way."""
    nearest, numbers = np.full(shape, float(radius)), np.zeros(shape, np.int32)
    rows, cols = np.arange(shape[0])[:, None], np.arange(shape[1])
    for number, (row, col) in enumerate(places, 1):
        top, left = max(0, int(row - radius)), max(0, int(col - radius))
        box = np.s_[top : int(row + radius) + 2, left : int(col + radius) + 2]
        far = np.hypot(rows[box[0]] - row, cols[box[1]] - col)
        numbers[box] = np.where(far < nearest[box], number, numbers[box])
        nearest[box] = np.minimum(nearest[box], far)
    return numbers


PAIRS = ((20, 18), (20, 40), (44, 70), (44, 90))


def touching(seed=0, places=PAIRS, shape=(64, 96)):
    """A picture of touching discs with a faint line between them, its labels and numbers."""
    numbers = discs(places, shape=shape)
    light = np.where(numbers, 45 + 40 * depth_of(numbers), 20)[..., None]
    noise = np.random.default_rng(seed).normal(0, 3, (*numbers.shape, 3))
    image = (light + noise).clip(0, 255).astype(np.uint8)
    return LabelledImage(image, (numbers > 0).astype(np.uint8), f"discs {seed}", objects=numbers)


CONFIG = FineTuneConfig(num_classes=2, seconds=1.0, held_out=0.0, augmentation=0.0, classes_kept=(None, None))


def learned(samples, config=CONFIG, steps=120, network=None):
    job = finetune(network or tiny_network(), samples, config)
    job.clock = clock = StepClock(steps)
    for _ in job:
        clock.ticks += 1
    return job


def hills(*places: tuple[float, float, float], shape=(60, 100)):
    """Depth float [H, W] of discs (row, column, radius); 0 outside."""
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    each = [1 - np.hypot(rows - r, cols - c) / radius for r, c, radius in places]
    return np.clip(np.max(each, axis=0), 0, 1)


def predicted(depth, labels=None, confidence=230):
    labels = (depth > 0).astype(np.uint8) if labels is None else labels.astype(np.uint8)
    sure = np.full(depth.shape, confidence, np.uint8)
    return Prediction("a", "v1", labels, sure, depth=np.rint(depth * 255).astype(np.uint8))
