"""Objects to click on: from masks that were made for it, or the connected parts of class maps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.measure import label as components

OBJECT, UNKNOWN = 255, 128
LEAST_SHARE = 0.001
"""Smaller parts of a class map are no objects, as a share of the picture."""

Bytes = NDArray[np.uint8]


def objects(folder: Path, limit: int) -> Iterator[tuple[Bytes, Bytes]]:
    """Pictures uint8 [H, W, 3] with their masks [H, W]: 255 object, 0 background, 128 does not count.

    Args:
        folder: holds images/ and masks/; where its meta.json says "semantic", the masks are class maps, and
            of each a connected part of a class other than 0 is taken, which one by chance from a fixed seed.
        limit: so many objects, evenly spaced; 0 for all.
    """
    description = folder / "meta.json"
    meta = json.loads(description.read_text()) if description.exists() else {}
    files = sorted((folder / "images").iterdir())
    chosen = np.unique(np.linspace(0, len(files) - 1, min(limit or len(files), len(files))).astype(int))
    for index in chosen:
        file = files[index]
        mask = np.array(Image.open(folder / "masks" / f"{file.stem}.png"))
        if meta.get("kind") == "semantic":
            mask = _one_part(mask, meta.get("ignore"), np.random.default_rng(int(index)))
        if (mask == OBJECT).any():
            yield np.array(Image.open(file).convert("RGB")), mask


def _one_part(labels: NDArray[np.integer], ignored: int | None, generator: np.random.Generator) -> Bytes:
    """A part of a class map as a mask; nothing where there is none that is large enough."""
    labels = labels.astype(np.int32)
    known = np.ones(labels.shape, bool) if ignored is None else labels != ignored
    parts = components(np.where(known, labels, 0), background=0, connectivity=1)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    large = np.flatnonzero(sizes >= LEAST_SHARE * labels.size)
    mask = np.where(known, 0, UNKNOWN).astype(np.uint8)
    if large.size:
        mask[parts == generator.choice(large)] = OBJECT
    return mask
