"""Beside the classes: what tells one object from the next of the same class.

One map that knows nothing of classes: the *depth* of a pixel in its object, 0 outside and at the rim and 1 at the
object's innermost pixel, whatever its size. So objects are hills of one height, with a valley where they touch (as
the distance maps of Bai and Urtasun 2017, arXiv 1611.08303). `model.analysis.objects` makes objects of it.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class SeparationHead(nn.Module):
    """From what the context path knows at full resolution to depth.

    Args:
        width: channels of the features.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.last = nn.Conv2d(width, 1, 1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, W, h, w] -> logits of depth, float32 [B, 1, h, w]."""
        logits: Tensor = self.last(F.relu(self.conv(features)))
        return logits.float()
