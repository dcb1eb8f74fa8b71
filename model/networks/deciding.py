"""Experts that decide: each is a classifier of the tokens, and what a pixel is follows from whom it asks.

Nothing leads round them. Tokens reach the head only as the answers of experts, weighted by how near each
expert is to the pixel (a cosine, so that no expert wins by being loud), and coarser levels only through the
gates of the same experts. Without experts there is no answer; with an even mix it is another one.
"""

from __future__ import annotations

import math
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.experts import ExpertSelfAttention, Look, flatten_map, gain_bias, join_heads, split_heads

TOKENS_AT_ONCE: Final = 16384
"""So many tokens are classified in one go where no gradient is wanted: the answers of all experts stay small."""

ROUNDING: Final = 1e-5
"""A mix that is so little from an even one is one."""

STEEPEST: Final = 0.01
"""Keeps the root of almost nothing from being infinitely steep."""


class SlotLook(Look):
    """Experts query an image map and compete for it, as slots do (Locatello et al. 2020, arXiv 2006.15055).

    Every place divides its attention among the experts; an expert then averages over what it won. So no two
    experts look at the same places. Arguments, shapes and projections are those of `Look`.
    """

    def __init__(self, *, dim: int, map_dim: int, heads: int) -> None:
        super().__init__(dim=dim, map_dim=map_dim, heads=heads)
        self.log_scale = nn.Parameter(torch.empty(()))
        nn.init.constant_(self.log_scale, math.log(8.0))

    def forward(
        self, experts: Tensor, keys: Tensor, values: Tensor, *, need_attention: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Experts [B, K, D] -> experts [B, K, D], weights [B, heads, K, N] or None."""
        query = F.normalize(split_heads(self.query(self.norm(experts)), self.heads), dim=-1)
        length = keys.square().sum(-1, keepdim=True).clamp(min=1e-24).sqrt()  # [B, heads, N, 1]
        cosine = keys @ query.transpose(-1, -2).to(keys.dtype) / length  # [B, heads, N, K]
        won = torch.softmax(cosine.float() * _scale(self.log_scale), dim=-1)
        total = won.sum(-2).unsqueeze(-1)  # [B, heads, K, 1]
        seen = won.transpose(-1, -2).to(values.dtype) @ values / total.to(values.dtype)
        looked: Tensor = experts + self.out(join_heads(seen))
        # [B, K, D], [B, heads, K, N]
        return looked, won.transpose(-1, -2) / total if need_attention else None


class CosineMix(nn.Module):
    """How much every token asks every expert: a softmax over cosines with a learned scale.

    Args:
        dim: width D of tokens and experts.

    Shape:
        - input: tokens [B, D, h, w], experts [B, K, D]
        - output: weights [B, h * w, K]
    """

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.query = nn.Linear(dim, dim)
        self.norm = nn.LayerNorm(dim)
        self.key = nn.Linear(dim, dim)
        self.log_scale = nn.Parameter(torch.empty(()))
        nn.init.constant_(self.log_scale, math.log(10.0))

    def forward(self, tokens: Tensor, experts: Tensor, gains: Tensor | None = None) -> Tensor:
        """Tokens [B, D, h, w], experts [B, K, D], gains [K] -> float32 weights [B, h * w, K]."""
        query = self.query(flatten_map(tokens))
        length = query.square().sum(-1, keepdim=True).clamp(min=1e-24).sqrt()  # [B, N, 1]
        cosine = query @ self.keys(experts).transpose(-1, -2).to(query.dtype) / length
        weights = torch.softmax(cosine.float() * _scale(self.log_scale), dim=-1)
        return weights if gains is None else _changed(weights, gains)

    @torch.no_grad()
    def forget_choice(self) -> None:
        """From now on every token asks all experts alike."""
        self.log_scale.fill_(-math.inf)

    def keys(self, experts: Tensor) -> Tensor:
        """Unit vectors [B, K, D] that tokens are compared with."""
        return F.normalize(self.key(self.norm(experts)), dim=-1)


class ExpertClassifiers(nn.Module):
    """Every expert's own reading of the tokens, opened and closed by what the expert saw in this image.

    Args:
        num_experts: K.
        dim: width D of tokens and experts.
        evidence_dim: width R of an answer.
        level_dims: widths of coarser levels that experts open and close as well.

    Shape:
        - input: tokens [B, D, h, w], experts [B, K, D], weights [B, h * w, K]
        - output: answers [B, R, h, w]
    """

    def __init__(self, *, num_experts: int, dim: int, evidence_dim: int, level_dims: tuple[int, ...]) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.gate = nn.Linear(dim, dim)
        self.level_gates = nn.ModuleList(nn.Linear(dim, width) for width in level_dims)
        self.weight = nn.Parameter(torch.empty(num_experts, evidence_dim, dim))
        self.bias = nn.Parameter(torch.empty(num_experts, evidence_dim))
        nn.init.normal_(self.weight, std=dim**-0.5)
        nn.init.zeros_(self.bias)

    def forward(self, tokens: Tensor, experts: Tensor, mix: Tensor) -> Tensor:
        """Tokens [B, D, h, w], experts [B, K, D], mix [B, h * w, K] -> answers [B, R, h, w]."""
        gates = self._open(self.gate, experts)
        kernels = (self.weight.to(gates.dtype) * gates.unsqueeze(2)).flatten(1, 2)  # [B, K * R, D]
        flat = flatten_map(tokens)
        if torch.is_grad_enabled() or flat.shape[1] <= TOKENS_AT_ONCE:
            answers = self._answers(flat, kernels, mix)
        else:
            parts = zip(
                torch.split(flat, TOKENS_AT_ONCE, 1), torch.split(mix, TOKENS_AT_ONCE, 1), strict=True
            )
            answers = torch.cat([self._answers(part, kernels, share) for part, share in parts], dim=1)
        return as_map(answers, (tokens.shape[-2], tokens.shape[-1]))

    def gated(
        self, level: int, features: Tensor, experts: Tensor, mix: Tensor, size: tuple[int, int]
    ) -> Tensor:
        """A coarser level as the experts that are asked there let it through.

        Args:
            level: index of it.
            features: [B, C, h / f, w / f] for a power of two f.
            experts: [B, K, D].
            mix: [B, h * w, K].
            size: h and w.
        """
        shares = F.avg_pool2d(as_map(mix, size), size[0] // features.shape[-2])  # [B, K, h / f, w / f]
        gates = self._open(self.level_gates[level], experts)  # [B, K, C]
        opened = gates.transpose(1, 2) @ shares.flatten(2).to(gates.dtype)  # [B, C, h * w]
        return features * opened.view(features.shape).to(features.dtype)  # [B, C, h / f, w / f]

    def _open(self, gate: nn.Module, experts: Tensor) -> Tensor:
        opened: Tensor = 2 * torch.sigmoid(gate(self.norm(experts)))
        return opened

    def _answers(self, flat: Tensor, kernels: Tensor, mix: Tensor) -> Tensor:
        count, width = self.bias.shape
        every = torch.baddbmm(
            self.bias.flatten().to(flat.dtype), flat, kernels.transpose(1, 2).to(flat.dtype)
        )
        every = every.view(*flat.shape[:2], count, width)  # [B, N, K, R]
        answers: Tensor = (every * mix.to(every.dtype).unsqueeze(-1)).sum(2)
        return answers


def as_map(weights: Tensor, size: tuple[int, int]) -> Tensor:
    """[B, h * w, C] -> [B, C, h, w]."""
    return weights.transpose(1, 2).reshape(len(weights), -1, *size)  # [B, C, h, w]


def _changed(weights: Tensor, gains: Tensor) -> Tensor:
    """Weights [B, N, K] with factors [K] on them.

    What is taken from an expert goes to nobody: where a place asks only one that is knocked out, it gets no answer,
    as a head of attention that is pruned leaves nothing behind (Michel et al. 2019, arXiv 1905.10650). What is given
    to one is taken from the others, so that no place is answered louder than usual.
    """
    changed = weights * gains.clamp(min=0)
    return changed / changed.sum(-1, keepdim=True).clamp(min=1)


def _scale(log_scale: Tensor) -> Tensor:
    return log_scale.float().clamp(max=math.log(40.0)).exp()


def ask_experts(
    exchange: ExpertSelfAttention,
    mix: nn.Module,
    tokens: Tensor,
    experts: Tensor,
    expert_gains: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Let experts exchange, and tokens ask them.

    Args:
        exchange: among the experts.
        mix: a `CosineMix`.
        tokens: [B, D, h, w].
        experts: after looking, [B, K, D].
        expert_gains: [K], or [heads, K]; tokens ask without heads, so there the mean over heads counts.

    Returns:
        Experts [B, K, D] and weights float32 [B, h * w, K].
    """
    experts = exchange(experts, gain_bias(expert_gains))
    mean = None if expert_gains is None else expert_gains.view(-1, expert_gains.shape[-1]).mean(0)  # [K]
    return experts, mix(tokens, experts, mean)


def decidedness(mix: Tensor) -> Tensor:
    """How far places have chosen among experts: 0 where all are asked alike (or nobody is), 1 where one is alone.

    It is the length of the mix beyond that of an even one: about the square root of (K sum_k s[k]^2 - 1) / (K - 1).
    Asking twice as many experts alike makes it 1 / sqrt(2) of what it was.

    Args:
        mix: weights [B, N, K].

    Returns:
        [B, N, 1] in the number format of ``mix``.
    """
    count = mix.shape[-1]
    spread = (count * mix.float().square().sum(-1, keepdim=True) - 1) / max(count - 1, 1)  # [B, N, 1]
    known = (spread - ROUNDING).clamp(min=0)
    return ((known + STEEPEST**2).sqrt() - STEEPEST).to(mix.dtype)


def balance_loss(mix: Tensor) -> Tensor:
    """1 where all experts are asked equally often, up to K where one is asked for everything.

    Args:
        mix: weights [B, N, K] (Fedus et al. 2022, arXiv 2101.03961, eq. 4).
    """
    flat = mix.flatten(0, 1)  # [B * N, K]
    count = flat.shape[-1]
    asked = torch.bincount(flat.detach().argmax(-1), minlength=count) / len(flat)
    return count * (asked * flat.mean(0)).sum()


def similarity_loss(vectors: Tensor) -> Tensor:
    """Mean squared cosine between different experts, from vectors [B, K, D]."""
    unit = F.normalize(vectors.float(), dim=-1)
    square = (unit @ unit.transpose(1, 2)).square()
    count = vectors.shape[1]
    return (square.sum((1, 2)) - count).mean() / max(count * (count - 1), 1)
