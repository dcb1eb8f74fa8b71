"""Other meanings of a click: a part of the thing, or the whole that it belongs to.

A click decoder answers with one mask, the likeliest. What else may be meant it can be asked for: small residual
layers, one set for each other meaning, turn its features on the way down and up, and everything else is shared.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class OtherMeaning(nn.Module):
    """What turns the features of a click decoder towards one other meaning.

    Begins with (almost) no effect.

    Args:
        widths: channels where it acts: on the way down at strides 8, 16 and 32, then up at 16 and 8.
        score_width: features that the IoU is estimated from.

    Shape:
        - input: [B, widths[place], h, w]
        - output: the same
    """

    def __init__(self, *, widths: tuple[int, ...], score_width: int) -> None:
        super().__init__()
        self.turns = nn.ModuleList(nn.Conv2d(width, width, 1) for width in widths)
        self.score = nn.Sequential(nn.Linear(score_width, 64), nn.ReLU(), nn.Linear(64, 1))
        for turn in self.turns:
            if isinstance(turn, nn.Conv2d) and turn.bias is not None:
                nn.init.normal_(turn.weight, std=1e-3)
                nn.init.zeros_(turn.bias)

    def forward(self, place: int, x: Tensor) -> Tensor:
        """Features at one of the places, turned."""
        turned: Tensor = x + self.turns[place](x)
        return turned

    def estimate(self, pooled: Tensor) -> Tensor:
        """Predicted IoU [B] in 0..1 of pooled features [B, score_width]."""
        return torch.sigmoid(self.score(pooled).float()).squeeze(-1)
