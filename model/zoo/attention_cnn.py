"""A convolution, then self-attention among all places: the smallest network that attends.

Attention as in Vaswani and others, "Attention Is All You Need", 2017, arXiv:1706.03762, one head.
In the source the flattened map reaches the attention untransposed, so that it runs only where there
happen to be 64 places. What is meant is built here: tokens of 64 channels, one per place.
Shapes: B images, C classes, D features, N tokens.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.backbone import upsample_to

WIDTH = 64


class SelfAttention(nn.Module):
    """softmax(q k / sqrt(D)) v among the tokens of an image.

    Shape:
        - input: [B, N, D]
        - output: [B, N, D]
    """

    def __init__(self, input_dim: int) -> None:
        super().__init__()
        self.input_dim = input_dim
        self.query = nn.Linear(input_dim, input_dim)
        self.key = nn.Linear(input_dim, input_dim)
        self.value = nn.Linear(input_dim, input_dim)

    def row(self, tokens: Tensor, index: int) -> Tensor:
        """What the token at ``index`` attends to, [B, N]; sums to 1. Nothing of size N x N is made."""
        query = self.query(tokens[:, index : index + 1])  # [B, 1, D]
        scores = query @ self.key(tokens).transpose(1, 2) / math.sqrt(self.input_dim)  # [B, 1, N]
        return torch.softmax(scores.float(), dim=-1)[:, 0]

    def forward(self, tokens: Tensor) -> Tensor:
        """Every token's mixture of all values."""
        return F.scaled_dot_product_attention(
            self.query(tokens)[:, None], self.key(tokens)[:, None], self.value(tokens)[:, None]
        )[:, 0]  # [B, N, D]


class AttentionCNN(nn.Module):
    """The source's classifier of whole images: convolution, attention, mean, one linear layer.

    Shape:
        - input: [B, 3, H, W]
        - output: logits [B, C]
    """

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTH, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(WIDTH)
        self.attn = SelfAttention(WIDTH)
        self.fc = nn.Linear(WIDTH, num_classes)

    def features(self, image: Tensor) -> Tensor:
        """[B, 3, H, W] -> [B, 64, H, W]."""
        return F.relu(self.bn1(self.conv1(image)))

    def forward(self, image: Tensor) -> Tensor:
        """Class logits of the whole image."""
        tokens = self.features(image).flatten(2).transpose(1, 2)  # [B, N, 64]
        logits: Tensor = self.fc(self.attn(tokens).mean(dim=1))
        return logits


class AttentionCNNForSegmentation(AttentionCNN):
    """The same layers with an answer for every place: attention on a map pooled to stride 4.

    The linear layer reads each place's own features plus what it attended to. Names and shapes of
    the parameters are those of `AttentionCNN`.

    Shape:
        - input: [B, 3, H, W], H and W multiples of 4
        - output: logits [B, C, H, W]
    """

    stride = 4

    def tokens(self, image: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Tokens [B, N, 64] at stride 4, and (h, w)."""
        return self._pooled(self.features(image))

    def _pooled(self, fine: Tensor) -> tuple[Tensor, tuple[int, int]]:
        pooled = F.avg_pool2d(fine, self.stride)  # [B, 64, h, w]
        return pooled.flatten(2).transpose(1, 2), (pooled.shape[-2], pooled.shape[-1])  # [B, h * w, 64]

    def forward(self, image: Tensor) -> Tensor:
        """Class logits of ``image``."""
        fine = self.features(image)
        tokens, size = self._pooled(fine)
        attended = self.attn(tokens).transpose(1, 2).unflatten(2, size)  # [B, 64, h, w]
        seen = fine + upsample_to(attended, fine)
        logits = F.linear(seen.movedim(1, -1), self.fc.weight, self.fc.bias)  # [B, H, W, C]
        return logits.movedim(-1, 1)  # [B, C, H, W]
