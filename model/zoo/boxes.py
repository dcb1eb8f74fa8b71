"""Boxes round objects: how much they overlap, how far they are from anchors, and which of them are doubles.

A box is x0, y0, x1, y1 in pixels; pixel (r, c) covers [c, c + 1) x [r, r + 1). Offsets are those of Girshick and
others, "Rich feature hierarchies for accurate object detection", CVPR 2014, arXiv:1311.2524, appendix C.
Shapes: N and M boxes, A anchors.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch
from torch import Tensor

LONGEST: Final = math.log(1000 / 16)
"""Of the logarithm of a size that offsets ask for: more would be no number any longer."""

SMALLEST_SIDE: Final = 1.0


def areas(boxes: Tensor) -> Tensor:
    """Pixels inside, [N]; 0 where a box is turned inside out."""
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0)  # [N, 2]
    return sides[:, 0] * sides[:, 1]


def shared_areas(boxes: Tensor, others: Tensor) -> Tensor:
    """Pixels inside both, [N, M]."""
    across, down = (  # [N, M] each; coordinate by coordinate is much faster than with both in one tensor
        torch.minimum(boxes[:, None, axis + 2], others[None, :, axis + 2])
        .sub_(torch.maximum(boxes[:, None, axis], others[None, :, axis]))
        .clamp_(min=0)
        for axis in (0, 1)
    )
    return across.mul_(down)


def box_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union, [N, M]."""
    both = shared_areas(boxes, others)
    either = areas(boxes)[:, None] + areas(others)[None] - both
    return both / either.clamp(min=1e-6)


def offsets_from(anchors: Tensor, boxes: Tensor) -> Tensor:
    """What leads from anchors [A, 4] to boxes [A, 4]: shift in sizes of the anchor and log of the growth, [A, 4]."""
    size, wanted = anchors[:, 2:] - anchors[:, :2], boxes[:, 2:] - boxes[:, :2]
    shift = (boxes[:, :2] + boxes[:, 2:] - anchors[:, :2] - anchors[:, 2:]) / 2
    growth = wanted.clamp(min=SMALLEST_SIDE) / size.clamp(min=SMALLEST_SIDE)
    return torch.cat((shift / size.clamp(min=SMALLEST_SIDE), growth.log()), dim=1)


def moved(anchors: Tensor, offsets: Tensor, size: tuple[int, int]) -> Tensor:
    """The boxes that offsets [A, 4] lead to, inside a picture of ``size`` (rows, columns), [A, 4]."""
    side = (anchors[:, 2:] - anchors[:, :2]).clamp(min=SMALLEST_SIDE)
    centre = (anchors[:, :2] + anchors[:, 2:]) / 2 + offsets[:, :2] * side
    half = side * offsets[:, 2:].clamp(-LONGEST, LONGEST).exp() / 2
    boxes = torch.cat((centre - half, centre + half), dim=1)
    limit = boxes.new_tensor((size[1], size[0], size[1], size[0]))
    return torch.minimum(boxes.clamp(min=0), limit)


def without_doubles(
    boxes: Tensor, scores: Tensor, *, most_overlap: float, groups: Tensor | None = None
) -> Tensor:
    """Greedy suppression: of boxes that overlap more than that, the one with the highest score stays.

    Args:
        boxes: [N, 4].
        scores: [N].
        most_overlap: intersection over union.
        groups: int64 [N]; boxes of different groups leave each other alone. None: all are of one.

    Returns:
        Indices of those that stay, the highest score first.
    """
    order = scores.argsort(descending=True, stable=True)
    iou = box_iou(boxes[order], boxes[order]) > most_overlap
    if groups is not None:
        iou &= groups[order][:, None] == groups[order][None]
    hides = iou.cpu().numpy()
    stays = np.ones(len(hides), bool)
    for index in range(len(hides)):
        if stays[index]:
            stays[index + 1 :] &= ~hides[index, index + 1 :]
    return order[torch.from_numpy(stays).to(order.device)]
