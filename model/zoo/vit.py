"""A vision transformer for segmentation: each patch answers for its own pixels.

After Dosovitskiy and others, "An Image is Worth 16x16 Words", ICLR 2021, arXiv:2010.11929, with one
linear layer from a patch's token to the logits of its pixels. The image is normalised by a batch
normalisation that is the first layer. Shapes: B images, C classes, D features, N patches, P patch side.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.zoo.positions import resized_positions
from model.zoo.streaming import attended


@dataclass(frozen=True, slots=True)
class VisionTransformerArgs:
    """Sizes of `VisionTransformerForSegmentation`.

    Attributes:
        image_size: side of the square image that positions were learned for; others interpolate them.
        patch_size: P.
        in_channels: of the image.
        out_channels: C.
        embed_size: D.
        num_blocks: transformer blocks.
        num_heads: attention heads; divides ``embed_size``.
        dropout: rate in 0..1.
    """

    image_size: int = 128
    patch_size: int = 16
    in_channels: int = 3
    out_channels: int = 3
    embed_size: int = 768
    num_blocks: int = 12
    num_heads: int = 8
    dropout: float = 0.2


class ImageToPatches(nn.Module):
    """[B, channels, H, W] -> patches as rows, [B, N, channels * P * P]."""

    def __init__(self, patch_size: int) -> None:
        super().__init__()
        self.patch_size = patch_size

    def forward(self, image: Tensor) -> Tensor:
        """The patches of ``image``, row by row; within one, channel by channel."""
        columns = F.unfold(image, self.patch_size, stride=self.patch_size)  # [B, channels * P * P, N]
        return columns.transpose(1, 2)  # [B, N, channels * P * P]


class PatchEmbedding(nn.Module):
    """One linear layer from a patch's numbers to its token."""

    def __init__(self, in_features: int, embed_size: int) -> None:
        super().__init__()
        self.embed_layer = nn.Linear(in_features, embed_size)

    def forward(self, patches: Tensor) -> Tensor:
        """[B, N, in_features] -> [B, N, D]."""
        tokens: Tensor = self.embed_layer(patches)
        return tokens


class VisionTransformerInput(nn.Module):
    """Patches, embedded, with a learned position added.

    Shape:
        - input: [B, in_channels, H, W], H and W multiples of P
        - output: [B, N, D]
    """

    def __init__(self, image_size: int, patch_size: int, in_channels: int, embed_size: int) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.i2p = ImageToPatches(patch_size)
        self.pe = PatchEmbedding(patch_size * patch_size * in_channels, embed_size)
        self.position_embed = nn.Parameter(torch.randn((image_size // patch_size) ** 2, embed_size))

    def forward(self, image: Tensor) -> Tensor:
        """The tokens of ``image``."""
        size = (image.shape[-2] // self.patch_size, image.shape[-1] // self.patch_size)
        tokens: Tensor = self.pe(self.i2p(image))
        return tokens + resized_positions(self.position_embed[None], size)


class MultiLayerPerceptron(nn.Module):
    """Linear to four times the width, GELU, Linear back, dropout."""

    def __init__(self, embed_size: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(embed_size, embed_size * 4),
            nn.GELU(),
            nn.Linear(embed_size * 4, embed_size),
            nn.Dropout(dropout),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, N, D] -> [B, N, D]."""
        out: Tensor = self.layers(tokens)
        return out


class SelfAttentionEncoderBlock(nn.Module):
    """Attention among patches, then a perceptron, each normed before and added to its input."""

    def __init__(self, embed_size: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(embed_size)
        self.mha = nn.MultiheadAttention(embed_size, num_heads, dropout=dropout, batch_first=True)
        self.ln2 = nn.LayerNorm(embed_size)
        self.mlp = MultiLayerPerceptron(embed_size, dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, N, D] -> [B, N, D]."""
        normed = self.ln1(tokens)
        tokens = tokens + attended(self.mha, normed, normed)
        out: Tensor = tokens + self.mlp(self.ln2(tokens))
        return out


class OutputProjection(nn.Module):
    """One linear layer, shared by all patches, to the logits of the patch's pixels."""

    def __init__(self, patch_size: int, embed_size: int, out_channels: int) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.projection = nn.Linear(embed_size, patch_size * patch_size * out_channels)

    def forward(self, tokens: Tensor, size: tuple[int, int]) -> Tensor:
        """[B, N, D] and the image's (H, W) -> [B, C, H, W]."""
        columns = self.projection(tokens).transpose(1, 2)  # [B, C * P * P, N]
        return F.fold(columns, size, self.patch_size, stride=self.patch_size)


class VisionTransformerForSegmentation(nn.Module):
    """Batch normalisation, patches, transformer blocks, pixels.

    Shape:
        - input: [B, in_channels, H, W] in 0..1, H and W multiples of P
        - output: logits [B, C, H, W]
    """

    def __init__(self, args: VisionTransformerArgs | None = None) -> None:
        super().__init__()
        self.args = args = args or VisionTransformerArgs()
        self.layers = nn.ModuleList(
            (
                nn.BatchNorm2d(args.in_channels),
                VisionTransformerInput(args.image_size, args.patch_size, args.in_channels, args.embed_size),
                nn.Sequential(
                    *(
                        SelfAttentionEncoderBlock(args.embed_size, args.num_heads, args.dropout)
                        for _ in range(args.num_blocks)
                    )
                ),
                OutputProjection(args.patch_size, args.embed_size, args.out_channels),
            )
        )

    def tokens(self, image: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Patches with their positions, [B, N, D], and (h, w)."""
        norm, embed = self.layers[0], self.layers[1]
        size = (image.shape[-2] // self.args.patch_size, image.shape[-1] // self.args.patch_size)
        return embed(norm(image)), size

    def forward(self, image: Tensor) -> Tensor:
        """Class logits of ``image``."""
        tokens, _ = self.tokens(image)
        blocks, project = self.layers[2], self.layers[3]
        logits: Tensor = project(blocks(tokens), (image.shape[-2], image.shape[-1]))
        return logits
