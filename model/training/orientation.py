"""Whether images have an up: street scenes do, what lies under a microscope does not; and turning accordingly."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.training.types import IGNORED

FEWEST: Final = 8
"""Of fewer images nothing is concluded: one that lies on its side would do."""

OFFSET: Final = 0.05
"""How far above or below the middle a class must lie on average, in heights of the image."""

SURE: Final = 5.0
"""By how many standard errors."""

Rows = NDArray[np.unsignedinteger[Any]]
"""Labelled pixels of an image by row and class id, [H, C]."""


def rows_of(labels: NDArray[np.uint8]) -> Rows:
    """What `are_upright` needs to know of labels uint8 [H, W], as uint32 [H, 255]."""
    return np.stack([np.bincount(row, minlength=256) for row in labels])[:, :IGNORED].astype(np.uint32)


def are_upright(images: Sequence[Rows]) -> bool:
    """Whether some class lies at much the same height in most of the images.

    Then what is up and what is down helps to tell classes apart, and images that were turned by a right
    angle would teach the opposite.

    Args:
        images: all that is labelled, held back or not. Heights are relative to the middle of it.
    """
    if len(images) < FEWEST:
        return False
    heights: dict[int, list[float]] = defaultdict(list)
    for rows in images:
        for value, height in _heights(rows):
            heights[value].append(height)
    return any(_is_told(np.array(found)) for found in heights.values() if len(found) >= FEWEST)


def _heights(rows: Rows) -> Iterator[tuple[int, float]]:
    """Every class with how far its middle lies below that of all labelled pixels, in heights of the image."""
    totals = rows.sum(0, dtype=np.float64)  # [C]
    moments = (np.arange(len(rows)) / len(rows)) @ rows  # [C]
    middle = float(moments.sum() / max(1.0, totals.sum()))
    for value in np.flatnonzero(totals).tolist():
        yield value, float(moments[value] / totals[value]) - middle


def _is_told(heights: NDArray[np.float64]) -> bool:
    mean, error = abs(heights.mean()), heights.std(ddof=1) / math.sqrt(len(heights))
    return bool(mean > OFFSET and mean > SURE * error)


def random_turn(
    generator: torch.Generator, *, is_upright: bool, is_mirrored: bool = True
) -> Callable[[Tensor], Tensor]:
    """A random direction for tensors [..., H, W]: what is upright is mirrored at most, all else turned as well."""
    turns, is_flipped = (int(torch.randint(limit, (), generator=generator)) for limit in (4, 2))
    turns *= not is_upright
    is_flipped *= is_mirrored

    def turn(part: Tensor) -> Tensor:
        turned = torch.rot90(part, turns, (-2, -1))
        return turned.flip(-1) if is_flipped else turned

    return turn
