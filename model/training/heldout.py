"""Which labelled pixels are held back to measure with: whole cells of a grid, never single pixels.

Neighbouring pixels are nearly alike, so held-out pixels between training pixels would say nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.analysis.cells import grid
from model.training.types import IGNORED

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
        share: of the cells.
        keys: a number per image that names it. Image and place alone decide on a cell, as far as classes
            allow: if what else is labelled had a say, the next run after a few more strokes would measure
            the network on what the run before has taught it, and refuse everything.
    """
    held = [np.zeros(image.shape, bool) for image in labels]
    cells = [
        cell
        for index, (image, key) in enumerate(zip(labels, keys, strict=True))
        for cell in _cells(index, image, num_classes, key)
    ]
    if len(cells) < 4 or share <= 0:
        return held
    cells.sort(key=lambda cell: cell.turn)
    most = MAX_TAKEN_OF_CLASS * np.sum([cell.counts for cell in cells], axis=0)
    taken = np.zeros(num_classes, np.int64)
    for is_chosen in (_is_drawn(share), _shows_new(taken)):
        for cell in cells:
            fits = (taken + cell.counts <= most) | (cell.counts == 0)
            if not held[cell.image][cell.rows, cell.cols].any() and is_chosen(cell) and fits.all():
                held[cell.image][cell.rows, cell.cols] = True
                taken += cell.counts
    return held


def _is_drawn(share: float) -> Callable[[_Cell], bool]:
    return lambda cell: cell.turn < share * 2**32


def _shows_new(taken: NDArray[np.int64]) -> Callable[[_Cell], bool]:
    """Whether a cell has a class of which nothing was taken so far; ``taken`` is counted on outside."""
    return lambda cell: bool(((taken == 0) & (cell.counts > 0)).any())


def _cells(index: int, labels: NDArray[np.uint8], num_classes: int, key: int) -> list[_Cell]:
    """The cells of an image that hold labelled pixels."""
    cells = []
    for rows, cols in grid(labels.shape[0], labels.shape[1]):
        known = labels[rows, cols][labels[rows, cols] != IGNORED]
        if known.size:
            turn = zlib.crc32(f"{key} {rows.start} {cols.start}".encode())
            cells.append(_Cell(index, rows, cols, np.bincount(known, minlength=num_classes), turn))
    return cells
