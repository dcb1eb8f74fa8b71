"""A mask of another origin that turns out to be rough: its outline is drawn again at the first click.

One that is too wide or too narrow all round shows in the answer: nearly all of its outline moves to the same side, by
about as much everywhere, and the click is in the middle of that. Then the outline goes where the answer has it. Of
other masks the click alone tells.

Masks that the network made are reconsidered by its own estimate of them. Of one that was drawn by hand, read from a
file or made by another program nobody has said how good it is, and how far the network agrees tells little: it
disagrees with good masks, too. The click tells more: where a person clicks into something large, much is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.prediction.click_trust import SEEN, Reach, bounding_box, cropped_logits
from model.prediction.inputs import Pointing
from model.prediction.postprocess import agree, clicked_pixels

Mask = NDArray[np.bool_]

ROUGH: Final = 0.03
"""Share of the mask that is as good as clicked, from which on the mask is rough: see `_clicked`."""

HALF: Final = 0.5
"""How deep, in depths of the click, a place must lie to be as good as clicked."""

DEEP: Final = 0.004
"""Least area, as a share of the mask, of the widest disk round the click that would change as a whole.

A click at the rim of something large may be about something small.
"""

PLAINLY_DEEP: Final = 0.03
"""Where that disk is this share of the mask, the mask is rough, whatever else is as good as clicked.

A blob too much is round: little of it is as deep as a click in its middle.
"""

ASIDE: Final = 3.4
"""How many times as deep as the click the deepest place of what would change round it may be.

People who mean all of it do not click much nearer to its rim than this.
"""

SEEN_FROM_AFAR: Final = 0.7
"""Least share of what would change round the click that changes in the answer before zooming in as well."""

PIECE: Final = 0.05
"""Elsewhere only pieces up to this share of the mask change: what is larger, nobody spoke of."""

ALL_ROUND: Final = 0.7
"""Share of its outline that moves to the side of the click, from which on a mask is too wide or too narrow all round.

Of good masks, of which the answer is no better, it moves to one side here and to the other there.
"""

LEAST_MOVED, MOST_MOVED = 0.02, 0.15
"""By how much, in the middle, in roots of the mask's area: less is a matter of taste, more is something larger."""

ANSWER: Final = 0.8
"""Only to an answer whose IoU the network estimates so: else it found another object."""

CLICKED: Final = 3.0
"""And at most by so many times the distance of the click from the outline: people click in the middle of it."""

EVEN: Final = 0.2
"""A quarter of the places move by less than this share of what nine tenths do: then something larger is meant."""

KEPT: Final = 0.5
"""A part of the mask is left alone if the answer keeps less of it than this: it is about something else."""

_EIGHT: Final = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, slots=True)
class SeenTwice:
    """One answer, twice.

    Attributes:
        mask: bool [H, W], what was seen in the end, in agreement with all clicks.
        afar: logits [h, w] before zooming in.
        score: estimated IoU of the mask; 0 where that is not known.
    """

    mask: Mask
    afar: NDArray[np.float32]
    score: float = 0.0

    def moved_all_round(self, before: Mask, pointing: Pointing) -> Mask | None:
        """A mask with all that changes to the side of the last click, if that is nearly all of its outline; else None.

        Args:
            before: bool [H, W], which the last click contradicts and the answer does not.
            pointing: in pixels of the mask.
        """
        if self.score < ANSWER:
            return None
        places, is_positive = clicked_pixels(pointing, before.shape), bool(pointing.is_positive[-1])
        box = bounding_box(before | self.mask)
        size = (box[0].stop - box[0].start) * (box[1].stop - box[1].start)
        step = max(1, round(float(np.sqrt(size / SEEN))))
        rows, cols = (slice(max(0, side.start - step), side.stop + step) for side in box)
        others = _others(before[rows, cols], self.mask[rows, cols])
        mine, seen = before[rows, cols] & ~others, self.mask[rows, cols] & ~others
        at = int(places[0][-1] - rows.start) // step, int(places[1][-1] - cols.start) // step
        if not _is_off_all_round(mine[::step, ::step], seen[::step, ::step], at, is_positive=is_positive):
            return None
        moved = before.copy()
        moved[rows, cols] = (mine | seen if is_positive else mine & seen) | others
        return agree(moved, pointing)


def redrawn(before: Mask, looks: SeenTwice, pointing: Pointing) -> Mask | None:
    """The mask with the part that the last click is in, and drawn again along its outline; None if it is not rough.

    Args:
        before: bool [H, W], which the last click contradicts and the answer does not.
        looks: the answer.
        pointing: in pixels of the mask.
    """
    rows, cols = clicked_pixels(pointing, before.shape)
    click = int(rows[-1]), int(cols[-1])
    where, area = bounding_box(before | looks.mask), int(np.count_nonzero(before))
    mine, seen = before[where], looks.mask[where]
    agreed = seen == (cropped_logits(looks.afar, before.shape, where) > 0)
    at = click[0] - where[0].start, click[1] - where[1].start
    reach = Reach.of(_changes(mine, seen, bool(pointing.is_positive[-1])), at)
    own = np.zeros_like(mine)
    own[reach.where] = reach.own
    if not _is_rough(own & agreed, reach, at, area):
        return None
    done = np.zeros_like(before)
    done[where] = _touching(mine ^ (own | _elsewhere(mine, seen, agreed, own)), mine | own)
    return agree(done, pointing)


