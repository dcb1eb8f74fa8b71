"""A hand that clicks into what is wrong: in its middle, or anywhere deep enough, the same way every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Click = tuple[int, int, bool]
"""Row, column, whether on the object."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Where in an error somebody clicks.

    The place depends on the seed, the object and the number of the click alone: two rules are clicked on alike as
    long as they answer alike.

    Attributes:
        jitter: 0 for the innermost place; else anywhere deeper than 1 - jitter of that.
        seed: of the draw.
    """

    jitter: float = 0.0
    seed: int = 0

    def place(self, depth: NDArray[np.float32], number: int, turn: int) -> tuple[int, int]:
        """Row and column in an error of this depth [H, W], for a click of this number on the object of this turn."""
        if not self.jitter:
            row, col = np.unravel_index(int(depth.argmax()), depth.shape)
            return int(row), int(col)
        places = np.argwhere(depth >= depth.max() * (1 - self.jitter))
        chosen = np.random.default_rng((self.seed, turn, number)).random()
        row, col = places[int(chosen * len(places))]
        return int(row), int(col)


def next_click(
    mask: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    counts: NDArray[np.bool_],
    done: Sequence[Click],
    hand: Hand,
    turn: int,
) -> Click | None:
    """Where a person would click next; None where nothing is wrong.

    Args:
        mask: what was answered, [H, W].
        truth: what is wanted.
        counts: where it matters.
        done: clicks so far; the same pixel is not clicked twice.
        hand: of the person.
        turn: number of the object.
    """
    depths = []
    for wrong in (truth & ~mask & counts, ~truth & mask & counts):
        padded = cv2.copyMakeBorder(wrong.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        depth = cv2.distanceTransform(padded, cv2.DIST_L2, 0)[1:-1, 1:-1]
        for row, col, _ in done:
            depth[row, col] = 0
        depths.append(depth)
    is_positive = bool(depths[0].max() >= depths[1].max())
    depth = depths[0 if is_positive else 1]
    if depth.max() <= 0:
        return None
    return *hand.place(depth, len(done), turn), is_positive
