"""Experts vote: what a pixel is follows, before anything else is looked at, from which experts it asks.

In every image a fine-tuned network first takes the word of the experts, then zooms in. Whoever learns on
top of that learns what the experts leave over, so that what they say cannot be left out afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.class_head import with_rows
from model.networks.config import NetworkConfig

DOUBT: Final = 0.02
"""Share of all that was counted that every expert is thought to have seen besides, of all classes alike."""


class Votes(nn.Module):
    """Every expert's word on the classes: logits that do not depend on what the pixel itself looks like.

    Args:
        num_experts: K.
        num_classes: C.

    Shape:
        - input: how much experts are asked, [B, K, h, w]
        - output: logits [B, C, h, w]; 0 until it is taught
    """

    def __init__(self, *, num_experts: int, num_classes: int) -> None:
        super().__init__()
        self.words = nn.Linear(num_experts, num_classes, bias=False)
        nn.init.zeros_(self.words.weight)

    @classmethod
    def of(cls, config: NetworkConfig) -> Votes:
        """Of the experts and classes of a network."""
        return cls(num_experts=config.num_experts, num_classes=config.num_classes)

    def forward(self, shares: Tensor) -> Tensor:
        """[B, K, h, w] -> [B, C, h, w]."""
        weight = self.words.weight.to(shares.dtype)
        return F.conv2d(shares, weight[..., None, None])

    @torch.no_grad()
    def take(self, words: Tensor) -> None:
        """Vote as in ``words``, [C, K], from now on."""
        self.words.weight.copy_(words)

    def with_classes(self, kept: Sequence[int | None]) -> Self:
        """Copy with other classes: entry i names the old class that new class i keeps, None for a new one."""
        made = type(self)(num_experts=self.words.in_features, num_classes=len(kept))
        made.words = with_rows(self.words, kept, are_silent=True)
        return made


def counted_words(counts: Tensor) -> Tensor:
    """What experts have to say of classes, by the classes of the pixels that asked them.

    Args:
        counts: how often each expert was asked by pixels of each class, weighted as in the loss, [K, C].

    Returns:
        Logits [C, K] with mean 0 over the classes that were met; 0 for the others.
    """
    is_known = counts.sum(0) > 0
    doubt = DOUBT * counts.sum() * is_known / is_known.sum().clamp(min=1)  # [C]
    shares = (counts + doubt) / (counts + doubt).sum(1, keepdim=True).clamp(min=1e-12)
    words = shares.clamp(min=1e-6).log()  # [K, C]
    mean = (words * is_known).sum(1, keepdim=True) / is_known.sum().clamp(min=1)
    return torch.where(is_known, words - mean, 0.0).T
