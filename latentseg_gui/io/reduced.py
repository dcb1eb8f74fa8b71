"""Images made small, for looks that need no detail."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GLANCE_PIXELS: Final = 120_000


def reduced(
    pixels: NDArray[np.uint8], vouched: NDArray[np.bool_], max_pixels: int = GLANCE_PIXELS
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """An image uint8 [H, W, 3] and a mask bool [H, W], both of at most about ``max_pixels`` pixels."""
    rows, cols = vouched.shape
    factor = math.sqrt(max_pixels / max(rows * cols, 1))
    if factor >= 1:
        return pixels, vouched
    size = max(1, round(rows * factor)), max(1, round(cols * factor))
    small = np.asarray(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BOX))
    picked = ((np.arange(n) * m) // n for n, m in zip(size, vouched.shape, strict=True))
    return small, vouched[np.ix_(*picked)]
