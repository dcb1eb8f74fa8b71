"""A mask worked out in another thread, for the document to take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from latentseg_gui.document.masks.layers import (
    Arrays,
    Counts,
    MaskLayer,
    compressed,
    label_counts,
    labelled_of,
)


@dataclass(frozen=True, slots=True)
class ReadyMask:
    """A complete mask that takes the place of another; taking it copies nothing.

    Attributes:
        held: the arrays; None for a mask that is packed.
        unpack: gives a packed mask.
        counts: pixels by label, int64 [256].
    """

    held: Arrays | None
    unpack: Callable[[], Arrays] | None
    counts: Counts

    @classmethod
    def unpacked(cls, arrays: Arrays) -> Self:
        """A mask that is looked at."""
        return cls(arrays, None, label_counts(arrays[0]))

    @classmethod
    def packed(cls, arrays: Arrays) -> Self:
        """A mask that nobody looks at."""
        labels = arrays[0]
        shape = int(labels.shape[0]), int(labels.shape[1])
        return cls(None, compressed(arrays, shape), label_counts(labels))

    def give(self, layer: MaskLayer) -> None:
        """Make it the mask of a layer."""
        if self.held is not None:
            layer.replace(*self.held, self.counts)
        elif self.unpack is not None:
            layer.defer(self.unpack, labelled_of(self.counts), self.counts)
