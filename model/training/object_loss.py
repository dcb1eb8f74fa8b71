"""What Mask R-CNN learns by: objectness, boxes, classes and masks, over what is labelled.

The sum of five means, as in He and others, "Mask R-CNN", arXiv:1703.06870, and Ren and others, "Faster R-CNN",
arXiv:1506.01497:

    L = BCE(o, o*) + SL1(t, t*) over anchors  +  CE(c, c*) + SL1(u, u*) over boxes  +  BCE(m, m*) over masks

with o* of an anchor 1 where it overlaps an object by at least 0.7 or is the best of one, 0 below 0.3, and c* of a box
the class of the object that it overlaps by at least 0.5, else background. Offsets count only where there is an
object, and all of it is known. What differs: an anchor or box that lies mostly on pixels that nobody labelled, or on
an object of which most is hidden, is neither; and the boxes of the objects themselves, also a little displaced, are
among those that the second stage learns from, since proposals are worth little in the first seconds.
Shapes: A anchors, N boxes, G objects, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from model.training.object_targets import ObjectTargets, targets_of_square
from model.training.objective import Objective
from model.training.views import LabelledWindow
from model.zoo.boxes import areas, box_iou, offsets_from, shared_areas
from model.zoo.dense import DenseEncoding
from model.zoo.objects import ObjectNetwork
from model.zoo.regions import (
    BOX_CELLS,
    MASK_CELLS,
    OFFSET_SCALE,
    TRAINING_PROPOSALS,
    RegionBranch,
    anchors_of,
)
from model.zoo.roi_align import pyramid_align, sampling_grid

ANCHORS: Final = 128
"""Of a picture that are learned from; at most half of them on objects."""

BOXES: Final = 64
BOXES_ON_OBJECTS: Final = 24
SURE: Final = 0.7
BESIDE: Final = 0.3
SAME: Final = 0.5
LEAST_KNOWN: Final = 0.5
"""Share of a box that must be labelled for it to say that there is no object."""

BETA: Final = 1 / 9
"""Where the loss of offsets turns from squares to lengths."""

DISPLACED: Final = 3
DISPLACEMENT: Final = 0.12
"""So many displaced copies of each object's box, and by how much of its size."""


def loss_with_objects(
    network: ObjectNetwork,
    branch: RegionBranch,
    squares: Sequence[LabelledWindow],
    objective: Objective,
    device: torch.device,
) -> Tensor:
    """The loss of a batch: of its objects, and of its areas where the network answers for them besides.

    Args:
        network: on ``device``.
        branch: of it.
        squares: of one size, with objects (`model.training.object_targets.marked`).
        objective: of the areas.
        device: where it is worked out.
    """
    images = torch.stack([square.image for square in squares]).to(device)
    targets = [_targets(square, device) for square in squares]
    shown = network.padded(images)
    size = shown.shape[-2], shown.shape[-1]
    levels, areas = network.levels_and_areas(shown)
    loss = region_loss(branch, levels, targets, size)
    if areas is None:
        return loss
    labels = torch.stack([square.train for square in squares]).long().to(device)
    encoding = DenseEncoding(areas, size, (images.shape[-2], images.shape[-1]))
    return loss + objective(network.classify(encoding).logits, labels)


def _targets(square: LabelledWindow, device: torch.device) -> ObjectTargets:
    if square.objects is None:
        raise ValueError("the picture has no objects")
    return targets_of_square(square.train.long(), square.objects).to(device)


def region_loss(
    branch: RegionBranch, levels: Sequence[Tensor], targets: Sequence[ObjectTargets], size: tuple[int, int]
) -> Tensor:
    """The loss of a batch; scalar.

    Args:
        branch: of the network.
        levels: [B, D, ...] at strides 4, 8, 16, 32.
        targets: per image, on the device of ``levels``.
        size: (rows, columns) of the pictures.
    """
    pyramid = branch.with_coarser(levels)
    anchors = anchors_of([(x.shape[-2], x.shape[-1]) for x in pyramid], levels[0])
    answers = branch.proposals(pyramid)
    with torch.no_grad():
        proposals = branch.best_proposals(answers, anchors, size, TRAINING_PROPOSALS)
    logits = torch.cat([each[0] for each in answers], dim=1)  # [B, A]
    offsets = torch.cat([each[1] for each in answers], dim=1)  # [B, A, 4]
    every = torch.cat(anchors)
    losses = [_proposal_loss(*each, every) for each in zip(logits, offsets, targets, strict=True)]
    chosen = [_chosen_boxes(*each, size) for each in zip(proposals, targets, strict=True)]
    return torch.stack(losses).mean() + _branches_loss(branch, levels, targets, chosen)


