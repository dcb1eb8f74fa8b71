"""How much a further click is trusted with: what is connected to it, and how deep inside of that it was put."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]

RELIABLE: Final = 0.84
"""Masks whose IoU the network estimates to be higher are reliable; others are still looking for the object."""

RELIABLE_LATE: Final = 0.75
"""The same once there were so many clicks that the mask is rather better than the network thinks."""

WHOLE: Final = 0.04
"""Where no more than this share of the mask changes, the click is followed: so little cannot spoil much."""

WHOLE_AT_RIM: Final = 0.02
"""The same of a click at the rim of what would change, which tells little: its outline is no surer than that."""

RIM: Final = 1.6
"""Pixels from the rim that belong to it; at least, and of large pictures `RIM_SHARE` of the longer side."""

RIM_SHARE: Final = 0.0034

MIDDLE: Final = 1.3
"""A click lies in the middle of what would change if no place there is this many times as deep inside of it.

People click in the middle of what is wrong: then that is what they mean.
"""

NEAR_MIDDLE: Final = 2.0
"""The same, of a click that is put less carefully: of large parts, and as long as there were few clicks."""

SEARCHING: Final = 4
"""Up to so many clicks say which object is meant; later ones, where its outline runs.

A mask that so few clicks made is easily a part of the object, however sure the network is of it: then much is wrong,
and right to change. Later what is left to correct is small.
"""

ASIDE: Final = 5.0
"""While clicks are so few, one in a large part may be this far from its middle: not on a bridge that leads there."""

REFINING: Final = 7
"""Up to so many clicks, those near the middle of smaller parts are followed, too."""

LARGE: Final = 0.15
"""Share of a mask that is a large part of it.

Where so much would change, the mask is a poor one: of those that are good hardly any answer asks for that.
"""

DISKS_RELIABLE: Final = 4.0
"""Elsewhere a click is trusted with this many times the area of the widest disk round it that would change whole."""

MOST_RELIABLE: Final = 0.15
"""But with no more than this share of a reliable mask."""

DISKS_UNRELIABLE: Final = 12.0
"""The same where the mask is not reliable; the disk is then up to twice as wide, as far as there is room for it."""

DEEP: Final = 10.0
"""By how much these rise with the radius of the disk, in roots of the mask's area.

Where something large is wrong there is more to it: at a tenth of the width of a square object they double.
"""

DOUBT: Final = 0.03
"""Of a new answer that the network thinks worse than a reliable mask by more than this, only the disk is taken."""

DOUBT_SEARCHING: Final = 0.1
"""The same while clicks are few: then the part that it found has a high score, and the whole a lower one."""

ANOTHER: Final = 0.75
"""Later, an answer that would change this share of the mask with one click is about another object.