def _is_off_all_round(before: Mask, after: Mask, click: tuple[int, int], *, is_positive: bool) -> bool:
    """Whether the outline is off to the side of the click, about as far as the click says, nearly everywhere."""
    added, taken = _changes(before, after, True), _changes(before, after, False)
    rims = (
        ndimage.binary_dilation(before, _EIGHT) & ~before,
        before & ~ndimage.binary_erosion(before, _EIGHT, border_value=1),
    )
    (own, against), (rim, other) = ((added, taken), rims) if is_positive else ((taken, added), rims[::-1])
    if not rim.any() or own[rim].mean() < ALL_ROUND:
        return False
    if other.any() and against[other].mean() > 1 - ALL_ROUND:
        return False
    ways = ndimage.distance_transform_edt(after if is_positive else ~after)[rim]
    least, far, most = (float(each) for each in np.quantile(ways, (0.25, 0.5, 0.9)))
    clicked = float(ndimage.distance_transform_edt(~before if is_positive else before)[click])
    root = float(np.sqrt(np.count_nonzero(before)))
    is_even = least >= EVEN * most
    return is_even and LEAST_MOVED * root <= far <= min(MOST_MOVED * root, CLICKED * clicked)


def _changes(before: Mask, after: Mask, is_positive: bool) -> Mask:
    """What changes to the side of the click."""
    return after & ~before if is_positive else before & ~after


def _is_rough(agreed: Mask, reach: Reach, click: tuple[int, int], area: int) -> bool:
    """Whether the click shows that a mask of this area is rough.

    Args:
        agreed: what of the click's part both looks want, in the same rectangle as the click.
        reach: of the click.
        click: (row, column).
        area: in pixels.
    """
    disk = np.pi * reach.depth**2
    is_deep = disk >= DEEP * area and reach.aside <= ASIDE
    is_seen = int(np.count_nonzero(agreed)) >= SEEN_FROM_AFAR * int(np.count_nonzero(reach.own))
    at = click[0] - reach.where[0].start, click[1] - reach.where[1].start
    return is_deep and is_seen and (disk >= PLAINLY_DEEP * area or _clicked(reach, at) > ROUGH * area)


def _clicked(reach: Reach, click: tuple[int, int]) -> float:
    """How many pixels of its part are about as deep as the click and connected to it: not the seams that lead away.

    An answer that is a pixel wider all round has much that changes, but little of that is where the click is.
    """
    step = max(1, round(float(np.sqrt(reach.own.size / SEEN))))
    deep = ndimage.distance_transform_edt(np.pad(reach.own[::step, ::step], 1))[1:-1, 1:-1] * step
    parts, _ = ndimage.label(deep > HALF * (reach.depth + 0.5), _EIGHT)
    row, col = (min(place // step, side - 1) for place, side in zip(click, parts.shape, strict=True))
    return float(np.count_nonzero(parts == parts[row, col])) * step**2 if parts[row, col] else 0.0


def _elsewhere(before: Mask, after: Mask, agreed: Mask, own: Mask) -> Mask:
    """Pieces that change with the click's ``own`` part; none where that is a thing apart from the mask."""
    others = _others(before, after)
    if not (ndimage.binary_dilation(own, _EIGHT) & before & ~others).any():
        return np.zeros_like(own)
    changed = (before ^ after) & agreed & ~own & ~others
    return _pieces(changed, int(PIECE * np.count_nonzero(before)))


def _others(before: Mask, after: Mask) -> Mask:
    """Parts of the mask that the answer is not about."""
    parts, number = ndimage.label(before, _EIGHT)
    sizes = np.bincount(parts.ravel(), minlength=number + 1)
    kept = np.bincount(parts[after], minlength=number + 1)
    is_other = kept < KEPT * sizes
    is_other[0] = False
    others: Mask = is_other[parts]
    return others


def _pieces(changed: Mask, most: int) -> Mask:
    """Connected pieces of at most so many pixels."""
    parts, number = ndimage.label(changed, _EIGHT)
    is_small = np.bincount(parts.ravel(), minlength=number + 1) <= most
    is_small[0] = False
    small: Mask = is_small[parts]
    return small


def _touching(mask: Mask, known: Mask) -> Mask:
    """The connected parts of ``mask`` that hold something of ``known``: no new islands."""
    parts, number = ndimage.label(mask, _EIGHT)
    is_known = np.zeros(number + 1, dtype=bool)
    is_known[parts[known & mask]] = True
    is_known[0] = False
    touching: Mask = is_known[parts]
    return touching
