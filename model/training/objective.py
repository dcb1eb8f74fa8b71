"""The loss of fine-tuning: over labelled pixels only, in the sum and in what it is divided by.

The labelled pixels are picked out first. Then every loss of the library is right by construction,
also those that do not know ignored pixels (kornia's Lovasz-softmax) or divide by them (its focal).
With p[i, c] the probability of class c at one of the N labelled pixels, y[i] its true class and w the class weights:

    cross-entropy   sum_i w[y_i] (-log p[i, y_i]) / sum_i w[y_i]
    dice            mean over the classes that are there of 1 - 2 sum_i p[i, c] [y_i = c] / sum_i (p[i, c] + [y_i = c])
                    (Milletari, Navab and Ahmadi, "V-Net", 2016, arXiv:1606.04797)
    focal           sum_i w[y_i] (1 - p[i, y_i])^2 (-log p[i, y_i]) / sum_i w[y_i]
                    (Lin and others, "Focal Loss for Dense Object Detection", 2017, arXiv:1708.02002; the weights
                    stand where that has its alpha)
    lovasz          mean over the classes that are there of the Lovasz extension of the Jaccard loss at the errors
                    |[y_i = c] - p[i, c]| (Berman, Triki and Blaschko, 2018, arXiv:1705.08790)
    boundary        cross-entropy in which pixels within 2 of a change of class count four times, as the weight map of
                    Ronneberger, Fischer and Brox, "U-Net", 2015, arXiv:1505.04597, makes borders count more; where
                    nothing is known there is no border
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
import torch.nn.functional as F
from kornia.losses import dice_loss, focal_loss, lovasz_softmax_loss
from torch import Tensor

from model.training.types import IGNORED

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Logits [N, C], labels [N], class weights [C] -> scalar."""

BOUNDARY_WIDTH: Final = 2
BOUNDARY_GAIN: Final = 4.0


def _cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    columns = logits.T.contiguous()[None]  # [1, C, N]: a few classes side by side are slow to sum over
    return F.cross_entropy(columns, labels[None], weights)


def _as_picture(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """[N, C] and [N] as one picture [1, C, N, 1] and [1, N, 1]."""
    return logits.T[None, :, :, None], labels[None, :, None]


def _dice(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    loss: Tensor = dice_loss(*_as_picture(logits, labels), average="macro", ignore_index=None)
    return loss


def _focal(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    picture, target = _as_picture(logits, labels)
    total = focal_loss(picture, target, alpha=None, reduction="sum", weight=weights, ignore_index=None)
    loss: Tensor = total / weights[labels].sum().clamp(min=1e-6)
    return loss


def _lovasz(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Mean over the classes that are there, as its authors have it (Berman et al. 2018); absent ones cannot gain."""
    is_there = torch.bincount(labels, minlength=logits.shape[1]) > 0  # [C]
    share = is_there.float() * len(is_there) / is_there.sum()  # the library divides by all classes
    loss: Tensor = lovasz_softmax_loss(*_as_picture(logits, labels), weight=share)
    return loss


_LOSSES: Final[dict[str, Loss]] = {
    "cross-entropy": _cross_entropy,
    "dice": _dice,
    "focal": _focal,
    "lovasz": _lovasz,
}


class Objective:
    """A sum of losses.

    Args:
        names: out of `LOSSES`, joined by "+".
        weights: per class [C], for the losses that take them.
    """

    def __init__(self, names: str, weights: Tensor) -> None:
        self.names = names.split("+")
        self.weights = weights

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean over labelled pixels.

        Args:
            logits: [B, C, H, W] or [N, C].
            labels: int64 [B, H, W] or [N]; 255 is ignored.

        Returns:
            Scalar; 0, with a graph, where no pixel is labelled.
        """
        emphasis = _near_boundaries(labels) if "boundary" in self.names and labels.dim() == 3 else None
        known = (labels != IGNORED).flatten().nonzero().squeeze(1)  # [N]
        flat = logits.movedim(1, -1).flatten(0, -2).index_select(0, known).float()  # [N, C]
        target = labels.flatten().index_select(0, known)  # [N]
        if target.numel() == 0:
            return logits.sum() * 0.0
        losses = [_LOSSES[name](flat, target, self.weights) for name in self.names if name in _LOSSES]
        if emphasis is not None:
            losses.append(_emphasised(flat, target, self.weights, emphasis.flatten()[known]))
        elif "boundary" in self.names:
            losses.append(_cross_entropy(flat, target, self.weights))
        return torch.stack(losses).sum()


def _emphasised(logits: Tensor, labels: Tensor, weights: Tensor, emphasis: Tensor) -> Tensor:
    """Cross-entropy in which pixels count by ``emphasis`` [N]."""
    each = F.cross_entropy(logits, labels, weights, reduction="none")
    return (each * emphasis).sum() / (weights[labels] * emphasis).sum().clamp(min=1e-6)


def _near_boundaries(labels: Tensor) -> Tensor:
    """[B, H, W]: `BOUNDARY_GAIN` near a change of class, 1 elsewhere; borders of the unknown are none."""
    size = 2 * BOUNDARY_WIDTH + 1
    known = labels != IGNORED
    values = labels.float()
    highest = F.max_pool2d(torch.where(known, values, -1.0)[:, None], size, 1, BOUNDARY_WIDTH)
    lowest = -F.max_pool2d(torch.where(known, -values, -256.0)[:, None], size, 1, BOUNDARY_WIDTH)
    is_near = (highest > lowest) & (highest >= 0)
    return torch.where(is_near[:, 0], BOUNDARY_GAIN, 1.0)


def class_weights(counts: Tensor) -> Tensor:
    """Weights [C] for classes of which there are so many pixels: 1 / sqrt(share), mean 1, 0 for none.

    The full inverse would find every rare pixel and many that are none.
    """
    share = counts.float() / counts.sum().clamp(min=1)
    weights = torch.where(counts > 0, share.clamp(min=1e-4).rsqrt(), 0.0)
    return weights / weights[counts > 0].mean() if bool((counts > 0).any()) else torch.ones_like(share)
