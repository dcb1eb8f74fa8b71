"""Objects that the model has found by itself: candidates, of which the user takes what is right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.masks.layers import Instances
from latentseg_gui.document.types import Mask, Rect

LEAST_SHARE: Final = 0.5
"""A candidate of which others leave less than this is no object of its own."""

SIMILARITY: Final = 0.5
"""How much a candidate must be like the examples, 0..1, where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class ObjectLooks:
    """What an object looks like, for finding its like in any image; opaque but to the model.

    Attributes:
        inside, around: features float32 [E].
        pixels: size in pixels of its image.
        form: length to width.
    """

    inside: NDArray[np.float32]
    around: NDArray[np.float32]
    pixels: float
    form: float


@dataclass(frozen=True, slots=True, eq=False)
class ObjectCandidate:
    """A mask that may be an object.

    Attributes:
        rect: its bounding box.
        mask: bool, of the shape of ``rect``.
        quality: how sure the model is of it, 0..1.
        similarity: how alike it is to the examples, 0..1; 1 where there were none.
        pixels: its size.
        class_id: of the object that it follows; None for whatever class is in use.
    """

    rect: Rect
    mask: Mask
    quality: float
    similarity: float
    pixels: int
    class_id: int | None = None

    def has(self, rc: tuple[int, int]) -> bool:
        """Whether a pixel belongs to it."""
        row, col = rc[0] - self.rect.row0, rc[1] - self.rect.col0
        rows, cols = self.mask.shape
        return 0 <= row < rows and 0 <= col < cols and bool(self.mask[row, col])


@dataclass(frozen=True, slots=True, eq=False)
class CandidatesFound:
    """What a search has found so far.

    Attributes:
        image_id: of the image.
        version: of the weights.
        candidates: the best first.
        looks: of the examples, where there were some.
        fraction: how much of the search is done, 0..1.
    """

    image_id: str
    version: str
    candidates: tuple[ObjectCandidate, ...]
    looks: tuple[ObjectLooks, ...] = ()
    fraction: float = 1.0

    @property
    def is_complete(self) -> bool:
        """Whether the search is over."""
        return self.fraction >= 1.0


def chosen(
    candidates: Iterable[ObjectCandidate],
    *,
    smallest: int = 0,
    largest: float = float("inf"),
    least_similarity: float = 0.0,
) -> tuple[ObjectCandidate, ...]:
    """Those of at least and at most so many pixels that are at least so alike."""
    return tuple(
        each
        for each in candidates
        if smallest <= each.pixels <= largest and each.similarity >= least_similarity
    )


def candidate_numbers(
    candidates: Sequence[ObjectCandidate], shape: tuple[int, int], free: Mask | None = None, first: int = 1
) -> Instances:
    """Object numbers of candidates that overlap no more, uint32 [H, W]; 0 for none.

    The better one keeps the pixels that two of them share; the first candidate is the best. One that is left with
    less than half of itself is dropped.

    Args:
        candidates: the best first.
        shape: (rows, columns) of the image.
        free: pixels that may belong to them, bool [H, W]; None for all.
        first: the number of the first object.
    """
    numbers = np.zeros(shape, np.uint32)
    for each in candidates:
        part = numbers[each.rect.slices]
        left = each.mask & (part == 0)
        if free is not None:
            left &= free[each.rect.slices]
        if np.count_nonzero(left) >= max(1, LEAST_SHARE * each.pixels):
            part[left] = first
            first += 1
    return numbers
