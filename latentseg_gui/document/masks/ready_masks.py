"""A mask worked out in another thread, for the document to take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.masks.layers import Arrays, MaskLayer, compressed
from latentseg_gui.document.types import UNLABELLED


@dataclass(frozen=True, slots=True)
class ReadyMask:
    """A complete mask that takes the place of another; taking it copies nothing.

    Attributes:
        held: the arrays; None for a mask that is packed.
        unpack: gives a packed mask.
        num_labelled: how many pixels are labelled.
        counts: pixels by label, int64 [256], of a packed mask.
    """

    held: Arrays | None
    unpack: Callable[[], Arrays] | None
    num_labelled: int
    counts: NDArray[np.int64] | None = None

    @classmethod
    def unpacked(cls, arrays: Arrays) -> Self:
        """A mask that is looked at."""
        return cls(arrays, None, int(np.count_nonzero(arrays[0] != UNLABELLED)))

    @classmethod
    def packed(cls, arrays: Arrays) -> Self:
        """A mask that nobody looks at."""
        labels = arrays[0]
        shape = int(labels.shape[0]), int(labels.shape[1])
        counts = np.zeros(256, np.int64)
        for row in labels:  # numpy makes eight bytes of every label
            counts += np.bincount(row, minlength=256)
        return cls(None, compressed(arrays, shape), int(counts.sum() - counts[UNLABELLED]), counts)

    def give(self, layer: MaskLayer) -> None:
        """Make it the mask of a layer."""
        if self.held is not None:
            layer.replace(*self.held, self.num_labelled)
        elif self.unpack is not None:
            layer.defer(self.unpack, self.num_labelled, self.counts)
