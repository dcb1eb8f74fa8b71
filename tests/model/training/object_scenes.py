"""Scenes of disks that touch, and small networks that find objects."""

from __future__ import annotations

import numpy as np
import torch

from model.prediction.predictor import Predictor
from model.training.finetune import FineTuneConfig, LabelledImage
from model.zoo.objects import network_of
from model.zoo.presets import DENSE_KINDS

KINDS = {kind.name: kind for kind in DENSE_KINDS}
SMALL = {
    "mask-rcnn": {"widths": (16, 24, 32, 32), "pyramid_width": 48, "box_width": 96, "mask_width": 32},
    "panoptic-fpn": {"widths": (16, 16, 16, 16)},
}
FRESH = FineTuneConfig(
    num_classes=3, seconds=60.0, device="cpu", classes_kept=(None,) * 3, learning_rate=2e-3, augmentation=0.5
)


def scene(seed, size=(64, 64), count=20):
    """Touching disks of two colours, class 1 and 2, on a grey ground."""
    rng = np.random.default_rng(seed)
    labels, objects = np.zeros(size, np.uint8), np.zeros(size, np.int32)
    rows, cols = np.mgrid[: size[0], : size[1]]
    for number in range(1, count + 1):
        y, x, radius = rng.integers(8, size[0] - 8), rng.integers(8, size[1] - 8), rng.integers(6, 11)
        inside = (rows - y) ** 2 + (cols - x) ** 2 < radius**2
        if not objects[inside].any():
            objects[inside], labels[inside] = number, 1 + number % 2
    colours = np.array([[90, 90, 90], [210, 170, 60], [60, 110, 220]])[labels]
    image = (colours + rng.normal(0, 6, (*size, 3))).clip(0, 255).astype(np.uint8)
    return LabelledImage(image, labels, objects=objects)


def fresh(name, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return network_of(KINDS[name], 3, SMALL[name]).eval()


def found_in(network, sample, **options):
    predictor = Predictor(network, "cpu", dtype=torch.float32, **options)
    predictor.set_image(sample.image)
    return predictor.predict_classes()
