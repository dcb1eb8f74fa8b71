"""Strokes along an object and loops round it: what one draws where a click would say too little.

A stroke tells a long thin thing from what it lies on; a loop, an object from its neighbours. The network was taught
clicks, boxes and masks, so a line is handed to it as these: a stroke as a few clicks along it, since many side by
side are nothing that it has seen, a loop as the box round it; and each as a mask that is the less certain the farther
from the stroke, or the nearer to the loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from model.errors import ModelError
from model.prediction.inputs import MASK_LOGIT

Mask = NDArray[np.bool_]

CLICKS: Final = 6
"""So many clicks stand for a stroke."""
REACH: Final = 0.15
"""So far from a stroke, as a share of its length, it is certain that there is no object any more."""
AROUND: Final = 0.04
"""An object may reach beyond the loop by this share of the square root of its area: hands are not exact."""
CRUMB: Final = 0.005
"""What a negative line cuts off goes as well where it is no larger than this share of the object."""
_EIGHT: Final = np.ones((3, 3), np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line drawn by hand, in pixels of the image.

    Attributes:
        xy: its places in order, float32 [N, 2].
        is_positive: whether what it points at belongs to the object.
        is_loop: whether it runs round what is meant, from the last place back to the first.
    """

    xy: NDArray[np.float32]
    is_positive: bool = True
    is_loop: bool = False

    @classmethod
    def of(cls, places: ArrayLike, *, is_positive: bool = True, is_loop: bool = False) -> Line:
        """Checked.

        Raises:
            ModelError: the places are no numbers, or fewer than two.
        """
        try:
            xy = np.asarray(places, np.float32).reshape(-1, 2)  # [N, 2]
        except (TypeError, ValueError) as error:
            raise ModelError(
                "A line must be (x, y) pairs.", action="Give pixels.", detail=str(error)
            ) from error
        if len(xy) < 2 or not np.isfinite(xy).all():
            raise ModelError(
                "A line needs two places at least.", action="Give (x, y) pairs in pixels, x first."
            )
        return cls(xy, is_positive, is_loop and len(xy) > 2)

    @property
    def length(self) -> float:
        """In pixels, from the first place to the last."""
        return float(self._way()[-1])

    def clicks(self) -> NDArray[np.float32]:
        """The clicks that stand for a stroke, float32 [P, 2]; none for a loop, on which the object does not lie."""
        return np.zeros((0, 2), np.float32) if self.is_loop else self.evenly(CLICKS)

    def box(self) -> NDArray[np.float32]:
        """x0, y0, x1, y1 of the rectangle of whole pixels round it."""
        low = np.floor(self.xy.min(0))
        high = np.maximum(np.ceil(self.xy.max(0)), low + 1)
        return np.concatenate((low, high)).astype(np.float32)

    def pixels(self, shape: tuple[int, int]) -> Mask:
        """The pixels that it is drawn over, bool [H, W]; as wide as the disk that a click sets right."""
        count = int(2 * self.length) + 2
        cols, rows = np.floor(self.evenly(count)).astype(np.intp).T
        drawn = np.zeros(shape, np.bool_)
        drawn[rows.clip(0, shape[0] - 1), cols.clip(0, shape[1] - 1)] = True
        return thickened(drawn, drawn_radius(shape))

    def inside(self, shape: tuple[int, int], around: float = 0.0) -> Mask:
        """The pixels that a loop encloses, bool [H, W].

        Args:
            shape: (rows, columns) of the image.
            around: margin for the hand, as a share of the square root of the area.
        """
        from skimage.draw import polygon  # takes a quarter of a second, which only this needs

        drawn = np.zeros(shape, np.bool_)
        drawn[polygon(self.xy[:, 1] - 0.5, self.xy[:, 0] - 0.5, shape)] = True
        return thickened(drawn, round(around * float(np.sqrt(np.count_nonzero(drawn)))))

    def evenly(self, count: int) -> NDArray[np.float32]:
        """Places in the middle of so many equal parts of it, float32 [count, 2]."""
        way = self._way()
        places = (np.arange(count) + 0.5) / count * way[-1]
        along = [np.interp(places, way, self.xy[:, axis]) for axis in (0, 1)]
        return np.stack(along, axis=1).astype(np.float32)

    def _way(self) -> NDArray[np.float64]:
        """How far each place is along it."""
        steps = np.hypot(*np.diff(self.xy.astype(np.float64), axis=0).T)
        return np.concatenate(([0.0], steps.cumsum()))


