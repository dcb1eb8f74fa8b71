"""From clicks to a mask: a small U-Net over the image's cached features, run again at every click.

A click decoder answers with one mask, the likeliest. What else may be meant it can be asked for: small residual
layers, one set for each other meaning, turn its features on the way down and up, and everything else is shared.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.backbone import ConvNorm, Pyramid, ResidualBlock, upsample_to
from model.networks.click_cues import NUM_CUES


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


@dataclass(frozen=True, slots=True)
class ClickBase:
    """What the decoder needs of the image, computed once: features at strides 2, 4, 8, 16, 32."""

    detail: Tensor
    tokens: Tensor
    mid: Tensor
    deep: Tensor
    top: Tensor


class ClickDecoder(nn.Module):
    """Cues and mixed experts to object logits.

    Args:
        detail_dim: channels of the pyramid at stride 2.
        map_dims: channels of the pyramid at strides 4, 8, 16, 32.
        widths: own channels at strides 2, 4, 8, 16, 32.
        num_cues: maps of evidence.
        num_candidates: other meanings that it can be asked for.
    """

    def __init__(
        self,
        *,
        detail_dim: int,
        map_dims: tuple[int, ...],
        widths: tuple[int, ...],
        num_cues: int = NUM_CUES,
        num_candidates: int = 0,
    ) -> None:
        super().__init__()
        fine, token, mid, deep, top = widths
        self.bases = nn.ModuleList(
            nn.Conv2d(dim, width, 1) for dim, width in zip((detail_dim, *map_dims), widths, strict=True)
        )
        self.cue_in = nn.Conv2d(num_cues, token, 3, padding=1)
        self.downs = nn.ModuleList(
            nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False)
            for before, width in itertools.pairwise(widths[1:])
        )
        self.blocks = nn.ModuleList(ResidualBlock(width) for width in (mid, deep, top))
        self.ups = nn.ModuleList(
            nn.Conv2d(below, width, 1) for below, width in zip(widths[2:], widths[1:-1], strict=True)
        )
        self.fuses = nn.ModuleList((ConvNorm(token, token), ConvNorm(mid, mid), ResidualBlock(deep)))
        self.coarse = nn.Conv2d(token, 1, 1)
        self.to_fine = nn.Conv2d(token, fine, 1)
        self.fine = nn.Conv2d(fine, fine, 3, padding=1)  # a norm at stride 2 would cost more than it gives
        self.pixels = nn.Conv2d(fine, 4, 3, padding=1)
        self.score = nn.Sequential(nn.Linear(2 * deep + 1, 64), nn.ReLU(), nn.Linear(64, 1))
        self.candidates = nn.ModuleList(
            OtherMeaning(widths=(mid, deep, top, deep, mid), score_width=2 * deep + 1)
            for _ in range(num_candidates)
        )

    def base(self, pyramid: Pyramid) -> ClickBase:
        """Features of the image in the decoder's widths."""
        maps = (pyramid.detail, pyramid.tokens, pyramid.mid, pyramid.deep, pyramid.top)
        bases = (conv for conv in self.bases if isinstance(conv, nn.Conv2d))
        return ClickBase(*(conv(x) for conv, x in zip(bases, maps, strict=True)))

    def forward(
        self, base: ClickBase, cues: Tensor, mixed: Tensor, *, candidate: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Object logits at full (padded) resolution and the predicted IoU.

        Args:
            base: from `base`.
            cues: [B, num_cues, h, w] at stride 4.
            mixed: what the experts answered, [B, widths[2], h / 2, w / 2].
            candidate: which meaning is asked for: 0 the likeliest, then the others.

        Returns:
            Logits [B, 1, H, W] and scores [B] in 0..1.
        """
        other = self._other(candidate)
        x4 = F.relu(base.tokens + self.cue_in(cues))
        x8 = _turned(other, 0, self.blocks[0](F.relu(base.mid + mixed + self.downs[0](x4))))
        x16 = _turned(other, 1, self.blocks[1](F.relu(base.deep + self.downs[1](x8))))
        x32 = _turned(other, 2, self.blocks[2](F.relu(base.top + self.downs[2](x16))))
        up16 = _turned(other, 3, self.fuses[2](F.relu(x16 + upsample_to(self.ups[2](x32), x16))))
        up8 = _turned(other, 4, self.fuses[1](F.relu(x8 + upsample_to(self.ups[1](up16), x8))))
        up4 = self.fuses[0](F.relu(x4 + upsample_to(self.ups[0](up8), x4)))
        coarse = self.coarse(up4)
        fine = F.relu(base.detail + upsample_to(self.to_fine(up4), base.detail))
        fine = F.relu(self.fine(fine), inplace=True)
        pixels = F.pixel_shuffle(self.pixels(fine), 2)
        logits = pixels.float() + upsample_to(coarse.float(), pixels)
        pooled = self._pooled(up16, coarse)
        if other is not None:
            return logits, other.estimate(pooled)
        return logits, torch.sigmoid(self.score(pooled).float()).squeeze(-1)

    def _other(self, candidate: int) -> OtherMeaning | None:
        """What turns features towards a meaning; None for the likeliest."""
        if candidate == 0:
            return None
        other = self.candidates[candidate - 1]
        if not isinstance(other, OtherMeaning):
            raise TypeError("other meanings are candidates")
        return other

    def _pooled(self, features: Tensor, coarse: Tensor) -> Tensor:
        """Features inside and outside of the mask, [B, 2 * C + 1]; no gradient reaches the mask."""
        inside = torch.sigmoid(coarse.detach().float())
        inside = F.avg_pool2d(inside, 4).flatten(2)  # [B, 1, N]
        flat = features.detach().float().flatten(2)  # [B, C, N]
        parts = [(flat * w).sum(-1) / (w.sum(-1) + 1e-3) for w in (inside, 1 - inside)]
        sharpness = (inside * (1 - inside)).sum(-1) / (inside.sum(-1) + 1e-3)
        return torch.cat((*parts, sharpness), dim=1).to(self.cue_in.weight.dtype)


def _turned(other: OtherMeaning | None, place: int, x: Tensor) -> Tensor:
    """Features as they are for the likeliest meaning, or turned towards another."""
    if other is None:
        return x
    turned: Tensor = other(place, x)
    return turned


class Embedding(nn.Module):
    """Unit vectors in which a click finds its like: similarity in kind is known at strides 16 and 32.

    Args:
        dims: channels of the pyramid at strides 4, 16, 32.
        width: of a vector.
    """

    def __init__(self, *, dims: tuple[int, int, int], width: int) -> None:
        super().__init__()
        self.tokens, self.deep, self.top = (nn.Conv2d(dim, width, 1, bias=False) for dim in dims)

    def forward(self, pyramid: Pyramid) -> Tensor:
        """Pyramid -> [B, width, h, w] at stride 4."""
        deep = self.deep(pyramid.deep)
        deep = deep + upsample_to(self.top(pyramid.top), deep)
        tokens = self.tokens(pyramid.tokens)
        return F.normalize((tokens + upsample_to(deep, tokens)).float(), dim=1)


def embedded(embed: nn.Conv2d | Embedding, pyramid: Pyramid) -> Tensor:
    """Unit vectors [B, E, h, w] of either kind of embedding."""
    if isinstance(embed, Embedding):
        unit: Tensor = embed(pyramid)
        return unit
    return F.normalize(embed(pyramid.tokens).float(), dim=1)