Of a reliable mask that is after `SEARCHING` clicks, of others after `REFINING`.
"""

ELSEWHERE: Final = 1.0
"""Least size of the logit of what changes without being connected to the click, where the mask is reliable."""

LITTLE: Final = 0.005
"""Share of the mask that any click may change."""

REACH: Final = 6.0
"""Nothing changes farther from the click than this many radii of a disk of what it may change, if that is not all."""

SEEN: Final = 1 << 16
"""About so many pixels of a part tell how deep it is."""

_EIGHT: Final = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, slots=True)
class Reach:
    """What is connected to a click of all that would change.

    Attributes:
        where: the rectangle of all that would change.
        own: bool, in that rectangle: the part that the click is in.
        depth: distance from the click to the nearest pixel that would stay, less the half pixel at the rim.
        deepest: the greatest such distance in the part.
        is_at_rim: whether the click is so near the rim of the part that it says little about it.
    """

    where: tuple[slice, slice]
    own: Mask
    depth: float
    deepest: float
    is_at_rim: bool

    @classmethod
    def of(cls, wanted: Mask, click: tuple[int, int]) -> Reach:
        """Of ``wanted`` bool [H, W], which holds the click (row, column)."""
        where = bounding_box(wanted)
        at = click[0] - where[0].start, click[1] - where[1].start
        parts, _ = ndimage.label(wanted[where], _EIGHT)
        own = parts == parts[at]
        here = depth(own, at)
        rim = max(RIM, RIM_SHARE * max(wanted.shape))
        return cls(where, own, max(0.0, here - 0.5), max(here, _deepest(own)) - 0.5, here - 0.5 < rim)

    @property
    def aside(self) -> float:
        """How many times as deep as the click the deepest place of the part is; 1 in the middle."""
        return (self.deepest + 0.5) / (self.depth + 0.5)


def leave_trusted(
    wanted: Mask,
    logits: NDArray[np.float32],
    click: tuple[int, int],
    area: int,
    scores: tuple[float, float],
    clicks: int,
) -> int:
    """Leave of ``wanted`` what the click is trusted with.

    Args:
        wanted: bool [H, W], what would change; changed in place. The click is inside, and stays.
        logits: [h, w], positive where the change is believed in.
        click: (row, column).
        area: of the mask, in pixels.
        scores: estimated IoU of the mask and of the new answer.
        clicks: how many there are with this one.

    Returns:
        How many pixels it is trusted with.
    """
    reach = Reach.of(wanted, click)
    if scores[0] <= (RELIABLE_LATE if clicks > REFINING else RELIABLE):
        count = _trusted_unreliable(reach, area, clicks)
        leave_far(wanted, logits, click, count)
        return count
    others = wanted.copy()
    others[reach.where] &= ~reach.own
    others[reach.where] &= cropped_logits(logits, wanted.shape, reach.where) >= ELSEWHERE
    wanted[:] = False
    wanted[reach.where] = reach.own
    own, few = int(np.count_nonzero(reach.own)), int((WHOLE_AT_RIM if reach.is_at_rim else WHOLE) * area)
    is_doubted = scores[1] < scores[0] - (DOUBT_SEARCHING if clicks <= SEARCHING else DOUBT)
    is_doubted = is_doubted or (clicks > SEARCHING and own > ANOTHER * area)
    if own <= few or (_is_meant_whole(reach, own / area, clicks) and not is_doubted):
        wanted |= others & ~too_much(others, few - own)
        return max(own, few)
    count = _disks(reach.depth, area, 1.0 if is_doubted else DISKS_RELIABLE, is_deep=not is_doubted)
    count = min(count, max(int(MOST_RELIABLE * area), 1))
    leave_far(wanted, logits, click, count)
    return count


def _trusted_unreliable(reach: Reach, area: int, clicks: int) -> int:
    """How many pixels a click on a mask that is not reliable is trusted with."""
    if clicks > REFINING and np.count_nonzero(reach.own) > ANOTHER * area:
        return _disks(reach.depth, area, 1.0)
    if reach.is_at_rim and clicks > SEARCHING:
        return max(_disks(reach.depth, area, DISKS_RELIABLE), int(WHOLE_AT_RIM * area))
    return _disks(min(reach.deepest, 2 * reach.depth), area, DISKS_UNRELIABLE)


def _is_meant_whole(reach: Reach, share: float, clicks: int) -> bool:
    """Whether a click means all that is connected to it.

    Args:
        reach: of the click.
        share: of the mask that would change with it.
        clicks: how many there are.
    """
    if reach.is_at_rim:
        return False
    is_large = share >= LARGE
    if is_large and clicks <= SEARCHING:
        return reach.aside <= ASIDE
    return reach.aside <= (NEAR_MIDDLE if is_large or clicks <= REFINING else MIDDLE)


def _disks(radius: float, area: int, times: float, *, is_deep: bool = True) -> int:
    """How many pixels a disk is worth."""
    deep = 1 + DEEP * radius / np.sqrt(max(area, 1)) if is_deep else 1.0
    return int(max(np.pi * radius**2 * times * deep, LITTLE * area, 1))


def _deepest(mask: Mask) -> float:
    """The greatest `depth` in ``mask``; of large ones from every so manieth pixel, which is fine enough."""
    step = max(1, round(float(np.sqrt(mask.size / SEEN))))
    distances = ndimage.distance_transform_edt(np.pad(mask[::step, ::step], 1))
    return step * float(distances.max())


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
    where = bounding_box(wanted)
    part = wanted[where]
    distances = distances_from(where, *click)
    part &= distances <= reach
    sure = cropped_logits(logits, wanted.shape, where)[part]
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
    where = bounding_box(loose)
    parts, number = ndimage.label(loose[where])
    sizes = np.bincount(parts.ravel(), minlength=number + 1)[1:]
    order = np.argsort(sizes)
    gone = order[np.cumsum(sizes[order]) <= count]
    kept[where] &= ~np.isin(parts, gone + 1)
    return kept


def bounding_box(mask: Mask) -> tuple[slice, slice]:
    """The rectangle of the true pixels, of which there is one at least."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)


def distances_from(where: tuple[slice, slice], row: int, col: int) -> NDArray[np.float32]:
    """Distance of every pixel of a part of the image from one pixel."""
    rows = np.arange(where[0].start, where[0].stop, dtype=np.float32)[:, None] - row
    cols = np.arange(where[1].start, where[1].stop, dtype=np.float32) - col
    distances: NDArray[np.float32] = np.hypot(rows, cols)
    return distances


def cropped_logits(
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
