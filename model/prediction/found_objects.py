"""Objects that were found without being clicked one by one, and which of those that overlap are kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from model.prediction.resample import resize_logits
from model.prediction.zoom_region import Bounds, EncodedRegion

SAME: Final = 0.6
"""Two masks with this IoU are the same object, and the better one is kept."""

_MARGIN: Final = 0.25
"""How far logits are moved to see whether the outline moves."""


@dataclass(frozen=True, slots=True, eq=False)
class FoundObject:
    """An object somewhere in an image.

    Attributes:
        bounds: row0, col0, row1, col1 of its box in pixels of the image, half-open.
        mask: bool [row1 - row0, col1 - col0].
        score: the IoU that the network estimates, 0..1.
        stability: IoU of the masks at a stricter and a laxer threshold, 0..1.
        similarity: how much it is like the examples, 0..1; 1 where there were none.
        is_boxed: whether it was asked for by a box, not by a click alone.
    """

    bounds: Bounds
    mask: NDArray[np.bool_]
    score: float
    stability: float
    similarity: float = 1.0
    is_boxed: bool = False

    @property
    def pixels(self) -> int:
        """How many pixels it has."""
        return int(np.count_nonzero(self.mask))

    @property
    def quality(self) -> float:
        """By which overlaps are decided, 0..1."""
        return self.score * self.stability * self.similarity

    def holds(self, xy: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which of the positions [N, 2] in pixels of the image lie on it, bool [N]."""
        row0, col0, row1, col1 = self.bounds
        cols, rows = np.floor(xy).astype(np.intp).T
        inside = (rows >= row0) & (rows < row1) & (cols >= col0) & (cols < col1)
        inside[inside] = self.mask[rows[inside] - row0, cols[inside] - col0]
        return np.asarray(inside, np.bool_)


@dataclass(frozen=True, slots=True)
class Sieve:
    """What an answer to a click must be to count as an object.

    Attributes:
        score: least IoU that the network estimates.
        stability: least agreement of a stricter and a laxer threshold.
        smallest: least number of pixels of the image.
        largest: greatest share of the image.
    """

    score: float = 0.4
    stability: float = 0.45
    smallest: int = 16
    largest: float = 0.9


def iou(one: FoundObject, other: FoundObject) -> float:
    """Intersection over union of two masks, 0..1."""
    row0, col0 = (max(one.bounds[i], other.bounds[i]) for i in (0, 1))
    row1, col1 = (min(one.bounds[i], other.bounds[i]) for i in (2, 3))
    if row0 >= row1 or col0 >= col1:
        return 0.0
    parts = [
        each.mask[
            row0 - each.bounds[0] : row1 - each.bounds[0], col0 - each.bounds[1] : col1 - each.bounds[1]
        ]
        for each in (one, other)
    ]
    both = int(np.count_nonzero(parts[0] & parts[1]))
    return both / (one.pixels + other.pixels - both)


def best_of_overlapping(found: Iterable[FoundObject], same: float = SAME) -> tuple[FoundObject, ...]:
    """The best of every group of masks of the same object, the best one first (non-maximum suppression).

    What a click alone has found goes before what a box has: estimates of quality are higher with a box, whether it
    was round an object or not.
    """
    kept: list[FoundObject] = []
    for each in sorted(found, key=lambda one: (one.is_boxed, -one.quality)):
        if all(iou(each, one) < same for one in kept):
            kept.append(each)
    return tuple(sorted(kept, key=lambda one: -one.quality))


def sieved_objects(
    logits: Tensor,
    scores: NDArray[np.float32],
    xy: NDArray[np.float32],
    view: EncodedRegion,
    shape: tuple[int, int],
    sieve: Sieve,
) -> list[FoundObject]:
    """The answers to clicks that pass the sieve, each as the one part that was clicked on.

    Args:
        logits: [N, h, w], of the view.
        scores: estimated IoU [N].
        xy: the clicks in pixels of the view, [N, 2].
        view: part of the image.
        shape: (rows, columns) of the image.
        sieve: what is kept.
    """
    strict = (logits > _MARGIN).sum((1, 2)).cpu().numpy()
    lax = (logits > -_MARGIN).sum((1, 2)).cpu().numpy()
    stability = strict / np.maximum(lax, 1)
    is_wanted = (scores >= sieve.score) & (stability >= sieve.stability) & (strict > 0)
    found = []
    for index in np.flatnonzero(is_wanted).tolist():
        one = np.asarray(logits[index].cpu().numpy(), np.float32)
        placed = _placed(one, xy[index], view, shape)
        if placed is None:
            continue
        bounds, mask = placed
        if sieve.smallest <= np.count_nonzero(mask) <= sieve.largest * shape[0] * shape[1]:
            found.append(FoundObject(bounds, mask, float(scores[index]), float(stability[index])))
    return found


def _placed(
    logits: NDArray[np.float32], xy: NDArray[np.float32], view: EncodedRegion, shape: tuple[int, int]
) -> tuple[Bounds, NDArray[np.bool_]] | None:
    """The part under a click in pixels of the image; None where it is cut off, or where there is none."""
    part = _clicked_part(logits > 0, xy)
    if part is None or view.touches(part, shape):
        return None
    rows, cols = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
    top, left = max(0, int(rows[0]) - 1), max(0, int(cols[0]) - 1)
    bottom, right = int(rows[-1]) + 2, int(cols[-1]) + 2
    inside = np.where(part, logits, np.minimum(logits, -0.1))[top:bottom, left:right]
    bounds = _in_image((top, left, top + inside.shape[0], left + inside.shape[1]), view)
    size = bounds[2] - bounds[0], bounds[3] - bounds[1]
    if min(size) < 1:
        return None
    return _tight(bounds, resize_logits(np.ascontiguousarray(inside), size) > 0)


def _clicked_part(mask: NDArray[np.bool_], xy: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """The connected part of a mask that a click lies on; None where it lies on none."""
    row = min(max(int(xy[1]), 0), mask.shape[0] - 1)
    col = min(max(int(xy[0]), 0), mask.shape[1] - 1)
    if not mask[row, col]:
        return None
    parts, _ = ndimage.label(mask)
    return np.asarray(parts == parts[row, col], np.bool_)


def _in_image(box: Bounds, view: EncodedRegion) -> Bounds:
    """A box of a view in pixels of the image."""
    row0, col0, row1, col1 = view.bounds
    scale_x, scale_y = view.scale_xy
    return (
        max(row0, row0 + round(box[0] / scale_y)),
        max(col0, col0 + round(box[1] / scale_x)),
        min(row1, row0 + round(box[2] / scale_y)),
        min(col1, col0 + round(box[3] / scale_x)),
    )


def _tight(bounds: Bounds, mask: NDArray[np.bool_]) -> tuple[Bounds, NDArray[np.bool_]] | None:
    """The same without empty rows and columns; None where nothing is left."""
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if rows.size == 0:
        return None
    top, left, bottom, right = int(rows[0]), int(cols[0]), int(rows[-1]) + 1, int(cols[-1]) + 1
    tight = (bounds[0] + top, bounds[1] + left, bounds[0] + bottom, bounds[1] + right)
    return tight, mask[top:bottom, left:right].copy()
