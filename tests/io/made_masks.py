"""Masks and classes to write and to read."""

import numpy as np
from scipy import ndimage

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.io.masks import (
    FORMATS,
    MaskItem,
)

SHAPE = (30, 41)


CLASSES = ClassTable.from_names(("background", "leaf", "stem", "Wurzel ü"))


BACK = [name for name, entry in FORMATS.items() if "everything" not in entry.loses]


def made(seed=0, shape=SHAPE, *, with_instances=True, with_unlabelled=True):
    """Blobs of all classes with holes, some numbered, some unlabelled pixels."""
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=(4, *shape)), (0, 2, 2))
    labels = noise.argmax(axis=0).astype(np.uint8)
    instances = np.zeros(shape, np.uint32)
    if with_instances:
        leaves, count = ndimage.label(labels == 1)
        stems, _ = ndimage.label(labels == 2)
        parts = np.where(stems > 0, stems + count, leaves)
        instances = np.where(parts % 3 == 0, 0, parts).astype(np.uint32)
    if with_unlabelled:
        labels[rng.random(shape) < 0.02] = UNLABELLED
        instances[labels == UNLABELLED] = 0
    provenance = np.where(labels == UNLABELLED, 0, rng.integers(1, 4, shape)).astype(np.uint8)
    pixels = rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
    likely = rng.dirichlet(np.ones(len(CLASSES)), shape).transpose(2, 0, 1)
    likely = np.rint(likely * 65535).astype(np.uint16)
    return MaskItem("image", labels, instances, provenance, pixels, provenance, "image.jpg", "v3", likely)
