"""How good objects are: found, outlined, counted. NumPy only.

An object is found where its IoU with a predicted one is above a bar of at least one half; then no other can be.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BARS: Final = (0.5, 0.75)

Numbers = NDArray[np.integer[Any]]


class ObjectTally:
    """Objects of several pictures, true and predicted, and how many were found.

    Attributes:
        true: objects in the truth.
        predicted: objects in the prediction.
        off: sum over the pictures of how far the number of objects is off.
        found: true objects that were found, by bar.
    """

    def __init__(self) -> None:
        self.true = self.predicted = self.off = 0
        self.found = dict.fromkeys(BARS, 0)

    def add(self, truth: Numbers, predicted: Numbers) -> None:
        """Count one picture in.

        Args:
            truth: object numbers, [H, W]; 0 for none. They need not be dense.
            predicted: likewise.
        """
        overlap = overlaps_of(truth, predicted)  # [T + 1, P + 1]
        both = overlap[1:, 1:]
        either = overlap[1:].sum(1)[:, None] + overlap[:, 1:].sum(0)[None] - both
        iou = both / np.maximum(either, 1)
        self.true += iou.shape[0]
        self.predicted += iou.shape[1]
        self.off += abs(iou.shape[0] - iou.shape[1])
        for bar in BARS:
            self.found[bar] += int((iou > bar).any(1).sum())

    def __iadd__(self, other: ObjectTally) -> ObjectTally:
        """Count other pictures in."""
        self.true, self.predicted = self.true + other.true, self.predicted + other.predicted
        self.off += other.off
        self.found = {bar: self.found[bar] + other.found[bar] for bar in BARS}
        return self

    def f1(self, bar: float) -> float:
        """Twice the objects that were found over all objects, true and predicted; NaN where there are none."""
        total = self.true + self.predicted
        return 2 * self.found[bar] / total if total else float("nan")

    @property
    def count_off(self) -> float:
        """How far counts are off, in parts of the true number; NaN where there is no object."""
        return self.off / self.true if self.true else float("nan")


def overlaps_of(truth: Numbers, predicted: Numbers) -> NDArray[np.int64]:
    """Pixels that objects share, [T + 1, P + 1]; row and column 0 are what belongs to none.

    Raises:
        ValueError: the shapes differ.
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"truth is {truth.shape} and prediction {predicted.shape}")
    rows, cols = _dense(truth), _dense(predicted)
    width = int(cols.max(initial=0)) + 1
    pairs = np.bincount(rows * width + cols, minlength=(int(rows.max(initial=0)) + 1) * width)
    return pairs.reshape(-1, width)


def _dense(numbers: Numbers) -> NDArray[np.int64]:
    """Numbers from 0 without gaps, int64 [H * W]; 0 stays 0."""
    _, dense = np.unique(np.append(numbers.ravel(), 0), return_inverse=True)
    return np.asarray(dense[:-1], np.int64)
