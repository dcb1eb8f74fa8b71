"""Whether pictures have an up: street scenes do, what lies under a microscope does not."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import torch

from model.finetuning.types import IGNORED
from model.finetuning.views import Picture

FEWEST: Final = 8
"""Of fewer pictures nothing is concluded: one that lies on its side would do."""

OFFSET: Final = 0.05
"""How far above or below the middle a class must lie on average, in heights of the picture."""

SURE: Final = 5.0
"""By how many standard errors."""


def are_upright(pictures: Sequence[Picture]) -> bool:
    """Whether some class lies at much the same height in most of the pictures.

    Then what is up and what is down helps to tell classes apart, and pictures that were turned by a right
    angle would teach the opposite.

    Args:
        pictures: their ``train`` labels count. Heights are relative to the middle of all that is labelled,
            and in windows of large images to that of the window.
    """
    if len(pictures) < FEWEST:
        return False
    heights: dict[int, list[float]] = defaultdict(list)
    for picture in pictures:
        for value, height in _heights(picture):
            heights[value].append(height)
    return any(_is_told(np.array(found)) for found in heights.values() if len(found) >= FEWEST)


def _heights(picture: Picture) -> Iterator[tuple[int, float]]:
    """Every class with how far its middle lies below that of all labelled pixels, in heights of the picture."""
    rows = torch.arange(len(picture.train), dtype=torch.float64) / len(picture.train)
    known = (picture.train != IGNORED).sum(1).double()  # [H]
    middle = float((known * rows).sum() / known.sum().clamp(min=1))
    for value in torch.unique(picture.train).tolist():
        if value != IGNORED:
            there = (picture.train == value).sum(1).double()  # [H]
            yield value, float((there * rows).sum() / there.sum()) - middle


def _is_told(heights: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    mean, error = abs(heights.mean()), heights.std(ddof=1) / math.sqrt(len(heights))
    return bool(mean > OFFSET and mean > SURE * error)
