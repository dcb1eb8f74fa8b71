"""Experts: a few vectors that look at the image and that every pixel draws on.

Learned experts belong to the network; a click becomes one more expert (a prompt expert) and joins them.
Experts look at tokens (`look`), exchange among themselves, and pixels mix their answers (`mix`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class AttentionMaps:
    """Where the experts look and which tokens they explain, per attention head.

    Attributes:
        look: [B, heads, K, h, w]; sums to 1 over (h, w) for every expert of every head.
        mix: [B, heads, K, h, w]; sums to 1 over K at every token of every head; to less where an expert that
            decides is knocked out.
    """

    look: Tensor
    mix: Tensor


def attend(
    query: Tensor, key: Tensor, value: Tensor, *, bias: Tensor | None = None, need_attention: bool = False
) -> tuple[Tensor, Tensor | None]:
    """Scaled dot-product attention over heads.

    Args:
        query: [B, heads, Q, d].
        key: [B, heads, N, d].
        value: [B, heads, N, d].
        bias: added to the logits, broadcastable to [B, heads, Q, N]; -inf hides a key. A head that all keys
            are hidden from answers 0.
        need_attention: materialise the weights.

    Returns:
        Answer [B, heads, Q, d] and weights [B, heads, Q, N] or None.
    """
    if bias is not None and bias.shape[1] > 1:  # one per head
        silent = bias.isneginf().all(-1, keepdim=True)
        if bool(silent.any()):
            answer, weights = attend(
                query, key, value, bias=bias.masked_fill(silent, 0.0), need_attention=need_attention
            )
            weights = None if weights is None else weights.masked_fill(silent, 0.0)
            return answer.masked_fill(silent, 0.0), weights
    bias = None if bias is None else bias.to(query.dtype)
    needs_grad = torch.is_grad_enabled() and query.requires_grad
    if not need_attention and not needs_grad:  # its backward is ten times slower than the plain one on CPUs
        return F.scaled_dot_product_attention(query, key, value, attn_mask=bias), None
    logits = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
    weights = torch.softmax((logits if bias is None else logits + bias).float(), dim=-1)
    return weights.to(value.dtype) @ value, weights if need_attention else None


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B, N, D] -> [B, heads, N, D / heads]."""
    batch, count, dim = x.shape
    return x.view(batch, count, heads, dim // heads).transpose(1, 2)  # [B, heads, N, D / heads]


def join_heads(x: Tensor) -> Tensor:
    """[B, heads, N, d] -> [B, N, heads * d]."""
    return x.transpose(1, 2).flatten(2)  # [B, N, heads * d]


def flatten_map(x: Tensor) -> Tensor:
    """[B, D, h, w] -> [B, h * w, D]."""
    return x.flatten(2).transpose(1, 2)  # [B, h * w, D]


class Look(nn.Module):
    """Experts query an image map; an expert keeps what it was and adds what it saw.

    Args:
        dim: width D of an expert.
        map_dim: channels C of the map.
        heads: attention heads; divides ``dim``.

    Shape:
        - input: experts [B, K, D], keys and values [B, heads, N, D / heads] for the N places of the map
        - output: experts [B, K, D], weights [B, heads, K, N] or None
    """

    def __init__(self, *, dim: int, map_dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(map_dim, dim)
        self.value = nn.Linear(map_dim, dim)
        self.out = nn.Linear(dim, dim)

    def keys_values(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Map [B, C, h, w] -> keys and values [B, heads, h * w, d]."""
        flat = flatten_map(features)
        return split_heads(self.key(flat), self.heads), split_heads(self.value(flat), self.heads)

    def forward(
        self, experts: Tensor, keys: Tensor, values: Tensor, *, need_attention: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Experts [B, K, D] -> experts [B, K, D], weights [B, heads, K, N] or None."""
        query = split_heads(self.query(self.norm(experts)), self.heads)
        seen, weights = attend(query, keys, values, need_attention=need_attention)
        return experts + self.out(join_heads(seen)), weights


class ExpertSelfAttention(nn.Module):
    """A block of self-attention among the experts, then a two-layer perceptron.

    Args:
        dim: width D of an expert.
        heads: attention heads; divides ``dim``.

    Shape:
        - input and output: [B, K, D]
    """

    def __init__(self, *, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        # The perceptron; every file of weights calls it so.
        self.think = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, dim)
        )

    def forward(self, experts: Tensor, bias: Tensor | None = None) -> Tensor:
        """Experts [B, K, D]; ``bias`` [B or 1, 1 or heads, 1, K] on the experts as keys -> [B, K, D]."""
        query, key, value = (split_heads(x, self.heads) for x in self.qkv(self.norm(experts)).chunk(3, -1))
        answer, _ = attend(query, key, value, bias=bias)
        experts = experts + self.out(join_heads(answer))
        added: Tensor = self.think(experts)
        return experts + added


class Mix(nn.Module):
    """Every pixel attends over the experts.

    Args:
        dim: width D of an expert.
        map_dim: channels C of the map.
        heads: attention heads; divides ``dim``.

    Shape:
        - input: queries [B, heads, h * w, D / heads], experts [B, K, D]
        - output: map [B, C, h, w], weights [B, heads, h * w, K] or None
    """

    def __init__(self, *, dim: int, map_dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(map_dim, dim)
        self.norm = nn.LayerNorm(dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, map_dim)

    def queries(self, features: Tensor) -> Tensor:
        """Map [B, C, h, w] -> [B, heads, h * w, d]."""
        return split_heads(self.query(flatten_map(features)), self.heads)

    @torch.no_grad()
    def forget_choice(self) -> None:
        """From now on every pixel draws on all experts alike."""
        self.query.weight.zero_()
        self.query.bias.zero_()

    def forward(
        self,
        queries: Tensor,
        experts: Tensor,
        size: tuple[int, int],
        *,
        bias: Tensor | None = None,
        need_attention: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Pixels draw on the experts.

        Args:
            queries: from `queries`, [B, heads, h * w, d].
            experts: [B, K, D].
            size: h and w.
            bias: on the experts as keys, [B or 1, 1 or heads, 1, K].
            need_attention: also return the weights.

        Returns:
            Map [B, C, h, w] and weights [B, heads, h * w, K] or None.
        """
        normed = self.norm(experts)
        key = split_heads(self.key(normed), self.heads)
        value = split_heads(self.value(normed), self.heads)
        drawn, weights = attend(queries, key, value, bias=bias, need_attention=need_attention)
        mixed = self.out(join_heads(drawn))  # [B, h * w, C]
        return mixed.transpose(1, 2).view(len(mixed), -1, *size), weights  # [B, C, h, w]


def gain_bias(gains: Tensor | None) -> Tensor | None:
    """Factors on how strongly experts are read -> logit bias; 0 becomes -inf.

    Args:
        gains: [K], or [heads, K] for every attention head by itself.

    Returns:
        [1, 1 or heads, 1, K], or None where there are no gains.
    """
    if gains is None:
        return None
    bias: Tensor = gains.clamp(min=0).log()
    return bias.view(1, -1, 1, gains.shape[-1])  # [1, 1 or heads, 1, K]


def fourier_position(xy: Tensor, dim: int) -> Tensor:
    """Positions [..., 2] in 0..1 -> sines and cosines [..., dim]; ``dim`` a multiple of 4."""
    octaves = torch.arange(dim // 4, device=xy.device, dtype=torch.float32)
    frequency = math.pi * 2.0 ** (octaves * (6.0 / max(dim // 4 - 1, 1)))
    angle = (xy.float().unsqueeze(-1) * frequency).flatten(-2)  # [..., dim / 2]
    return torch.cat((angle.sin(), angle.cos()), dim=-1)


def weights_to_map(weights: Tensor, size: tuple[int, int], factor: int = 1) -> Tensor:
    """Weights [B, heads, K, N] -> maps [B, heads, K, h, w], each cell repeated ``factor`` times per axis."""
    maps = weights.view(*weights.shape[:-1], *size)  # [B, heads, K, h, w]
    if factor > 1:
        maps = maps.repeat_interleave(factor, -1).repeat_interleave(factor, -2)
    return maps
