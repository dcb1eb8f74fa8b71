"""The tutorial's latent-expert segmentation model, number for number: 70,466 parameters at its defaults.

A small convolutional encoder makes tokens, one per 4 x 4 pixels. A few learned vectors, the latent
experts, look at all tokens (`look`). Then every token reads the experts (`mix`), and what it read
decides its class. Shapes: B images, C classes, D features, K experts, N = h * w tokens.
"""

from __future__ import annotations

from typing import Any, Literal, overload

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.experts import AttentionMaps, attend, gain_bias, join_heads, split_heads


class SimpleEncoder(nn.Module):
    """Two convolutions with max-pooling: it sees 10 pixels and answers at a quarter of the size.

    Shape:
        - input: [B, in_channels, H, W]
        - output: [B, feature_dim, H // 4, W // 4]
    """

    def __init__(self, in_channels: int = 3, feature_dim: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 32, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(32, feature_dim, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2, 2)

    def forward(self, image: Tensor) -> Tensor:
        """Features of ``image``."""
        half: Tensor = self.pool(F.relu(self.conv1(image)))  # [B, 32, H/2, W/2]
        quarter: Tensor = self.pool(F.relu(self.conv2(half)))  # [B, D, H/4, W/4]
        return quarter


class LatentAttention(nn.Module):
    """The experts look at the image: learned vectors gather what they need from all tokens.

    Shape:
        - input: tokens [B, N, feature_dim]
        - output: experts [B, K, latent_dim], weights [B, heads, K, N] or None
    """

    def __init__(
        self, feature_dim: int = 64, latent_dim: int = 64, num_latents: int = 16, num_heads: int = 4
    ) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(num_latents, latent_dim))
        self.key_proj = nn.Linear(feature_dim, latent_dim)
        self.value_proj = nn.Linear(feature_dim, latent_dim)
        self.query_proj = nn.Linear(latent_dim, latent_dim)
        self.attention = nn.MultiheadAttention(latent_dim, num_heads, batch_first=True)

    def forward(self, tokens: Tensor, need_attention: bool = False) -> tuple[Tensor, Tensor | None]:
        """Experts of an image and, if asked for, what each of them looked at."""
        queries = self.query_proj(self.latents).expand(tokens.shape[0], -1, -1)  # [B, K, D]
        experts, weights = self.attention(
            queries,
            self.key_proj(tokens),
            self.value_proj(tokens),
            need_weights=need_attention,
            average_attn_weights=False,
        )
        return experts, weights


class ExpertSegmentation(nn.Module):
    """Every token reads the experts, and a linear head names its class.

    Shape:
        - input: tokens [B, N, feature_dim], experts [B, K, latent_dim]
        - output: logits [B, N, num_classes], weights [B, heads, N, K] or None
    """

    def __init__(
        self, feature_dim: int = 64, latent_dim: int = 64, num_heads: int = 4, num_classes: int = 2
    ) -> None:
        super().__init__()
        self.pixel_proj = nn.Linear(feature_dim, latent_dim)
        self.attention = nn.MultiheadAttention(latent_dim, num_heads, batch_first=True)
        self.segmentation_head = nn.Linear(latent_dim, num_classes)

    @torch.no_grad()
    def forget_choice(self) -> None:
        """From now on every token reads all experts alike."""
        width = self.attention.embed_dim
        self.attention.in_proj_weight[:width].zero_()
        self.attention.in_proj_bias[:width].zero_()

    def forward(
        self,
        tokens: Tensor,
        experts: Tensor,
        need_attention: bool = False,
        expert_gains: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Class logits of the tokens and, if asked for, which experts each token read.

        Args:
            tokens: [B, N, feature_dim].
            experts: [B, K, latent_dim].
            need_attention: whether to compute the weights.
            expert_gains: [K], or [heads, K]; 1 as trained, 0 knocked out, above 1 boosted.
        """
        queries = self.pixel_proj(tokens)
        if expert_gains is not None:
            read, weights = self._read_with_gains(queries, experts, need_attention, expert_gains)
        else:
            read, weights = self.attention(
                queries, experts, experts, need_weights=need_attention, average_attn_weights=False
            )
        return self.segmentation_head(read), weights

    def _read_with_gains(
        self, queries: Tensor, experts: Tensor, need_attention: bool, gains: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """What `nn.MultiheadAttention` does, with a factor on every weight before they are made to sum to 1."""
        attention = self.attention
        parts = zip(attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3), strict=True)
        query, key, value = (
            split_heads(F.linear(x, *part), attention.num_heads)
            for x, part in zip((queries, experts, experts), parts, strict=True)
        )
        read, weights = attend(query, key, value, bias=gain_bias(gains), need_attention=need_attention)
        out: Tensor = attention.out_proj(join_heads(read))
        return out, weights


class SegmentationModel(nn.Module):
    """Encoder, experts and head in one.

    Shape:
        - input: [B, in_channels, H, W], float
        - output: logits [B, num_classes, H // 4, W // 4]
    """

    def __init__(
        self,
        in_channels: int = 3,
        feature_dim: int = 64,
        latent_dim: int = 64,
        num_latents: int = 16,
        num_heads: int = 4,
        num_classes: int = 2,
    ) -> None:
        super().__init__()
        self.encoder = SimpleEncoder(in_channels, feature_dim)
        self.latent_attn = LatentAttention(feature_dim, latent_dim, num_latents, num_heads)
        self.expert_seg = ExpertSegmentation(feature_dim, latent_dim, num_heads, num_classes)

    @overload
    def __call__(self, image: Tensor, need_attention: Literal[False] = False) -> Tensor: ...
    @overload
    def __call__(self, image: Tensor, need_attention: Literal[True]) -> tuple[Tensor, AttentionMaps]: ...
    def __call__(self, image: Tensor, need_attention: bool = False) -> Tensor | tuple[Tensor, AttentionMaps]:
        """As `forward`; written out so that type checkers know both answers."""
        answer: Tensor | tuple[Tensor, AttentionMaps] = super().__call__(image, need_attention)
        return answer

    def forward(self, image: Tensor, need_attention: bool = False) -> Tensor | tuple[Tensor, AttentionMaps]:
        """Class logits at a quarter of the size; with ``need_attention`` also the maps."""
        logits, maps = self.read_experts(self.encoder(image), need_attention)
        return logits if maps is None else (logits, maps)

    def read_experts(
        self,
        features: Tensor,
        need_attention: bool = False,
        expert_gains: Tensor | None = None,
        experts: Tensor | None = None,
    ) -> tuple[Tensor, AttentionMaps | None]:
        """Everything after the encoder: features [B, D, h, w] to logits [B, C, h, w].

        Args:
            features: from the encoder.
            need_attention: whether to compute the maps.
            expert_gains: see `ExpertSegmentation`.
            experts: [B, K, D]; None for those that looked at these features.
        """
        h, w = features.shape[-2:]
        tokens = features.flatten(2).transpose(1, 2)  # [B, N, D]
        look: Any = None
        if experts is None or need_attention:
            looked, look = self.latent_attn(tokens, need_attention)
            experts = looked if experts is None else experts
        logits, mix = self.expert_seg(tokens, experts, need_attention, expert_gains)
        logits = logits.transpose(1, 2).unflatten(2, (h, w))  # [B, C, h, w]
        if look is None or mix is None:
            return logits, None
        # both [B, heads, K, h, w]
        maps = AttentionMaps(look.unflatten(3, (h, w)), mix.transpose(2, 3).unflatten(3, (h, w)))
        return logits, maps
