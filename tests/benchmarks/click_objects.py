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


def objects(folder: Path, limit: int, part: tuple[int, int] = (0, 1)) -> Iterator[tuple[Bytes, Bytes]]:
    """Pictures uint8 [H, W, 3] with their masks [H, W]: 255 object, 0 background, 128 does not count.

    Args:
        folder: holds images/ and masks/; where its meta.json says "semantic", the masks are class maps, and
            of each a connected part of a class other than 0 is taken, which one by chance from a fixed seed.
        limit: so many objects, evenly spaced; 0 for all.
        part: (0, 2) and (1, 2) are those of every second picture and of the others: rules are chosen on some
            pictures and measured on others. Files whose names differ after the last "_" are of one picture.
    """
    description = folder / "meta.json"
    meta = json.loads(description.read_text()) if description.exists() else {}
    files = _of_part(sorted((folder / "images").iterdir()), part)
    chosen = np.unique(np.linspace(0, len(files) - 1, min(limit or len(files), len(files))).astype(int))
    for index in chosen:
        file = files[index]
        mask = np.array(Image.open(folder / "masks" / f"{file.stem}.png"))
        if meta.get("kind") == "semantic":
            mask = _one_part(mask, meta.get("ignore"), np.random.default_rng(int(index)))
        if (mask == OBJECT).any():
            yield np.array(Image.open(file).convert("RGB")), mask


def _of_part(files: list[Path], part: tuple[int, int]) -> list[Path]:
    pictures = list(dict.fromkeys(file.stem.rpartition("_")[0] or file.stem for file in files))
    kept = set(pictures[part[0] :: part[1]])
    return [file for file in files if (file.stem.rpartition("_")[0] or file.stem) in kept]


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
