"""How much a further click is trusted with: by how deep inside of what would change it was put."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]

RELIABLE: Final = 0.8
"""Masks whose IoU the network estimates to be higher are reliable; others are still looking for the object."""

DISKS_RELIABLE: Final = 4.0
"""A click is trusted with this many times the area of the widest disk round it that would change as a whole.

People click in the middle of what is wrong, so that this disk is as wide as what is wrong, or the answer is not
what they mean.
"""

DISKS_UNRELIABLE: Final = 12.0
"""The same where the mask is not reliable."""

DEEP: Final = 10.0
"""By how much these rise with the radius of the disk, in roots of the mask's area.

Where something large is wrong there is more to it: at a tenth of the width of a square object they double.
"""

DOUBT: Final = 0.03
"""Of a new answer that the network thinks worse than a reliable mask by more than this, only the disk is taken."""

LITTLE: Final = 0.005
"""Share of the mask that any click may change."""

REACH: Final = 6.0
"""Nothing changes farther from the click than this many radii of a disk of what it may change, if that is not all."""


def max_changed_pixels(wanted: Mask, click: tuple[int, int], area: int, scores: tuple[float, float]) -> int:
    """How many pixels a click may change at most, but for a small disk right round it.

    Args:
        wanted: bool [H, W], what would change; the click is inside.
        click: (row, column).
        area: of the mask, in pixels.
        scores: estimated IoU of the mask and of the new answer.
    """
    radius = max(0.0, depth(wanted, click) - 0.5)
    disk = np.pi * radius**2
    is_reliable, is_doubted = scores[0] > RELIABLE, scores[1] < scores[0] - DOUBT
    most = disk
    if not (is_reliable and is_doubted):
        deep = 1 + DEEP * radius / np.sqrt(max(area, 1))
        most *= (DISKS_RELIABLE if is_reliable else DISKS_UNRELIABLE) * deep
    return int(max(most, LITTLE * area, 1))


def depth(mask: Mask, place: tuple[int, int]) -> float:
    """Distance from ``place`` to the nearest pixel that is not of ``mask``; beside the image nothing is."""
    height, width = mask.shape
    row, col = place
    reach = 16
    border = min(row + 1, col + 1, height - row, width - col)
    while True:
        top, left = max(0, row - reach), max(0, col - reach)
        outside = np.argwhere(~mask[top : row + reach + 1, left : col + reach + 1])
        apart = outside - (row - top, col - left)
        nearest = min(float(np.hypot(apart[:, 0], apart[:, 1]).min(initial=np.inf)), border)
        if nearest <= reach or reach >= max(height, width):
            return float(nearest)
        reach *= 2


def leave_far(wanted: Mask, logits: NDArray[np.float32], click: tuple[int, int], count: int) -> None:
    """Leave at most ``count`` pixels of ``wanted``: those near the click of which the answer is sure.

    Args:
        wanted: bool [H, W], changed in place.
        logits: [h, w], positive where the change is believed in.
        click: (row, column).
        count: at least 1.
    """
    if np.count_nonzero(wanted) <= count:
        return
    reach = int(np.ceil(REACH * np.sqrt(count / np.pi)))
    window = tuple(slice(max(0, place - reach), place + reach + 1) for place in click)
    near = wanted[window].copy()
    wanted[:] = False
    wanted[window] = near
    where = around(wanted)
    part = wanted[where]
    distances = distances_from(where, *click)
    part &= distances <= reach
    sure = part_of(logits, wanted.shape, where)[part]
    sure /= np.where(sure > 0, np.sqrt(np.maximum(distances[part], 0.5)), 1)
    if len(sure) > count:
        kept = np.zeros(len(sure), bool)
        kept[np.argpartition(sure, len(sure) - count)[len(sure) - count :]] = True
        part[part] = kept


def too_much(loose: Mask, count: int) -> Mask:
    """What a negative click cut off but for its smallest parts, of ``count`` pixels together: it stays."""
    if not loose.any():
        return loose
    kept = loose.copy()
    where = around(loose)
    parts, number = ndimage.label(loose[where])
    sizes = np.bincount(parts.ravel(), minlength=number + 1)[1:]
    order = np.argsort(sizes)
    gone = order[np.cumsum(sizes[order]) <= count]
    kept[where] &= ~np.isin(parts, gone + 1)
    return kept


def around(mask: Mask) -> tuple[slice, slice]:
    """The rectangle of the true pixels, of which there is one at least."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)


def distances_from(where: tuple[slice, slice], row: int, col: int) -> NDArray[np.float32]:
    """Distance of every pixel of a part of the image from one pixel."""
    rows = np.arange(where[0].start, where[0].stop, dtype=np.float32)[:, None] - row
    cols = np.arange(where[1].start, where[1].stop, dtype=np.float32) - col
    distances: NDArray[np.float32] = np.hypot(rows, cols)
    return distances


def part_of(
    logits: NDArray[np.float32], shape: tuple[int, ...], where: tuple[slice, slice]
) -> NDArray[np.float32]:
    """Logits of a part of the image, from logits [h, w] of the whole."""
    if logits.shape == shape:
        return logits[where]
    places = []
    for part, side, small in zip(where, shape, logits.shape, strict=True):
        centres = (np.arange(part.start, part.stop, dtype=np.float32) + 0.5) * (small / side) - 0.5
        places.append(centres.clip(0, small - 1))
    (top, down), (left, right) = (_neighbours(place) for place in places)
    share_rows, share_cols = (place - np.floor(place) for place in places)
    upper = _mix(logits[top][:, left], logits[top][:, right], share_cols)
    lower = _mix(logits[down][:, left], logits[down][:, right], share_cols)
    return _mix(upper, lower, share_rows[:, None])


def _neighbours(place: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    below = place.astype(np.intp)
    return below, np.ceil(place).astype(np.intp)


def _mix(
    one: NDArray[np.float32], other: NDArray[np.float32], share: NDArray[np.float32]
) -> NDArray[np.float32]:
    return one * (1 - share) + other * share
