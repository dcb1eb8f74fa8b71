"""What experts attend to in an image and to a click, and how alike they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.prediction.proposals import PromptSet


@dataclass(frozen=True, slots=True)
class ExpertSimilarity:
    """How alike the experts of one image are.

    Attributes:
        vectors: the experts after looking at the image, float32 [K, D].
        cosine: of their vectors, float32 [K, K].
        overlap: of what they explain, 0..1, float32 [K, K].
        order: in which similar experts are neighbours.
        idle: experts that hardly any pixel draws on.
        twins: pairs that do the same.
    """

    vectors: NDArray[np.float32]
    cosine: NDArray[np.float32]
    overlap: NDArray[np.float32]
    order: tuple[int, ...]
    idle: tuple[int, ...]
    twins: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ExpertMaps:
    """Where the experts look and which pixels they explain, at token resolution.

    Attributes:
        look: float32 [heads, K, h, w]; sums to 1 over (h, w) for every head and expert.
        mix: float32 [heads, K, h, w]; sums to 1 over K at every token and head.
        shape: (rows, columns) of the image; token (i, j) covers the pixels around ``(i, j) * stride``.
        stride: pixels of the image per token, along one side.
        similarity: how alike the experts are; None where nobody compared them.
    """

    image_id: str
    version: str
    look: NDArray[np.float32]
    mix: NDArray[np.float32]
    shape: tuple[int, int]
    stride: float
    similarity: ExpertSimilarity | None = None


@dataclass(frozen=True, slots=True)
class PromptAttention:
    """As `ExpertMaps` for an object: a row per click, two for the box, the last for all learned experts.

    Attributes:
        prompts: what the rows but the last are about, in order.
        look: float32 [heads, P + 1, h, w]; sums to 1 over (h, w).
        mix: float32 [heads, P + 1, h, w]; sums to 1 over the rows.
        shape: (rows, columns) of the image.
        stride: pixels of the image per token, along one side.
    """

    image_id: str
    version: str
    prompts: PromptSet
    look: NDArray[np.float32]
    mix: NDArray[np.float32]
    shape: tuple[int, int]
    stride: float
