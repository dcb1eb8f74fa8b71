"""The cells of an image in which labels are held back or learned from, as the bits of a number.

Weights say of every image that they have learned from in which cells they did. With the same grid whoever has the
image can tell later which labelled pixels are new to them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

CELLS_PER_SIDE: Final = 6
MIN_CELL: Final = 8

ALL_CELLS: Final = -1
"""Every bit is set: all of the image."""


def grid(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of all cells of an image, row by row."""
    side = max(MIN_CELL, -(-min(height, width) // CELLS_PER_SIDE))
    for row in range(0, height, side):
        for col in range(0, width, side):
            yield slice(row, row + side), slice(col, col + side)


def cells_of(where: NDArray[np.bool_]) -> int:
    """The cells of an image in which anything of ``where``, bool [H, W], is set: the n-th bit for the n-th cell."""
    cells = grid(where.shape[0], where.shape[1])
    return sum(int(where[rows, cols].any()) << number for number, (rows, cols) in enumerate(cells))


def area_of(cells: int, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels of ``cells`` of an image of ``shape`` (rows, columns), bool [H, W]."""
    where = np.zeros(shape, np.bool_)
    for number, (rows, cols) in enumerate(grid(*shape)):
        where[rows, cols] = cells >> number & 1
    return where


def image_mark(image: NDArray[np.uint8]) -> str:
    """A name for the pixels of an image, RGB uint8 [H, W, 3], under which weights remember it."""
    return f"{zlib.crc32(image.tobytes()):08x}"
