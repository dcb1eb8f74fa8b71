"""Position embeddings that were learned on one grid of patches, on another one."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor


def resized_positions(positions: Tensor, size: tuple[int, int]) -> Tensor:
    """Position embeddings of a square grid for a grid of ``size``.

    Dosovitskiy and others, "An Image is Worth 16x16 Words", arXiv:2010.11929, section 3.2.

    Args:
        positions: [1, side * side, D].
        size: rows and columns (h, w) of the grid that is wanted.

    Returns:
        [1, h * w, D]; the same tensor where the grids agree.
    """
    side = math.isqrt(positions.shape[1])
    if (side, side) == tuple(size):
        return positions
    grid = positions.transpose(1, 2).reshape(1, -1, side, side)  # [1, D, side, side]
    grown = F.interpolate(grid, size=size, mode="bicubic", align_corners=False)  # [1, D, h, w]
    return grown.flatten(2).transpose(1, 2)  # [1, h * w, D]
