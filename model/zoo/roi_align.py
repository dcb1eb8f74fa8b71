"""Features of a box, whatever its size, on a grid of one size.

RoIAlign of He and others, "Mask R-CNN", arXiv:1703.06870, section 3: nothing is rounded; every cell is the mean of
bilinear samples. Which level of a pyramid a box is read from follows Lin and others, arXiv:1612.03144, equation 1.
Shapes: B images, N boxes, D features, S cells a side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

SAMPLES: Final = 2
"""Along each side of a cell."""

CANONICAL: Final = 224.0
CANONICAL_STRIDE: Final = 16
"""A box of this side is read at this stride, smaller ones from finer levels."""


def sampling_grid(boxes: Tensor, cells: int, size: tuple[float, float]) -> Tensor:
    """Where a grid of points in each box lies in a map, as `torch.nn.functional.grid_sample` wants it.

    Args:
        boxes: [N, 4] in pixels.
        cells: points along each side.
        size: height and width in pixels that the map covers.

    Returns:
        (x, y) in -1..1, [N, cells, cells, 2].
    """
    steps = (torch.arange(cells, device=boxes.device, dtype=boxes.dtype) + 0.5) / cells
    x, y = (low[:, None] + (high - low)[:, None] * steps for low, high in _sides(boxes))  # [N, cells] each
    x, y = x / size[1] * 2 - 1, y / size[0] * 2 - 1
    shape = len(boxes), cells, cells
    return torch.stack((x[:, None, :].expand(shape), y[:, :, None].expand(shape)), dim=-1)


def roi_align(features: Tensor, boxes: Tensor, cells: int, stride: int) -> Tensor:
    """Features of the boxes of one image.

    Args:
        features: [1, D, h, w].
        boxes: [N, 4] in pixels.
        cells: S.
        stride: pixels per place of ``features``.

    Returns:
        [N, D, S, S].
    """
    height, width = features.shape[-2:]
    fine = cells * SAMPLES
    grid = sampling_grid(boxes, fine, (height * stride, width * stride))
    # All boxes of an image below each other: one call, and the map is not copied for each of them.
    flat = grid.reshape(1, len(boxes) * fine, fine, 2).float()  # [1, n * fine, fine, 2]
    # In float32: eight bits cannot say where in a picture a point lies.
    sampled = F.grid_sample(features.float(), flat, padding_mode="border", align_corners=False)
    parts = sampled[0].view(-1, len(boxes), fine, fine).transpose(0, 1)  # [N, D, fine, fine]
    return F.avg_pool2d(parts, SAMPLES).to(features.dtype)


def level_of(boxes: Tensor, levels: int) -> Tensor:
    """Which level (strides 4, 8, ...) each box is read from, int64 [N]."""
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-3)
    size = (sides[:, 0] * sides[:, 1]).sqrt()
    at_canonical = CANONICAL_STRIDE.bit_length() - 3  # stride 4 is level 0
    return (at_canonical + (size / CANONICAL).log2()).floor().long().clamp(0, levels - 1)


def pyramid_align(levels: Sequence[Tensor], boxes: Sequence[Tensor], cells: int) -> Tensor:
    """Features of the boxes of several images, each from the level that suits its size.

    Args:
        levels: [B, D, ...] at strides 4, 8, ...
        boxes: per image [N_b, 4] in pixels.
        cells: S.

    Returns:
        [sum of N_b, D, S, S], in the order of ``boxes``.
    """
    total, width = sum(len(each) for each in boxes), levels[0].shape[1]
    out = levels[0].new_zeros(total, width, cells, cells)
    start = 0
    for image, own in enumerate(boxes):
        level = level_of(own, len(levels))
        for number, features in enumerate(levels):
            where = (level == number).nonzero().flatten()
            if len(where):
                part = roi_align(features[image : image + 1], own[where], cells, 4 << number)
                out = out.index_copy(0, where + start, part)
        start += len(own)
    return out


def _sides(boxes: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """First and last coordinate along x, and along y."""
    return (boxes[:, 0], boxes[:, 2]), (boxes[:, 1], boxes[:, 3])
