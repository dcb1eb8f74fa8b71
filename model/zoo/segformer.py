"""SegFormer: a transformer in four strides whose attention asks a reduced map, and a light head.

Xie and others, "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers",
NeurIPS 2021, arXiv:2105.15203. As in the source of this version, keys and values are reduced four
times at every stage, and the perceptron has no convolution inside.
Shapes: B images, C classes, D features, N = h * w places of a stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from model.networks.backbone import upsample_to
from model.zoo.streaming import attended

REDUCTION: Final = 4
"""Keys and values are taken from a map that many times smaller on each side."""

HEAD_WIDTH: Final = 768


class EfficientBlock(nn.Module):
    """Attention whose keys and values come from a reduced map, then a perceptron.

    Shape:
        - input: map [B, D, h, w], h and w at least 4
        - output: [B, D, h, w]
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.sr = nn.Conv2d(dim, dim, REDUCTION, stride=REDUCTION)
        self.sr_norm = nn.LayerNorm(dim)
        self.attn = nn.MultiheadAttention(dim, num_heads, batch_first=True)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def queries_keys(self, tokens: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Normed tokens [B, N, D] and the reduced ones that they ask, [B, N / 16, D]."""
        normed = self.norm1(tokens)
        grid = normed.transpose(1, 2).unflatten(2, size)  # [B, D, h, w]
        return normed, self.sr_norm(self.sr(grid).flatten(2).transpose(1, 2))  # [B, N, D], [B, M, D]

    def forward(self, tokens: Tensor, size: tuple[int, int]) -> Tensor:
        """Tokens [B, N, D] of a map of ``size`` (h, w) -> [B, N, D]."""
        queries, keys = self.queries_keys(tokens, size)
        tokens = tokens + attended(self.attn, queries, keys)
        out: Tensor = tokens + self.mlp(self.norm2(tokens))
        return out


class MixTransformerBlock(nn.Module):
    """One stage: overlapping patches, blocks, a norm.

    Shape:
        - input: [B, in_channels, h, w]
        - output: [B, embed_dim, h / stride, w / stride]
    """

    def __init__(
        self, in_channels: int, embed_dim: int, num_heads: int, depth: int, patch_size: int, stride: int
    ) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(
            in_channels, embed_dim, patch_size, stride=stride, padding=patch_size // 2
        )
        self.blocks = nn.ModuleList(EfficientBlock(embed_dim, num_heads) for _ in range(depth))
        self.norm = nn.LayerNorm(embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        """The stage's map."""
        grid = self.patch_embed(x)  # [B, D, h, w]
        size = (grid.shape[-2], grid.shape[-1])
        tokens = grid.flatten(2).transpose(1, 2)  # [B, N, D]
        for block in self.blocks:
            tokens = block(tokens, size)
        normed: Tensor = self.norm(tokens)
        return normed.transpose(1, 2).reshape(len(x), -1, *size)  # [B, D, h, w]


class MLPDecoder(nn.Module):
    """Every stage's map, projected and enlarged to the first, then one layer to the classes.

    Shape:
        - input: four maps [B, in_channels[i], h_i, w_i], fine to coarse
        - output: logits [B, C, h_0, w_0]
    """

    def __init__(self, in_channels: Sequence[int], embed_dim: int, num_classes: int) -> None:
        super().__init__()
        self.linear_fuse = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, embed_dim, 1), nn.BatchNorm2d(embed_dim))
            for channels in in_channels
        )
        self.linear_pred = nn.Conv2d(embed_dim * len(in_channels), num_classes, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Logits at the stride of the first map."""
        fused = [upsample_to(fuse(x), maps[0]) for fuse, x in zip(self.linear_fuse, maps, strict=True)]
        logits: Tensor = self.linear_pred(torch.cat(fused, dim=1))
        return logits


class SegFormer(nn.Module):
    """Four stages at strides 4, 8, 16, 32 and an MLP decoder.

    Args:
        num_classes: C.
        embed_dims: D of the stages.
        num_heads: of the stages.
        depths: blocks of the stages.
        head_width: of the decoder; the source has 768.

    Shape:
        - input: [B, 3, H, W], at least 128 x 128
        - output: logits [B, C, H / 4, W / 4]
    """

    def __init__(
        self,
        num_classes: int = 21,
        embed_dims: Sequence[int] = (64, 128, 320, 512),
        num_heads: Sequence[int] = (1, 2, 5, 8),
        depths: Sequence[int] = (3, 6, 40, 3),
        *,
        head_width: int = HEAD_WIDTH,
    ) -> None:
        super().__init__()
        first = [True] + [False] * (len(embed_dims) - 1)
        self.stages = nn.ModuleList(
            MixTransformerBlock(before, dim, heads, depth, 7 if is_first else 3, 4 if is_first else 2)
            for before, dim, heads, depth, is_first in zip(
                (3, *embed_dims[:-1]), embed_dims, num_heads, depths, first, strict=True
            )
        )
        self.decode_head = MLPDecoder(embed_dims, head_width, num_classes)

    def forward(self, image: Tensor) -> Tensor:
        """Class logits of ``image`` at stride 4."""
        maps = []
        x = image
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        logits: Tensor = self.decode_head(maps)
        return logits
