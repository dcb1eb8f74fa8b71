"""DeepLabV3+: convolutions with holes see far without pooling; a small decoder brings edges back.

Chen, Zhu, Papandreou, Schroff and Adam, "Encoder-Decoder with Atrous Separable Convolution for
Semantic Image Segmentation", ECCV 2018, arXiv:1802.02611; ASPP with image pooling as in
"Rethinking Atrous Convolution", arXiv:1706.05587. Shapes: B images, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from model.networks.backbone import upsample_to
from model.zoo.spellings import also_reads


class AtrousConv(nn.Module):
    """Convolution with holes, batch normalisation and ReLU; the size stays.

    Shape:
        - input: [B, in_channels, h, w]
        - output: [B, out_channels, h, w]
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 3, dilation: int = 2) -> None:
        super().__init__()
        padding = (kernel_size + (kernel_size - 1) * (dilation - 1) - 1) // 2
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, padding=padding, dilation=dilation, bias=False
        )
        self.bn = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """The map, seen with holes."""
        out: Tensor = self.relu(self.bn(self.conv(x)))
        return out


def _conv_norm(in_channels: int, out_channels: int, *, kernel_size: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    ]


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: the same map at several reaches, and its mean.

    Args:
        in_channels: of the map.
        out_channels: of every branch, and of the answer.
        dilations: of the 3x3 branches.

    Shape:
        - input: [B, in_channels, h, w]
        - output: [B, out_channels, h, w]
    """

    def __init__(
        self, in_channels: int, out_channels: int = 256, dilations: Sequence[int] = (6, 12, 18)
    ) -> None:
        super().__init__()
        branches: list[nn.Module] = [nn.Sequential(*_conv_norm(in_channels, out_channels))]
        branches += [AtrousConv(in_channels, out_channels, 3, dilation) for dilation in dilations]
        branches.append(nn.Sequential(nn.AdaptiveAvgPool2d(1), *_conv_norm(in_channels, out_channels)))
        self.convs = nn.ModuleList(branches)
        joined = out_channels * len(branches)
        self.project = nn.Sequential(*_conv_norm(joined, out_channels), nn.Dropout(0.5))
        also_reads(
            self,
            {
                r"^(convs\.\d+)\.0\.": r"\1.conv.",
                r"^(convs\.\d+)\.1\.": r"\1.bn.",
                r"^(convs\.\d+)\.conv\.": r"\1.0.",
                r"^(convs\.\d+)\.bn\.": r"\1.1.",
            },
        )

    def branches(self, x: Tensor) -> list[Tensor]:
        """What every branch answers, all at the size of ``x``, [B, out_channels, h, w]."""
        pooled = self.convs[-1](x)  # [B, out_channels, 1, 1]
        return [branch(x) for branch in self.convs[:-1]] + [upsample_to(pooled, x)]

    def forward(self, x: Tensor) -> Tensor:
        """All branches, joined."""
        out: Tensor = self.project(torch.cat(self.branches(x), dim=1))
        return out


class DeepLabV3Plus(nn.Module):
    """ASPP on the backbone's last map; its answer is sharpened by an early one.

    Args:
        backbone: image -> (map at stride 4 with ``low_level_channels``, last map).
        num_classes: C.
        low_level_channels: of the early map.
        aspp_out_channels: of ASPP and of the decoder.
        high_level_channels: of the last map; the source has the 2,048 of a ResNet.
        dilations: of ASPP.

    Shape:
        - input: [B, 3, H, W]
        - output: logits [B, C, H, W]
    """

    def __init__(
        self,
        backbone: nn.Module,
        num_classes: int,
        low_level_channels: int = 256,
        aspp_out_channels: int = 256,
        *,
        high_level_channels: int = 2048,
        dilations: Sequence[int] = (6, 12, 18),
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.aspp = ASPP(high_level_channels, aspp_out_channels, dilations)
        self.low_level_conv = nn.Sequential(*_conv_norm(low_level_channels, 48))
        self.decoder = nn.Sequential(
            *_conv_norm(aspp_out_channels + 48, 256, kernel_size=3),
            *_conv_norm(256, 256, kernel_size=3),
            nn.Conv2d(256, num_classes, 1),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Class logits of ``image``."""
        low, high = self.backbone(image)
        low = self.low_level_conv(low)  # [B, 48, H/4, W/4]
        x = upsample_to(self.aspp(high), low)
        return upsample_to(self.decoder(torch.cat((x, low), dim=1)), image)
