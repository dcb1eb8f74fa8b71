"""Which of the labels of a run are learned from, and what is left out of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.finetuning.types import ACCEPTED, IGNORED, LabelledImage
from model.finetuning.views import MAX_WINDOWS, windows_of


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


def painted_classes(samples: Sequence[LabelledImage]) -> frozenset[int]:
    """Classes of which something was painted; what was accepted as a whole has nothing to grow."""
    found: set[int] = set()
    for sample in samples:
        labels = sample.labels if sample.origin is None else sample.labels[sample.origin != ACCEPTED]
        found |= set(np.unique(labels).tolist())
    return frozenset(found - {IGNORED})
