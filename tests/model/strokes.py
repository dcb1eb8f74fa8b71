"""Pictures with strokes in place of whole masks."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_erosion

from model.training.finetune import LabelledImage
from model.training.types import IGNORED
from tests.tiny import disks


def stroked(seed):
    """A picture of disks whose middles, and a few lines of background, are labelled."""
    image, truth = disks(seed)
    inside = binary_erosion(truth == 1, iterations=4)
    far = binary_erosion(truth == 0, iterations=4)
    far[:, np.arange(far.shape[1]) % 12 > 0] = False
    labels = np.where(inside, 1, np.where(far, 0, IGNORED)).astype(np.uint8)
    return LabelledImage(image, labels)
