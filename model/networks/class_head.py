"""From what the experts answer to class logits at every pixel."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.backbone import ConvNorm, upsample_to


class ClassHead(nn.Module):
    """What the experts answer, sharpened by detail, to full-resolution class logits.

    Args:
        feature_dim: channels of the answers.
        detail_dim: channels at stride 2.
        num_classes: C.
        fuses: look at the answers' surroundings first.
    """

    def __init__(self, feature_dim: int, detail_dim: int, num_classes: int, *, fuses: bool = True) -> None:
        super().__init__()
        self.fuse = ConvNorm(feature_dim, feature_dim) if fuses else nn.Identity()
        self.reduce = nn.Conv2d(feature_dim, detail_dim, 1)
        self.detail = nn.Conv2d(detail_dim, detail_dim, 1)
        self.fine = ConvNorm(detail_dim, detail_dim)
        self.pixels = nn.Conv2d(detail_dim, 4 * num_classes, 3, padding=1)

    def forward(self, tokens: Tensor, detail: Tensor) -> Tensor:
        """[B, D, h, w] and [B, C', 2h, 2w] -> logits [B, C, 4h, 4w]."""
        coarse = self.reduce(self.fuse(tokens))
        fine = self.fine(F.relu(self.detail(detail) + upsample_to(coarse, detail)))
        return F.pixel_shuffle(self.pixels(fine), 2).float()


def kept_rows(old: Tensor, new: Tensor, kept: Sequence[int | None], rows: int) -> Tensor:
    """``new`` with the rows of kept classes from ``old``; ``rows`` of them belong to a class."""
    merged = new.clone()
    for target, source in enumerate(kept):
        if source is not None:
            merged[rows * target : rows * (target + 1)] = old[rows * source : rows * (source + 1)]
    return merged
