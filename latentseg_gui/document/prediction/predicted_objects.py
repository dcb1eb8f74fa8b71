"""Objects of a prediction as they become objects of a mask."""

from __future__ import annotations

from typing import Final

import numpy as np

from latentseg_gui.document.masks.layers import Instances
from latentseg_gui.document.types import Mask

LEAST_SHARE: Final = 0.5
"""Of an object's pixels that must be free for it to be one: less is the rim of something labelled by hand."""


def taken_over(predicted: Instances, free: Mask, first: int) -> Instances:
    """Object numbers for the pixels of a mask that a prediction fills.

    Args:
        predicted: object numbers of the prediction, uint32 [H, W]; 0 for none.
        free: pixels that nobody has labelled, [H, W].
        first: the first number that the mask does not use yet.

    Returns:
        uint32 [H, W]: numbers from ``first`` on for pixels of objects of which at least `LEAST_SHARE` is free; 0
        elsewhere.
    """
    known, index = np.unique(predicted, return_inverse=True)
    index = index.reshape(predicted.shape)
    whole = np.bincount(index.ravel(), minlength=len(known))
    left = np.bincount(index[free], minlength=len(known))
    is_kept = (known > 0) & (left > 0) & (left >= LEAST_SHARE * whole)
    numbers = np.zeros(len(known), np.uint32)
    numbers[is_kept] = np.arange(first, first + int(is_kept.sum()), dtype=np.uint32)
    return np.where(free, numbers[index], np.uint32(0))
