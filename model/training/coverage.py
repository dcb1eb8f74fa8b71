"""Which of the labels of a run are learned from, and what is left out of it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.analysis.cells import cells_of
from model.training.heldout import hold_out
from model.training.types import ACCEPTED, IGNORED, FineTuneConfig, LabelledImage
from model.training.views import MAX_WINDOWS, windows_of


def left_out(samples: Sequence[LabelledImage]) -> list[str]:
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
