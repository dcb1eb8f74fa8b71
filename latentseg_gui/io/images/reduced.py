"""Images made small, for looks that need no detail."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GLANCE_PIXELS: Final = 120_000
_BAND_PIXELS: Final = 1 << 21


def reduced(
    pixels: NDArray[np.uint8], labels: NDArray[np.uint8], max_pixels: int = GLANCE_PIXELS
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """An image uint8 [H, W, 3] and its labels uint8 [H, W], both of at most about ``max_pixels`` pixels."""
    rows, cols = labels.shape
    factor = math.sqrt(max_pixels / max(rows * cols, 1))
    if factor >= 1:
        return pixels, labels
    size = max(1, round(rows * factor)), max(1, round(cols * factor))
    small = _boxed(pixels, size)
    picked = ((np.arange(n) * m) // n for n, m in zip(size, labels.shape, strict=True))
    return small, labels[np.ix_(*picked)]


def _boxed(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Means of boxes, uint8 [*size, 3]; in bands, for Pillow copies what it is given."""
    small = np.empty((*size, 3), np.uint8)
    per_row = pixels.shape[0] / size[0]
    rows = max(1, int(_BAND_PIXELS / (per_row * pixels.shape[1])))
    for top in range(0, size[0], rows):
        bottom = min(top + rows, size[0])
        first, last = math.floor(top * per_row), min(math.ceil(bottom * per_row), pixels.shape[0])
        box = (0, top * per_row - first, pixels.shape[1], min(bottom * per_row, pixels.shape[0]) - first)
        band = Image.fromarray(pixels[first:last])
        small[top:bottom] = np.asarray(band.resize((size[1], bottom - top), Image.Resampling.BOX, box))
    return small
