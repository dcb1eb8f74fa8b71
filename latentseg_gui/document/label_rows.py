"""How many pixels of which class masks have, row by row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.types import UNLABELLED, Labels

LabelsByRow = NDArray[np.uint32]
"""Pixels by row and class id, [H, 255]; or [H, C] where no class id is C or more."""


def labels_by_row(labels: Labels) -> LabelsByRow:
    """Count labels uint8 [H, W]; what is not labelled is left out.

    Row by row: numpy makes eight bytes of every label that it counts.
    """
    return np.stack([np.bincount(row, minlength=256) for row in labels])[:, :UNLABELLED].astype(np.uint32)
