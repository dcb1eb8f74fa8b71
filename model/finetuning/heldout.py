"""Which labelled pixels are held back to measure with: whole cells of a grid, never single pixels.

Neighbouring pixels are nearly alike, so held-out pixels between training pixels would say nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.finetuning.types import IGNORED

CELLS_PER_SIDE: Final = 6
MIN_CELL: Final = 8
MAX_TAKEN_OF_CLASS: Final = 0.4
"""At most this share of a class's pixels is held back, so that there is enough to learn from."""


@dataclass(frozen=True, slots=True)
class _Cell:
    image: int
    rows: slice
    cols: slice
    counts: NDArray[np.int64]
    turn: int


def hold_out(
    labels: Sequence[NDArray[np.uint8]], num_classes: int, share: float, keys: Sequence[int]
) -> list[NDArray[np.bool_]]:
    """Per image, where its labels are held back; nowhere if there is too little to share.

    Args:
        labels: class ids [H, W] per image, 255 ignored.
        num_classes: C.
        share: of all labelled pixels, roughly.
        keys: a number per image that names it. An image holds back much the same cells in every
            run: else a network would be measured on what an earlier run has taught it.
    """
    held = [np.zeros(image.shape, bool) for image in labels]
    cells = [
        cell
        for index, (image, key) in enumerate(zip(labels, keys, strict=True))
        for cell in _cells(index, image, num_classes, key)
    ]
    if len(cells) < 4 or share <= 0:
        return held
    total = np.sum([cell.counts for cell in cells], axis=0)
    taken = np.zeros(num_classes, np.int64)
    for cell in _rare_first(cells, total):
        wanted = share * total > taken
        fits = taken + cell.counts <= MAX_TAKEN_OF_CLASS * total
        if (wanted & (cell.counts > 0)).any() and (fits | (cell.counts == 0)).all():
            held[cell.image][cell.rows, cell.cols] = True
            taken += cell.counts
    return held


def _rare_first(cells: list[_Cell], total: NDArray[np.int64]) -> list[_Cell]:
    """Cells with the rarest class first, so that it finds a place; otherwise in their random turns."""
    present = np.flatnonzero(total)
    rarest = present[np.argmin(total[present])] if present.size else 0
    return sorted(cells, key=lambda cell: (cell.counts[rarest] == 0, cell.turn))


def _cells(index: int, labels: NDArray[np.uint8], num_classes: int, key: int) -> list[_Cell]:
    """The cells of an image that hold labelled pixels."""
    height, width = labels.shape
    side = max(MIN_CELL, -(-min(height, width) // CELLS_PER_SIDE))
    cells = []
    for row in range(0, height, side):
        for col in range(0, width, side):
            rows, cols = slice(row, row + side), slice(col, col + side)
            known = labels[rows, cols][labels[rows, cols] != IGNORED]
            if known.size:
                turn = zlib.crc32(f"{key} {row} {col}".encode())
                cells.append(_Cell(index, rows, cols, np.bincount(known, minlength=num_classes), turn))
    return cells
