"""U-Net and Attention U-Net: an encoder, and a decoder that gets the encoder's maps handed across.

Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation",
MICCAI 2015, arXiv:1505.04597; Oktay and others, "Attention U-Net: Learning Where to Look for the
Pancreas", 2018, arXiv:1804.03999. Both with padded convolutions and batch normalisation, as usual today.
Shapes: B images, C classes, H and W their size, f channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.backbone import upsample_to
from model.zoo.spellings import also_reads

FEATURES: Final = (64, 128, 256, 512, 1024)


class DoubleConv(nn.Module):
    """Twice a 3x3 convolution, batch normalisation and ReLU.

    Shape:
        - input: [B, in_channels, h, w]
        - output: [B, out_channels, h, w]
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (in_channels, out_channels):
            layers += [
                nn.Conv2d(channels, out_channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(out_channels),
                nn.ReLU(inplace=True),
            ]
        self.double_conv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """The same map with other channels."""
        out: Tensor = self.double_conv(x)
        return out


def like(x: Tensor, skip: Tensor) -> Tensor:
    """``x`` at the size of ``skip``: pooling rounds down, so it can be a row or column short."""
    return x if x.shape[-2:] == skip.shape[-2:] else upsample_to(x, skip)


class UNet(nn.Module):
    """U-Net.

    Args:
        in_channels: of the image.
        num_classes: C.
        features: channels at strides 1, 2, 4, ...; the last is the bottleneck.

    Shape:
        - input: [B, in_channels, H, W], H and W at least 2 ** (len(features) - 1)
        - output: logits [B, C, H, W]
    """

    def __init__(
        self, in_channels: int = 3, num_classes: int = 2, features: Sequence[int] = FEATURES
    ) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(DoubleConv(i, o) for i, o in pairwise((in_channels, *features)))
        self.pool = nn.MaxPool2d(2, 2)
        self.decoder = nn.ModuleList()
        for deep, f in pairwise(reversed(features)):
            self.decoder += [nn.ConvTranspose2d(deep, f, 2, stride=2), DoubleConv(2 * f, f)]
        self.final_conv = nn.Conv2d(features[0], num_classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Class logits of ``image``."""
        skips = [self.encoder[0](image)]
        for block in self.encoder[1:]:
            skips.append(block(self.pool(skips[-1])))
        x = skips.pop()  # [B, features[-1], h, w]
        for up, block in zip(self.decoder[0::2], self.decoder[1::2], strict=True):
            skip = skips.pop()
            x = block(torch.cat((skip, like(up(x), skip)), dim=1))  # [B, f, ...]
        logits: Tensor = self.final_conv(x)
        return logits


class AttentionGate(nn.Module):
    """Decides for every place how much of the encoder's map passes, from what the decoder knows.

    Shape:
        - input: g [B, g_channels, h, w], x [B, x_channels, h, w]
        - output: x times a gate in 0..1, [B, x_channels, h, w]
    """

    def __init__(self, g_channels: int, x_channels: int, inter_channels: int) -> None:
        super().__init__()
        self.W_g = nn.Conv2d(g_channels, inter_channels, 1, bias=False)
        self.W_x = nn.Conv2d(x_channels, inter_channels, 1, bias=False)
        self.psi = nn.Sequential(nn.Conv2d(inter_channels, 1, 1, bias=False), nn.Sigmoid())
        also_reads(self, {r"^psi\.weight$": "psi.0.weight"})

    def gate(self, g: Tensor, x: Tensor) -> Tensor:
        """How much passes, 0..1, [B, 1, h, w]."""
        gate: Tensor = self.psi(F.relu(self.W_g(g) + self.W_x(x)))
        return gate

    def forward(self, g: Tensor, x: Tensor) -> Tensor:
        """What of ``x`` passes."""
        return x * self.gate(g, x)


class AttentionUNet(nn.Module):
    """U-Net whose skips pass through attention gates.

    Args:
        in_channels: of the image.
        num_classes: C.
        features: channels at strides 1, 2, 4, 8, 16; the source has 64 to 1,024.

    Shape:
        - input: [B, in_channels, H, W], H and W at least 16
        - output: logits [B, C, H, W]
    """

    def __init__(
        self, in_channels: int = 3, num_classes: int = 2, *, features: Sequence[int] = FEATURES
    ) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(DoubleConv(i, o) for i, o in pairwise((in_channels, *features)))
        self.pool = nn.MaxPool2d(2, 2)
        for number, (f, deep) in reversed(list(enumerate(pairwise(features), start=1))):
            self.add_module(f"upconv{number}", nn.ConvTranspose2d(deep, f, 2, stride=2))
            self.add_module(f"attn{number}", AttentionGate(f, f, f // 2))
            self.add_module(f"decoder{number}", DoubleConv(2 * f, f))
        self.final = nn.Conv2d(features[0], num_classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Class logits of ``image``."""
        logits: Tensor = self.final(self._decoded(image)[0])
        return logits

    def gates(self, image: Tensor) -> dict[int, Tensor]:
        """How much passes at strides 8, 4, 2 and 1: stride -> gate in 0..1, [B, 1, H / stride, W / stride]."""
        return self._decoded(image)[1]

    def _decoded(self, image: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        skips = [self.encoder[0](image)]
        for block in self.encoder[1:]:
            skips.append(block(self.pool(skips[-1])))
        x = skips.pop()
        gates = {}
        for number in range(len(skips), 0, -1):
            skip = skips.pop()
            g = like(self.get_submodule(f"upconv{number}")(x), skip)
            attention = self.get_submodule(f"attn{number}")
            gate = attention.gate(g, skip)  # type: ignore[operator]
            gates[2 ** (number - 1)] = gate
            x = self.get_submodule(f"decoder{number}")(torch.cat((skip * gate, g), dim=1))
        return x, gates
