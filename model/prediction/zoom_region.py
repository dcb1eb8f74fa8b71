"""Clicks on what is small, or in a picture that was reduced: the region for a second look, zoomed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.prediction.inputs import Pointing

MARGINS: Final = (0.3, 1.0)
"""Share of the object's size that is added on every side; the second where the first was too tight."""

MIN_SIDE: Final = 128
GRID: Final = 8
"""Regions begin and end at multiples of a power of two, an eighth of their side or less.

A region that is moved by a pixel is encoded a little differently: masks that differ by a pixel, as those of two
number formats do, must be looked at in the same region.
"""

WORTHWHILE: Final = 1.25
"""A zoom must show at least this many times more pixels along a side."""

Bounds = tuple[int, int, int, int]
"""row0, col0, row1, col1, half-open."""


@dataclass(frozen=True, slots=True)
class EncodedRegion:
    """A region of a picture, encoded on its own.

    Attributes:
        bounds: in pixels of the picture.
        size: (rows, columns) at which the region was encoded.
        encoding: of the region.
    """

    bounds: Bounds
    size: tuple[int, int]
    encoding: Any

    @property
    def scale_xy(self) -> tuple[float, float]:
        """Encoded pixels per pixel of the picture."""
        row0, col0, row1, col1 = self.bounds
        return self.size[1] / (col1 - col0), self.size[0] / (row1 - row0)

    def holds(self, bounds: Bounds, shape: tuple[int, int]) -> bool:
        """Whether ``bounds`` lies inside with room to grow, and is not tiny in comparison."""
        row0, col0, row1, col1 = grown(bounds, MARGINS[0] / 3, shape, 0)
        is_inside = (
            self.bounds[0] <= row0
            and self.bounds[1] <= col0
            and self.bounds[2] >= row1
            and self.bounds[3] >= col1
        )
        return is_inside and _area(self.bounds) <= 16 * max(_area(bounds), MIN_SIDE**2)

    def touches(self, mask: NDArray[np.bool_], shape: tuple[int, int]) -> bool:
        """Whether ``mask``, of this region, reaches a border that is not one of the picture."""
        row0, col0, row1, col1 = self.bounds
        return bool(
            (row0 > 0 and mask[0].any())
            or (col0 > 0 and mask[:, 0].any())
            or (row1 < shape[0] and mask[-1].any())
            or (col1 < shape[1] and mask[:, -1].any())
        )


def _area(bounds: Bounds) -> int:
    row0, col0, row1, col1 = bounds
    return (row1 - row0) * (col1 - col0)


def bounds_of_interest(
    mask: NDArray[np.bool_], pointing: Pointing, scale_xy: tuple[float, float], shape: tuple[int, int]
) -> Bounds:
    """What a zoom must show: the object as far as known, every positive click, the box.

    Args:
        mask: bool [h, w] of the reduced picture.
        pointing: in pixels of the full picture.
        scale_xy: reduced pixels per pixel of the full picture.
        shape: (rows, columns) of the full picture.
    """
    xs, ys = list(pointing.xy[pointing.is_positive, 0]), list(pointing.xy[pointing.is_positive, 1])
    if pointing.box is not None:
        xs += [pointing.box[0], pointing.box[2]]
        ys += [pointing.box[1], pointing.box[3]]
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size:
        ys += [rows[0] / scale_xy[1], (rows[-1] + 1) / scale_xy[1]]
        xs += [cols[0] / scale_xy[0], (cols[-1] + 1) / scale_xy[0]]
    if not xs:
        return 0, 0, shape[0], shape[1]
    return (
        max(0, int(min(ys))),
        max(0, int(min(xs))),
        min(shape[0], int(np.ceil(max(ys))) + 1),
        min(shape[1], int(np.ceil(max(xs))) + 1),
    )


def grown(bounds: Bounds, margin: float, shape: tuple[int, int], min_side: int = MIN_SIDE) -> Bounds:
    """``bounds`` plus ``margin`` times its size on every side, at least ``min_side``, inside ``shape``."""
    row0, row1 = _grown_span(bounds[0], bounds[2], margin, shape[0], min_side)
    col0, col1 = _grown_span(bounds[1], bounds[3], margin, shape[1], min_side)
    return row0, col0, row1, col1


def on_grid(bounds: Bounds, shape: tuple[int, int]) -> Bounds:
    """``bounds`` as far outwards as the next lines of the grid, inside ``shape``."""
    row0, row1 = _outwards(bounds[0], bounds[2], shape[0])
    col0, col1 = _outwards(bounds[1], bounds[3], shape[1])
    return row0, col0, row1, col1


def _outwards(first: int, last: int, limit: int) -> tuple[int, int]:
    step = 1 << max(0, ((last - first) // GRID).bit_length() - 1)
    return first // step * step, min(limit, -(-last // step) * step)


def _grown_span(first: int, last: int, margin: float, limit: int, min_side: int) -> tuple[int, int]:
    add = max(int((last - first) * margin), (min_side - (last - first)) // 2)
    return max(0, first - add), min(limit, last + add)
