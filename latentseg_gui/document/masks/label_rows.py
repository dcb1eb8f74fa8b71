"""How many pixels of which class masks have, row by row."""

from __future__ import annotations

from collections.abc import Sequence

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


def rows_by_number(rows: LabelsByRow, ids: Sequence[int]) -> LabelsByRow:
    """Counts [H, C] by class id as counts by class number, of classes whose ids in order are ``ids``.

    The same array where ids are numbers.
    """
    if tuple(ids) == tuple(range(len(ids))):
        return rows
    counts = np.zeros((len(rows), len(ids)), rows.dtype)
    for number, class_id in enumerate(ids):
        if class_id < rows.shape[1]:
            counts[:, number] = rows[:, class_id]
    return counts
