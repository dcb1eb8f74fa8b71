"""Losses. Pixels with an ignored label count neither in the sum nor in what it is divided by."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

IGNORED = 255
SCORE_WEIGHT = 0.3


def normalised_focal_loss(logits: Tensor, target: Tensor, valid: Tensor, *, gamma: float = 2.0) -> Tensor:
    """Focal loss whose weights are rescaled to sum to the number of pixels, so that it never fades.

    Args:
        logits: [B, 1, H, W].
        target: 0 or 1, float, [B, 1, H, W].
        valid: 0 or 1, float, [B, 1, H, W].
        gamma: how strongly easy pixels are played down.

    Returns:
        [B]; 0 where nothing is valid.
    """
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    wrong = (1 - (-bce).exp()).detach()
    weight = wrong.pow(gamma) * valid
    count = valid.sum((1, 2, 3))
    scale = count / (weight.sum((1, 2, 3)) + 1e-6)
    return (bce * weight).sum((1, 2, 3)) * scale.clamp(max=20.0) / count.clamp(min=1)


def soft_iou_loss(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """1 - soft intersection over union, [B]. Shapes as in `normalised_focal_loss`."""
    probability = torch.sigmoid(logits) * valid
    target = target * valid
    both = (probability * target).sum((1, 2, 3))
    either = (probability + target - probability * target).sum((1, 2, 3))
    return 1 - (both + 1) / (either + 1)


def object_loss(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """What the click decoder is trained with: focal plus IoU, [B]."""
    return normalised_focal_loss(logits, target, valid) + soft_iou_loss(logits, target, valid)


def iou_of(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """IoU [B] of logits with masks, all [B, 1, H, W], where ``valid`` is 1."""
    taken = (logits > 0).float() * valid
    target = target * valid
    both = (taken * target).sum((1, 2, 3))
    return both / (taken.sum((1, 2, 3)) + target.sum((1, 2, 3)) - both).clamp(min=1)


def answer_loss(logits: Tensor, score: Tensor, target: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """What an answer to clicks is taught with, and its IoU, both scalars.

    Args:
        logits: [B, 1, H, W].
        score: the IoU that it expects of itself, [B].
        target: 0 or 1, float, [B, 1, H, W].
        valid: likewise.
    """
    iou = iou_of(logits.detach(), target, valid)
    missed = object_loss(logits.float(), target, valid).mean()
    return missed + SCORE_WEIGHT * F.mse_loss(score, iou), iou.mean()


def class_loss(logits: Tensor, labels: Tensor, *, weight: Tensor | None = None) -> Tensor:
    """Cross-entropy over labelled pixels.

    Args:
        logits: [B, C, H, W].
        labels: int64 [B, H, W]; 255 is ignored.
        weight: per class [C] or None.

    Returns:
        Scalar; 0 with a graph where no pixel is labelled.
    """
    total = F.cross_entropy(logits, labels, weight=weight, ignore_index=IGNORED, reduction="sum")
    known = labels[labels != IGNORED]
    count = torch.tensor(float(known.numel())) if weight is None else weight[known].sum()
    return total / count.to(total.device).clamp(min=1.0)
