"""Which of the labels of a run are learned from, and what is left out of it.

Neighbouring pixels are nearly alike, so held-out pixels between training pixels would say nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.analysis.cells import cells_of, grid
from model.training.types import ACCEPTED, IGNORED, FineTuneConfig, LabelledImage
from model.training.views import MAX_WINDOWS, windows_of

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


def coverage_remarks(samples: Sequence[LabelledImage]) -> list[str]:
    """Sentences about images of which only a part is learned from and measured."""
    counts = [windows_of(sample.labels)[1] for sample in samples]
    large = [count for count in counts if count > MAX_WINDOWS]
    if not large:
        return []
    images = "1 image was" if len(large) == 1 else f"{len(large)} images were"
    return [
        f"{images} too large to be learned from as a whole: the {MAX_WINDOWS} parts with the most labels count, "
        f"of {max(large)} that have some."
    ]


def seen_of(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where labels [H, W] are among those that are learned from or measured, bool [H, W]."""
    seen = np.zeros(labels.shape, bool)
    for window in windows_of(labels)[0]:
        seen[window] = labels[window] != IGNORED
    return seen


@dataclass(frozen=True, slots=True, eq=False)
class Division:
    """Which labels of a run are measured with and which are learned from.

    Attributes:
        held: per sample where its labels are held back, bool [H, W].
        held_cells: per sample the cells that it is measured on (see `model.analysis.cells.cells_of`).
        learned_cells: the same for those that it learns from.
    """

    held: list[NDArray[np.bool_]]
    held_cells: list[int]
    learned_cells: list[int]

    @property
    def num_held(self) -> int:
        """Of how many samples something is held back."""
        return sum(bool(where.any()) for where in self.held)


def divided(samples: Sequence[LabelledImage], config: FineTuneConfig) -> Division:
    """Hold some labels back; the same ones for every run on these samples, whatever the network."""
    keys = [zlib.crc32(sample.image.tobytes()) for sample in samples]
    held = hold_out([s.by_hand for s in samples], config.num_classes, config.held_out, keys)
    seen = [seen_of(sample.labels) for sample in samples]
    pairs = list(zip(held, seen, strict=True))
    return Division(
        held,
        [cells_of(where & used) for where, used in pairs],
        [cells_of(used & ~where) for where, used in pairs],
    )


def painted_classes(samples: Sequence[LabelledImage]) -> frozenset[int]:
    """Classes of which something was painted; what was accepted as a whole has nothing to grow."""
    found: set[int] = set()
    for sample in samples:
        labels = sample.labels if sample.origin is None else sample.labels[sample.origin != ACCEPTED]
        found |= set(np.unique(labels).tolist())
    return frozenset(found - {IGNORED})
