"""What is asked and said of experts beyond their maps: changed ones, parts of an image, sums over many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import Rect

DOZEN: Final = 12
"""So many squares show what excites an expert."""

GainKey = int | tuple[int, int]
"""An expert with all of its attention heads, or (head, expert)."""

Gains = dict[GainKey, float]
"""Factors on how strongly pixels may draw on experts: 1 as trained, 0 knocked out; what is not named keeps 1."""


@dataclass(frozen=True, slots=True)
class ExpertChange:
    """What is different on an image with experts knocked out or boosted.

    Attributes:
        moved: pixels by class before (rows) and after (columns), in classes of the weights, int64 [C, C].
        confidence: mean confidence after minus before, -1..1.
        shape: (rows, columns) at which both were compared; fewer than the image has where it is very large.
    """

    image_id: str
    version: str
    moved: NDArray[np.int64]
    confidence: float
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class AlteredPrediction:
    """A prediction with experts changed, and what is different in it."""

    prediction: Prediction
    change: ExpertChange


@dataclass(frozen=True, slots=True)
class RegionAttention:
    """The maps of a part of an image, with more tokens than the maps of the whole have there.

    Attributes:
        rect: the part, in pixels of the image.
        look: float32 [heads, K, h, w]; sums over (h, w) to the share of the whole look that lies in the part.
        mix: float32 [heads, K, h, w]; sums to 1 over K.
        stride: pixels of the image per token, along one side.
    """

    image_id: str
    version: str
    rect: Rect
    look: NDArray[np.float32]
    mix: NDArray[np.float32]
    stride: float


@dataclass(frozen=True, slots=True, eq=False)
class ExpertPatch:
    """A square of an image that an expert has much to do with.

    Attributes:
        share: how much of it the expert explains, 0..1.
        rect: where it lies.
        picture: what is to be seen there, reduced, uint8 [h, w, 3].
    """

    image_id: str
    share: float
    rect: Rect
    picture: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ExpertPatches:
    """Squares of an image that each expert has most to do with: by expert, the strongest first."""

    image_id: str
    version: str
    patches: tuple[tuple[ExpertPatch, ...], ...]


@dataclass(frozen=True, slots=True)
class ExpertShares:
    """How what each expert explains on an image divides among the classes of the weights.

    Attributes:
        shares: float32 [K, C]; all of it sums to 1, a row to what the expert explains of the image.
        patches: what each expert has most to do with on this image.
    """

    image_id: str
    version: str
    shares: NDArray[np.float32]
    patches: ExpertPatches


@dataclass(frozen=True, slots=True)
class MixCounted:
    """Labelled pixels of an image by label (rows) and predicted class of the weights (columns), int64 [N, C].

    Attributes:
        learned: with the mix as it was learned.
        even: with an even mix.
    """

    image_id: str
    version: str
    learned: NDArray[np.int64]
    even: NDArray[np.int64]


def strongest(
    known: Sequence[Sequence[ExpertPatch]], found: ExpertPatches
) -> tuple[tuple[ExpertPatch, ...], ...]:
    """The `DOZEN` strongest squares of every expert, the strongest first.

    Args:
        known: by expert, of images before; empty where there are none. What it has of the image itself goes.
        found: in one image.
    """
    before = known or ((),) * len(found.patches)
    others = ([each for each in one if each.image_id != found.image_id] for one in before)
    return tuple(
        tuple(nlargest(DOZEN, [*old, *new], key=lambda patch: patch.share))
        for old, new in zip(others, found.patches, strict=True)
    )


def in_other_classes(moved: NDArray[np.int64], table: NDArray[np.uint8], count: int) -> NDArray[np.int64]:
    """`ExpertChange.moved` in other classes.

    Args:
        moved: [C, C].
        table: the other class of each of the C.
        count: how many others there are.

    Returns:
        int64 [count, count].
    """
    other = np.zeros((count, count), np.int64)
    ids = table[: len(moved)]
    np.add.at(other, (ids[:, None], ids[None, :]), moved)
    return other


def altered(gains: Mapping[GainKey, float]) -> Gains:
    """``gains`` without those that change nothing."""
    return {key: gain for key, gain in gains.items() if gain != 1.0}
