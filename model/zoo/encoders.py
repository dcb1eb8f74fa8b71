"""The pretrained encoder of the default network under the networks that take a backbone.

What classification of a million photographs has taught serves them as well: a few masks have to teach the
decoder only. The tensors are those of the shipped weights; see `model.weights.catalogue`.
Shapes: B images, C classes, H and W their size, f channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from model.networks.efficientnet import EfficientNetLite, normalised, widths_of
from model.zoo.unet import DoubleConv, like

MEAN: Final = 0.45
SCALE: Final = 4.0
"""What networks without a normalisation of their own are shown: (value in 0..1 - mean) * scale."""


class PretrainedPyramid(nn.Module):
    """EfficientNet-Lite behind the input of the zoo.

    Args:
        variant: of `EfficientNetLite`.
        finest: stride of the first map, 2 or 4.

    Shape:
        - input: [B, 3, H, W], zero mean as the zoo normalises, H and W multiples of 32
        - output: maps [B, widths[i], ...] at strides ``finest`` to 32
    """

    def __init__(self, variant: str, *, finest: int = 4) -> None:
        super().__init__()
        self.encoder = EfficientNetLite(variant)
        self._first = 0 if finest == 2 else 1
        self.widths = widths_of(variant)[self._first :]

    def forward(self, image: Tensor) -> list[Tensor]:
        """The maps, fine to coarse."""
        maps: list[Tensor] = self.encoder(normalised(image / SCALE + MEAN))
        return maps[self._first :]


class EncoderUNet(nn.Module):
    """U-Net whose way down is a pretrained encoder; pixels themselves come from a double convolution beside it.

    Args:
        variant: of `EfficientNetLite`.
        num_classes: C.
        features: channels of the way up at strides 1, 2, 4, ...; at most five. The bottleneck is the encoder's
            map at the stride after the last.

    Shape:
        - input: [B, 3, H, W], H and W multiples of 32
        - output: logits [B, C, H, W]
    """

    def __init__(self, variant: str, num_classes: int, features: Sequence[int]) -> None:
        super().__init__()
        if not 1 <= len(features) <= 5:
            raise ValueError(f"the encoder has five strides; {len(features)} features do not fit them")
        self.backbone = PretrainedPyramid(variant, finest=2)
        widths = self.backbone.widths
        self.pixels = DoubleConv(3, features[0])
        skips = (features[0], *widths[: len(features) - 1])
        outs = (*features, widths[len(features) - 1])
        self.decoder = nn.ModuleList()
        for (f, below), skip in reversed(list(zip(pairwise(outs), skips, strict=True))):
            self.decoder += [nn.ConvTranspose2d(below, f, 2, stride=2), DoubleConv(f + skip, f)]
        self.final_conv = nn.Conv2d(features[0], num_classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Class logits of ``image``."""
        depth = len(self.decoder) // 2
        skips = [self.pixels(image), *self.backbone(image)[:depth]]
        x = skips.pop()
        for up, block in zip(self.decoder[0::2], self.decoder[1::2], strict=True):
            skip = skips.pop()
            x = block(torch.cat((skip, like(up(x), skip)), dim=1))  # [B, f, ...]
        logits: Tensor = self.final_conv(x)
        return logits


def encoders_in(network: nn.Module) -> list[EfficientNetLite]:
    """The pretrained encoders among the parts of a network."""
    return [part for part in network.modules() if isinstance(part, EfficientNetLite)]
