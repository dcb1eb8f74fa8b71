"""Reduced copies of an image, built in small slices so that the window never waits for them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from time import perf_counter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.canvas.packing import Packed, halved, image_of_rgb, packed_view
from latentseg_gui.document.types import Rect

SMALLEST_SIDE: Final = 512
"""No further halving below this longer side."""
BLOCK: Final = 256
"""Pixels to a side of what is reduced in one go: four times as much does not fit a core's cache."""


class ImagePyramid:
    """An RGB image and its halvings; level n has ``2**n`` image pixels to a side of its pixels.

    Args:
        pixels: uint8 [H, W, 3], C-contiguous; referenced, not copied.
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.pixels = pixels
        rows, cols = self.shape
        depth = max(0, math.ceil(math.log2(max(rows, cols, 1) / SMALLEST_SIDE)))
        self._levels = [
            np.empty((-(-rows // 2**n), -(-cols // 2**n)), np.uint32) for n in range(1, depth + 1)
        ]
        self._blocks = self._build()
        self.is_complete = depth == 0

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the image."""
        return int(self.pixels.shape[0]), int(self.pixels.shape[1])

    @property
    def depth(self) -> int:
        """The number of the smallest level; 0 where the image is small."""
        return len(self._levels)

    def build(self, seconds: float) -> bool:
        """Goes on building for about that long; whether all levels are there."""
        end = perf_counter() + seconds
        while not self.is_complete and perf_counter() < end:
            self.is_complete = next(self._blocks, None) is None
        return self.is_complete

    def level_for(self, scale: float) -> int | None:
        """The level to shrink from at a scale of at most 1; None while it is not there."""
        level = min(self.depth, max(0, math.floor(math.log2(1 / scale) + 1e-9)))
        return level if level == 0 or self.is_complete else None

    def level(self, number: int) -> Packed:
        """A reduced level, from 1."""
        return self._levels[number - 1]

    def _build(self) -> Iterator[int]:
        side = max(BLOCK, 2**self.depth)
        rows, cols = self.shape
        for row in range(0, rows, side):
            for col in range(0, cols, side):
                self._fill(Rect(row, col, row + side, col + side).clipped(self.shape))
                yield row

    def _fill(self, rect: Rect) -> None:
        image = image_of_rgb(self.pixels, rect)
        part = packed_view(image)
        row, col = rect.row0, rect.col0
        for level in self._levels:
            part = halved(part)
            row, col = row // 2, col // 2
            level[row : row + part.shape[0], col : col + part.shape[1]] = part
