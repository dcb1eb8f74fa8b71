"""SETR: a plain transformer on patches, and a decoder that enlarges step by step.

Zheng and others, "Rethinking Semantic Segmentation from a Sequence-to-Sequence Perspective with
Transformers", CVPR 2021, arXiv:2012.15840, with progressive upsampling (SETR-PUP).
Shapes: B images, C classes, D features, N = h * w patches.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.zoo.positions import resized_positions
from model.zoo.streaming import encoded

_DECODER_WIDTH = 256


class SETR(nn.Module):
    """Transformer encoder on patches with a convolutional decoder.

    Args:
        img_size: side of the square image that positions were learned for; others interpolate them.
        patch_size: side of a patch.
        num_classes: C.
        embed_dim: D.
        depth: layers of the encoder.
        num_heads: attention heads.
        decoder_width: channels of the decoder; the source has 256.

    Shape:
        - input: [B, 3, H, W], H and W multiples of ``patch_size``
        - output: logits [B, C, H, W] (for the source's patches of 16 pixels; else 16 / patch_size as large)
    """

    def __init__(
        self,
        img_size: int = 512,
        patch_size: int = 16,
        num_classes: int = 21,
        embed_dim: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        *,
        decoder_width: int = _DECODER_WIDTH,
    ) -> None:
        super().__init__()
        side = img_size // patch_size
        self.patch_embed = nn.Conv2d(3, embed_dim, patch_size, stride=patch_size)
        self.pos_embed = nn.Parameter(torch.zeros(1, side * side, embed_dim))
        layer = nn.TransformerEncoderLayer(embed_dim, num_heads, 4 * embed_dim, dropout=0.1, batch_first=True)
        self.transformer = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.decoder = nn.Sequential(
            *_step(embed_dim, decoder_width, kernel_size=1),
            *(layer for _ in range(3) for layer in (_double(), *_step(decoder_width, decoder_width))),
            _double(),
            nn.Conv2d(decoder_width, num_classes, 1),
        )

    def tokens(self, image: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Patches with their positions, [B, N, D], and (h, w)."""
        patches = self.patch_embed(image)  # [B, D, h, w]
        h, w = patches.shape[-2:]
        # [B, h * w, D]
        return patches.flatten(2).transpose(1, 2) + resized_positions(self.pos_embed, (h, w)), (h, w)

    def forward(self, image: Tensor) -> Tensor:
        """Class logits of ``image``."""
        tokens, (h, w) = self.tokens(image)
        for layer in self.transformer.layers:
            tokens = encoded(layer, tokens)
        features = tokens.transpose(1, 2).reshape(len(image), -1, h, w)  # [B, D, h, w]
        logits: Tensor = self.decoder(features)
        return logits


def _double() -> nn.Upsample:
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)


def _step(in_channels: int, out_channels: int, *, kernel_size: int = 3) -> list[nn.Module]:
    return [
        nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    ]