def _proposal_loss(logits: Tensor, offsets: Tensor, targets: ObjectTargets, anchors: Tensor) -> Tensor:
    """Of one image: logits [A] and offsets [A, 4]."""
    iou = box_iou(anchors, targets.boxes)  # [A, G]
    best, owner = iou.max(1) if len(targets.boxes) else _no_objects(anchors)
    is_object = best >= SURE
    if len(targets.boxes):
        is_object |= ((iou == iou.max(0).values) & (iou >= BESIDE)).any(1)
    is_empty = (best < BESIDE) & _says_something(anchors, targets)
    positive = _drawn(is_object, ANCHORS // 2)
    negative = _drawn(is_empty & ~is_object, ANCHORS - len(positive))
    both = torch.cat((positive, negative))
    if not len(both):
        return (logits.sum() + offsets.sum()) * 0.0
    truth = torch.zeros(len(both), device=logits.device)
    truth[: len(positive)] = 1
    loss = F.binary_cross_entropy_with_logits(logits[both], truth)
    if not len(positive):  # nothing to learn of boxes
        return loss + offsets.sum() * 0.0
    positive = positive[targets.is_whole[owner[positive]]]
    wanted = offsets_from(anchors[positive], targets.boxes[owner[positive]])
    return loss + _offset_loss(offsets[positive], wanted) / len(both)


def _offset_loss(offsets: Tensor, wanted: Tensor) -> Tensor:
    return F.smooth_l1_loss(offsets, wanted, beta=BETA, reduction="sum")


def _no_objects(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Overlap and owner of each box where there is no object."""
    none = torch.zeros(len(boxes), device=boxes.device)
    return none, none.long()


def _says_something(boxes: Tensor, targets: ObjectTargets) -> Tensor:
    """Per box whether enough of it is labelled, and not of unclear objects, to say that there is nothing, [N]."""
    rows, cols = targets.is_known.shape
    corners = boxes.round().long()
    x0, x1 = corners[:, 0].clamp(0, cols), corners[:, 2].clamp(0, cols)
    y0, y1 = corners[:, 1].clamp(0, rows), corners[:, 3].clamp(0, rows)
    total = F.pad(targets.is_known.long().cumsum(0).cumsum(1), (1, 0, 1, 0))  # [H + 1, W + 1]
    known = total[y1, x1] - total[y0, x1] - total[y1, x0] + total[y0, x0]
    inside = ((x1 - x0) * (y1 - y0)).clamp(min=1)
    says = known >= LEAST_KNOWN * inside
    if len(targets.unclear):
        covered = shared_areas(boxes, targets.unclear).max(1).values
        says &= covered < LEAST_KNOWN * areas(boxes).clamp(min=1e-6)
    return says


def _drawn(where: Tensor, most: int) -> Tensor:
    """Indices of at most so many of the places that are set, drawn at random."""
    found = where.nonzero().flatten()
    if len(found) <= most:
        return found
    return found[torch.randperm(len(found))[:most].to(found.device)]


_Chosen = tuple[Tensor, Tensor, int]
"""Boxes [N, 4], those on objects first; the object of each [N]; how many are on objects."""


@torch.no_grad()
def _chosen_boxes(proposals: Tensor, targets: ObjectTargets, size: tuple[int, int]) -> _Chosen:
    """What the second stage learns from in one image."""
    candidates = torch.cat((proposals, targets.boxes, _displaced(targets.boxes, size)))
    iou = box_iou(candidates, targets.boxes)
    best, owner = iou.max(1) if len(targets.boxes) else _no_objects(candidates)
    positive = _drawn(best >= SAME, BOXES_ON_OBJECTS)
    is_empty = (best < SAME) & _says_something(candidates, targets)
    negative = _drawn(is_empty, BOXES - len(positive))
    both = torch.cat((positive, negative))
    return candidates[both], owner[both], len(positive)


def _displaced(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Copies of boxes [G, 4], shifted and stretched a little, [G * DISPLACED, 4]."""
    copies = boxes.repeat(DISPLACED, 1)
    sides = (copies[:, 2:] - copies[:, :2]).repeat(1, 2)
    noise = torch.randn(copies.shape).to(copies.device).clamp(-2, 2)
    limit = boxes.new_tensor((size[1], size[0], size[1], size[0]))
    return torch.minimum((copies + DISPLACEMENT * sides * noise).clamp(min=0), limit)


def _branches_loss(
    branch: RegionBranch,
    levels: Sequence[Tensor],
    targets: Sequence[ObjectTargets],
    chosen: Sequence[_Chosen],
) -> Tensor:
    """Classes, offsets and masks of the chosen boxes of all images."""
    boxes = [each[0] for each in chosen]
    if not sum(map(len, boxes)):
        return sum(level.sum() for level in levels) * 0.0  # type: ignore[return-value]
    logits, offsets = branch.box(pyramid_align(levels, boxes, BOX_CELLS))
    classes, wanted, is_object, is_whole = _truths(targets, chosen)
    loss = F.cross_entropy(logits, classes)
    loss = loss + _offset_loss(offsets[is_object][is_whole], wanted[is_whole]) / len(classes)
    on_objects = [box[:count] for box, _, count in chosen]
    if not sum(map(len, on_objects)):
        return loss
    features = pyramid_align(levels, on_objects, MASK_CELLS)
    masks = branch.mask.forward_mask(features, classes[is_object])[:, 0].float()  # [N, 28, 28]
    truth, known = _mask_truths(targets, chosen, masks.shape[-1])
    each = F.binary_cross_entropy_with_logits(masks, truth, reduction="none")
    return loss + (each * known).sum() / known.sum().clamp(min=1)


def _truths(
    targets: Sequence[ObjectTargets], chosen: Sequence[_Chosen]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Class of every box [N]; offsets of those on objects [P, 4]; which these are [N]; whether of whole ones [P]."""
    classes, wanted, is_object, is_whole = [], [], [], []
    for target, (boxes, owner, count) in zip(targets, chosen, strict=True):
        own = torch.zeros(len(boxes), dtype=torch.long, device=boxes.device)
        own[:count] = target.classes[owner[:count]]
        classes.append(own)
        on_object = torch.arange(len(boxes), device=boxes.device) < count
        is_object.append(on_object)
        scale = boxes.new_tensor(OFFSET_SCALE)
        is_whole.append(target.is_whole[owner[:count]])
        wanted.append(offsets_from(boxes[:count], target.boxes[owner[:count]]) * scale)
    return torch.cat(classes), torch.cat(wanted), torch.cat(is_object), torch.cat(is_whole)


def _mask_truths(
    targets: Sequence[ObjectTargets], chosen: Sequence[_Chosen], cells: int
) -> tuple[Tensor, Tensor]:
    """Masks of the objects on the grid of each box, and where they are known, float [P, cells, cells] each."""
    truths, knowns = [], []
    for target, (boxes, owner, count) in zip(targets, chosen, strict=True):
        if not count:
            continue
        masks = target.masks[owner[:count]].float()[:, None]  # [P, 1, H, W]
        height, width = masks.shape[-2:]
        grid = sampling_grid(boxes[:count], cells, (height, width))
        truths.append((F.grid_sample(masks, grid, align_corners=False)[:, 0] >= 0.5).float())
        known = target.is_known.float()[None, None].expand(count, -1, -1, -1)
        knowns.append((F.grid_sample(known, grid, align_corners=False)[:, 0] >= 0.5).float())
    return torch.cat(truths), torch.cat(knowns)
