"""How alike two proposals are."""

from __future__ import annotations

import numpy as np

from latentseg_gui.document.types import Mask, MaskProposal


def proposal_iou(one: MaskProposal, other: MaskProposal) -> float:
    """Intersection over union of the pixels of two proposals of one image, 0..1; 1 where both are empty."""
    rect = one.rect.union(other.rect)
    first, second = (_within(each, rect.row0, rect.col0, rect.shape) for each in (one, other))
    either = int(np.count_nonzero(first | second))
    return int(np.count_nonzero(first & second)) / either if either else 1.0


def _within(proposal: MaskProposal, row0: int, col0: int, shape: tuple[int, int]) -> Mask:
    made = np.zeros(shape, np.bool_)
    row, col = proposal.rect.row0 - row0, proposal.rect.col0 - col0
    rows, cols = proposal.rect.shape
    made[row : row + rows, col : col + cols] = proposal.mask
    return made