def drawn_radius(shape: tuple[int, ...]) -> int:
    """Pixels to either side that a stroke is drawn with on an image of (rows, columns): as the disk of a click."""
    return max(1, round(0.003 * max(shape[:2])))


def thickened(mask: Mask, radius: int) -> Mask:
    """A mask with all that is no farther from it than ``radius`` pixels."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if radius <= 0 or not rows.size:
        return mask
    where = (
        slice(max(0, int(rows[0]) - radius), int(rows[-1]) + radius + 1),
        slice(max(0, int(cols[0]) - radius), int(cols[-1]) + radius + 1),
    )
    wide = mask.copy()
    wide[where] = ndimage.distance_transform_edt(~mask[where]) <= radius
    return wide


def mask_hint(
    line: Line, earlier: NDArray[np.float32] | None, shape: tuple[int, int]
) -> NDArray[np.float32] | None:
    """The mask that goes with a line to the network, logits float32 [H, W]; None for none.

    Args:
        line: the last of what was pointed at.
        earlier: logits of the answer so far, [H, W]; None where there is none. A loop is asked about without.
        shape: (rows, columns) of the picture that both are of.
    """
    if line.is_loop:
        return _loop_hint(line.inside(shape))
    if earlier is None:
        return _stroke_hint(line, shape) if line.is_positive else None
    sign = np.float32(MASK_LOGIT if line.is_positive else -MASK_LOGIT)
    return np.where(line.pixels(shape) & (earlier * np.sign(sign) < MASK_LOGIT), sign, earlier)


def _loop_hint(inside: Mask) -> NDArray[np.float32]:
    """Certainly nothing outside of a loop; inside, the more likely the deeper."""
    depth = ndimage.distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
    likely = MASK_LOGIT * depth / max(1.0, float(depth.max())) - 1
    return np.where(inside, likely, -MASK_LOGIT).astype(np.float32)


def _stroke_hint(line: Line, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Certain on a stroke, open beside it, and less and less likely with the distance."""
    on_line = line.pixels(shape)
    away = ndimage.distance_transform_edt(~on_line) / max(1.0, REACH * line.length)
    return np.where(on_line, MASK_LOGIT, -MASK_LOGIT * away.clip(0, 1)).astype(np.float32)


def followed(line: Line, answer: Mask, before: Mask | None) -> Mask:
    """What a line makes of an object, bool [H, W].

    A positive line takes no pixel away and a negative one adds none; what changes is connected to a stroke or lies
    inside a loop. A stroke itself belongs to the object, or does not, whatever the answer says.

    Args:
        line: the last of what was pointed at.
        answer: what the network sees; of a further loop, as an object of its own.
        before: what there was; None where there was nothing.
    """
    there = np.zeros_like(answer) if before is None else before
    if line.is_loop:
        within = line.inside(_shape(answer), AROUND)
        if not line.is_positive:
            return _without_crumbs(there & ~within, there)
        found = answer & within
        return there | (found if found.any() else within)
    on_line = line.pixels(_shape(answer))
    if line.is_positive:
        return there | _touching((answer & ~there) | on_line, on_line)
    if before is None:
        return answer & ~on_line
    return _without_crumbs(there & ~_touching((there & ~answer) | on_line, on_line), there)


def told(logits: NDArray[np.float32], mask: Mask) -> NDArray[np.float32]:
    """Logits [h, w] that say what the mask [H, W] says, for the next answer to go on from."""
    rows, cols = (
        ((np.arange(small) + 0.5) * (side / small)).astype(np.intp)
        for small, side in zip(logits.shape, mask.shape, strict=True)
    )
    said = mask[rows][:, cols]
    return np.where((logits > 0) == said, logits, np.where(said, MASK_LOGIT, -MASK_LOGIT)).astype(np.float32)


def _shape(mask: Mask) -> tuple[int, int]:
    return mask.shape[0], mask.shape[1]


def _touching(mask: Mask, line: Mask) -> Mask:
    """The parts of ``mask`` that share a pixel with ``line``."""
    parts, count = ndimage.label(mask, _EIGHT)
    is_met = np.zeros(count + 1, np.bool_)
    is_met[parts[line & mask]] = True
    is_met[0] = False
    kept: Mask = is_met[parts]
    return kept


def _without_crumbs(mask: Mask, before: Mask) -> Mask:
    """``mask`` without parts that are next to nothing of what there was."""
    parts, count = ndimage.label(mask, _EIGHT)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    is_kept = sizes > CRUMB * np.count_nonzero(before)
    is_kept[0] = False
    kept: Mask = is_kept[parts]
    return kept
