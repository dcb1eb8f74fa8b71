"""Where small things may be: blobs that stand out from what is around them, at every size.

A click says where, not how large, and in a field of small alike things it often means the field. A blob has a size,
so that a box can be drawn round it. Blobs are areas in which a difference of two Gaussians keeps its sign: its zero
crossings lie on edges (Marr and Hildreth, 1980), and of the sizes at which a thing shows up the one with the
strongest answer is its own (Lindeberg, 1998).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FIRST_SIGMA: Final = 2.0
STEP: Final = 1.5
LARGEST: Final = 0.1
"""Sigmas of the inner Gaussian: the first, the ratio of neighbours, the last as a share of the shorter side."""

SURROUND: Final = 1.6
"""Sigma of the outer Gaussian by that of the inner one: then the difference is nearly a Laplacian."""

_FLAT: Final = 0.15
"""Answers below this many standard deviations are no blob."""

_LEAST_FILL, _LONGEST = 0.45, 3.0
_SMALLEST: Final = 16
_SAME: Final = 0.6


@dataclass(frozen=True, slots=True)
class Blobs:
    """N blobs of a picture, the clearest first.

    Attributes:
        boxes: x0, y0, x1, y1 in pixels of the picture, float32 [N, 4].
        xy: where each stands out most, float32 [N, 2].
    """

    boxes: NDArray[np.float32]
    xy: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.xy)

    def taken(self, rows: NDArray[np.bool_]) -> Blobs:
        """Some of them."""
        return Blobs(self.boxes[rows], self.xy[rows])


def blobs_of(pixels: NDArray[np.uint8], most: int) -> Blobs:
    """The blobs of a picture, brighter or darker than what is around them.

    Args:
        pixels: RGB, uint8 [H, W, 3].
        most: how many at most.
    """
    bright = pixels.mean(2, dtype=np.float32) / 255
    rows = [each for sigma in _sigmas(bright.shape) for each in _at_size(bright, sigma)]
    found = np.array(rows, np.float32).reshape(-1, 7)  # clearness, box, place
    found = _clearest(found[np.argsort(-found[:, 0], kind="stable")], most)
    return Blobs(found[:, 1:5], found[:, 5:7])


def _sigmas(shape: tuple[int, ...]) -> list[float]:
    sigmas = [FIRST_SIGMA]
    while sigmas[-1] * STEP < LARGEST * min(shape):
        sigmas.append(sigmas[-1] * STEP)
    return sigmas


def _at_size(bright: NDArray[np.float32], sigma: float) -> Iterator[tuple[float, ...]]:
    """Clearness, box and place of each blob that a pair of Gaussians shows in brightness [H, W]."""
    inner, outer = (ndimage.gaussian_filter(bright, each, truncate=3) for each in (sigma, SURROUND * sigma))
    for answer in (inner - outer, outer - inner):
        parts, count = ndimage.label(answer > _FLAT * answer.std())
        areas = np.bincount(parts.ravel(), minlength=count + 1)[1:]
        means = np.bincount(parts.ravel(), answer.ravel(), minlength=count + 1)[1:] / np.maximum(areas, 1)
        for index, place in enumerate(ndimage.find_objects(parts)):
            rows, cols = (each.stop - each.start for each in place)
            fill = areas[index] / (rows * cols)
            is_size = max(_SMALLEST, 2 * sigma**2) <= areas[index] <= 30 * sigma**2
            if not is_size or fill < _LEAST_FILL or max(rows, cols) > _LONGEST * min(rows, cols):
                continue
            inside = np.where(parts[place] == index + 1, answer[place], -np.inf)
            row, col = np.unravel_index(int(inside.argmax()), inside.shape)
            top, left = place[0].start, place[1].start
            yield (
                float(means[index]) * min(1.0, fill / 0.7),
                *(left, top, place[1].stop, place[0].stop),
                *(left + float(col) + 0.5, top + float(row) + 0.5),
            )


def _clearest(found: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """Of blobs [N, 7], the best first, the first of each group that are nearly the same."""
    kept = found[:0]
    for each in found:
        if len(kept) == most:
            break
        if (box_overlaps(each[1:5], kept[:, 1:5]) < _SAME).all():
            kept = np.concatenate((kept, each[None]))
    return kept


def box_overlaps(box: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """IoU of a box [4] with others [N, 4], float32 [N]."""
    corner, far = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    both = np.prod(np.clip(far - corner, 0, None), axis=1)
    one, others = np.prod(box[2:] - box[:2]), np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return np.asarray(both / (one + others - both), np.float32)
