"""Whether an object that the network means is rather a field of things like the plain region at a click.

A plain region inside of an object is most often a part of it: a spot, a stripe, a window. It is one thing of a field
only where its surroundings show several more of the same tone and size, which make up much of the object there.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.prediction.plain_regions import averaged, smoothed

Mask = NDArray[np.bool_]

REACH: Final = 8.0
"""So far round the region one looks for others like it, in roots of its area."""

SIDE: Final = 8
"""Pixels along a side of the region, at least, in what is looked at; larger ones are reduced to that."""

ALIKE: Final = 3.0
"""Others are at most so many times as large or as small."""

LEAST: Final = 2
"""So many of them, with the region, are a field."""

SHARE: Final = 0.045
"""And make up this share of the object in what is looked at."""

SMALLEST: Final = 50
"""Pixels of the smallest region that is taken for a thing: in photographs smaller ones are specks."""

_RING: Final = 3
_EIGHT: Final = np.ones((3, 3), dtype=bool)


def is_field(pixels: NDArray[np.uint8], whole: Mask, region: Mask) -> bool:
    """Whether an object holds several things like a region, and much of it is such things.

    Args:
        pixels: RGB, uint8 [H, W, 3].
        whole: bool [H, W], the object that may be a field.
        region: bool [H, W], the plain region at the click, not empty.
    """
    if np.count_nonzero(region) < SMALLEST:
        return False
    number, share = others_alike(pixels, whole, region)
    return number >= LEAST and share >= SHARE


def others_alike(pixels: NDArray[np.uint8], whole: Mask, region: Mask) -> tuple[int, float]:
    """How many things like the region the object has round it, and which share of it they are; arguments as above."""
    where, step = _surroundings(region)
    tones = smoothed(averaged(pixels[where].astype(np.float32), step), 1.0)
    inside, own = (_sampled(mask[where], step, tones.shape[:2]) for mask in (region, whole))
    beside = ndimage.binary_dilation(inside, _EIGHT, _RING) & ~ndimage.binary_dilation(inside, _EIGHT)
    if not inside.any() or not beside.any():
        return 0, 0.0
    here, there = tones[inside].mean(0), tones[beside].mean(0)
    axis = there - here
    nearer = (tones - (here + there) / 2) @ axis < 0
    parts, _ = ndimage.label((nearer & own) | inside)
    sizes = np.bincount(parts.ravel())[1:]
    area = np.count_nonzero(inside)
    alike = sizes[(sizes * ALIKE > area) & (sizes < area * ALIKE)]
    return len(alike), float(alike.sum() / max(1, np.count_nonzero(own)))


def _sampled(mask: Mask, step: int, shape: tuple[int, int]) -> Mask:
    """Every so manieth pixel, from the middle of the first cell on."""
    return mask[step // 2 :: step, step // 2 :: step][: shape[0], : shape[1]]


def _surroundings(region: Mask) -> tuple[tuple[slice, slice], int]:
    """Rows and columns that are looked at, and every which of them."""
    rows, cols = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    root = float(np.sqrt(np.count_nonzero(region)))
    margin = int(np.ceil(REACH * root))
    where = (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin),
        slice(max(0, int(cols[0]) - margin), int(cols[-1]) + 1 + margin),
    )
    return where, max(1, int(root / SIDE))
