"""Clicks on plain regions: whether the first means one of a field, and what a further one adds to it.

A plain region inside of an object is most often a part of it: a spot, a stripe, a window. It is one thing of a field
only where its surroundings show several more of the same tone and size, which make up some of the object there.

A further click: what is missing has a tone of its own as well, or is little. The network took the first click for a
field of such things, and would do so again: what it makes of two clicks is often far too much, and the mask was good.
So a click on what is missing is first taken for a larger plain region that holds all clicks. Where there is none, a
click close by is a correction, and changes no more than one on a good mask does. Clicks farther away say that
something else was meant.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.prediction.inputs import Pointing
from model.prediction.plain_regions import PLAIN, PlainRegions, in_cells, smoothed
from model.prediction.postprocess import clicked_pixels

Mask = NDArray[np.bool_]

CLOSE: Final = 0.15
"""Distance of a correction from the region, in roots of its area."""

CLOSE_LATER: Final = 0.3
"""The same of a third click: a region that was kept at the second is rather the right one."""

BESIDE: Final = 1.0
"""A click at most so far away, in the same measure, means one thing of a field: not the field."""

LARGER: Final = 3.0
"""The one thing is at most so many times as large as what was taken for it."""

LARGER_LATER: Final = 1.4
"""The same at a third click."""

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

_FEW: Final = 2
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
    tones = smoothed(in_cells(pixels[where], step), 1.0)
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


def grown_region(pixels: NDArray[np.uint8], region: Mask, pointing: Pointing) -> Mask | None:
    """The region with a plain one round the last click that holds all clicks on the object, and no other click.

    Args:
        pixels: RGB, uint8 [H, W, 3].
        region: bool [H, W], what earlier clicks were taken for.
        pointing: in pixels of the image.

    Returns:
        bool [H, W]; None where there is no such region, or the click is not on what is missing.
    """
    rows, cols = clicked_pixels(pointing, region.shape)
    click = int(rows[-1]), int(cols[-1])
    if not pointing.is_positive[-1] or region[click]:
        return None
    larger = LARGER if len(rows) <= _FEW else LARGER_LATER
    most = larger * int(np.count_nonzero(region)) if _distance(region, click) < BESIDE else np.inf
    for found in PlainRegions(pixels, click).up_to(most):
        agrees = np.array_equal(found.mask[rows, cols], pointing.is_positive)
        grown = region | found.mask
        if found.clearness >= PLAIN and agrees and np.count_nonzero(grown) <= most:
            return grown
    return None


def is_correction(region: Mask, pointing: Pointing) -> bool:
    """Whether the last click is on the object and on the region, bool [H, W], or close by."""
    rows, cols = clicked_pixels(pointing, region.shape)
    most = CLOSE if len(rows) <= _FEW else CLOSE_LATER
    return bool(pointing.is_positive[-1]) and _distance(region, (int(rows[-1]), int(cols[-1]))) <= most


def _distance(region: Mask, place: tuple[int, int]) -> float:
    """From a place to the nearest pixel of the region, in roots of its area."""
    rows, cols = np.nonzero(region)
    nearest = float(np.hypot(rows - place[0], cols - place[1]).min(initial=np.inf))
    return nearest / max(1.0, float(np.sqrt(len(rows))))
