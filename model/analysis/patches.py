"""Where in an image an expert answers most: small squares, the strongest first. NumPy only, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]

SIDE: Final = 1 / 6
"""Side of a patch, as a share of the shorter side of the image."""

LEAST_SIDE: Final = 24
"""Pixels; of smaller squares nobody sees what they show."""


@dataclass(frozen=True, slots=True, order=True)
class Patch:
    """A square of an image, and how much an expert has to do with it.

    Attributes:
        share: mean of the map over the square; of a mix 0..1, how much of the square the expert explains.
        row, col: the upper left corner, in pixels of the image.
        side: in pixels.
    """

    share: float
    row: int
    col: int
    side: int


def patch_side(shape: tuple[int, int]) -> int:
    """Side of the patches of an image of ``shape``, in pixels; never more than the image has."""
    return min(max(LEAST_SIDE, round(min(shape) * SIDE)), *shape)


def strongest_patches(maps: FloatArray, shape: tuple[int, int], count: int) -> tuple[tuple[Patch, ...], ...]:
    """The squares over which each map is strongest, apart from each other by half a side at least.

    Args:
        maps: one for each expert, [K, h, w], over the whole image.
        shape: (rows, columns) of the image.
        count: at most so many of each.

    Returns:
        Of each expert, the strongest first; fewer where no more have room.
    """
    side = patch_side(shape)
    return tuple(_strongest(one, shape, side, count) for one in maps)


def _strongest(one: FloatArray, shape: tuple[int, int], side: int, count: int) -> tuple[Patch, ...]:
    rows, cols = one.shape
    box = _tokens(side, rows / shape[0]), _tokens(side, cols / shape[1])
    means = _box_means(one, box)
    found = []
    for _ in range(count):
        row, col = (int(place) for place in np.unravel_index(int(means.argmax()), means.shape))
        if not np.isfinite(means[row, col]):
            break
        at = round(row * shape[0] / rows), round(col * shape[1] / cols)
        top, left = (min(place, limit - side) for place, limit in zip(at, shape, strict=True))
        found.append(Patch(float(means[row, col]), top, left, side))
        apart = tuple(
            slice(max(0, place - (-(-size // 2)) + 1), place + -(-size // 2))
            for place, size in zip((row, col), box, strict=True)
        )
        means[apart] = -np.inf
    return tuple(found)


def _tokens(side: int, per_pixel: float) -> int:
    """How many values of a map a side of a patch covers."""
    return max(1, round(side * per_pixel))


def _box_means(one: FloatArray, box: tuple[int, int]) -> NDArray[np.float64]:
    """Mean over every rectangle of ``box`` values that lies inside, by its upper left value."""
    sums = np.pad(one.astype(np.float64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    high, wide = (min(size, limit) for size, limit in zip(box, one.shape, strict=True))
    total = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
    return np.asarray(total / (high * wide))
