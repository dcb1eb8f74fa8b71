"""The encoders of the default network, each with a top-down path.

`Backbone` is made of plain residual convolutions and learns from nothing; `LiteBackbone` begins from what a
pretrained EfficientNet-Lite knows, at half the time in float32 and less in bfloat16. GroupNorm keeps
fine-tuning on two pictures safe and costs about 5 % of a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.config import NetworkConfig
from model.networks.efficientnet import EfficientNetLite, normalised, widths_of

GROUP = 16
STRIDE = 32
LOWER_BLOCKS = 5
"""Of a pretrained encoder: up to stride 8."""


def norm(channels: int) -> nn.GroupNorm:
    """GroupNorm with groups of 16 channels (fewer when the width does not divide)."""
    group = GROUP if channels % GROUP == 0 else 8 if channels % 8 == 0 else channels
    return nn.GroupNorm(channels // group, channels)


class ConvNorm(nn.Module):
    """Convolution 3x3 (or 1x1), GroupNorm, ReLU."""

    def __init__(self, channels: int, out: int, *, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.norm = norm(out)

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, h, w] -> [B, out, h / stride, w / stride]."""
        return F.relu(self.norm(self.conv(x)), inplace=True)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions round a shortcut; starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = norm(channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, h, w] -> [B, C, h, w]."""
        return F.relu(x + self.norm(self.conv(self.first(x))))


def upsample_to(x: Tensor, like: Tensor) -> Tensor:
    """Bilinear to the height and width of ``like``."""
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


@dataclass(frozen=True, slots=True)
class Encoded:
    """What the encoder makes of an image before anything is joined, as far as pixels can be told apart by it.

    Attributes:
        half: [B, C, H/2, W/2].
        quarter: [B, C, H/4, W/4].
        eighth: [B, C, H/8, W/8].
        sixteenth: [B, C, H/16, W/16].
        coarsest: [B, C, H/32, W/32].
    """

    half: Tensor
    quarter: Tensor
    eighth: Tensor
    sixteenth: Tensor
    coarsest: Tensor

    @property
    def maps(self) -> tuple[Tensor, ...]:
        """All of them, coarse to fine."""
        return self.coarsest, self.sixteenth, self.eighth, self.quarter, self.half


@dataclass(frozen=True, slots=True)
class Pyramid:
    """Features of an image, padded to multiples of 32.

    Attributes:
        detail: [B, widths[0], H/2, W/2], sees 9 pixels; each position knows its 2x2 pixels.
        tokens: [B, D, H/4, W/4].
        mid: [B, path_widths[0], H/8, W/8].
        deep: [B, path_widths[1], H/16, W/16].
        top: [B, widths[4], H/32, W/32].
        encoded: what these were joined from.
    """

    detail: Tensor
    tokens: Tensor
    mid: Tensor
    deep: Tensor
    top: Tensor
    encoded: Encoded


class Normalise(nn.Module):
    """RGB in 0..1 to zero mean and about unit variance, and back.

    Shape:
        - input and output: [B, 3, H, W]

    The mean is kept in hundredths, as whole numbers: a network that is moved to bfloat16 takes its buffers along,
    and a mean of 0.48 would be rounded before it is subtracted from an image in float32.
    """

    def __init__(self) -> None:
        super().__init__()
        mean = torch.tensor((48, 46, 41)).view(1, 3, 1, 1)  # [1, 3, 1, 1]
        self.register_buffer("hundredths", mean, persistent=False)
        self.register_buffer("scale", torch.tensor(4), persistent=False)
        self.hundredths: Tensor
        self.scale: Tensor

    def mean(self, like: Tensor) -> Tensor:
        """Of images in 0..1, in the number format of ``like``, [1, 3, 1, 1]."""
        return self.hundredths.to(like.dtype) / 100

    def forward(self, image: Tensor) -> Tensor:
        """RGB in 0..1 -> normalised."""
        return (image - self.mean(image)) * self.scale

    def undone(self, image: Tensor) -> Tensor:
        """Normalised -> RGB in 0..1."""
        return image / self.scale + self.mean(image)


class Backbone(nn.Module):
    """Image to `Pyramid`.

    Args:
        feature_dim: width of the tokens.
        widths: channels at strides 2, 4, 8, 16, 32.
        depths: residual blocks at strides 4, 8, 16, 32.
        path_widths: channels of the top-down path at strides 8 and 16.

    Attributes:
        encoded_widths: channels of `Pyramid.encoded`, coarse to fine.
    """

    def __init__(
        self,
        *,
        feature_dim: int,
        widths: tuple[int, ...],
        depths: tuple[int, ...],
        path_widths: tuple[int, int],
    ) -> None:
        super().__init__()
        self.encoded_widths = tuple(reversed(widths))
        self.stem = nn.Sequential(ConvNorm(12, widths[0]), ConvNorm(widths[0], widths[0]))
        self.stages = nn.ModuleList(
            nn.Sequential(ConvNorm(before, width, stride=2), *(ResidualBlock(width) for _ in range(depth)))
            for before, width, depth in zip(widths[:-1], widths[1:], depths, strict=True)
        )
        path = (feature_dim, *path_widths)
        self.laterals = nn.ModuleList(nn.Conv2d(w, p, 1) for w, p in zip(widths[1:4], path, strict=True))
        self.downs = nn.ModuleList(
            nn.Conv2d(w, p, 1) for w, p in zip((*path_widths, widths[4]), path, strict=True)
        )
        self.fuses = nn.ModuleList(ConvNorm(p, p) for p in path)

    def lower_half(self) -> tuple[nn.Module, ...]:
        """What sees edges and textures, as good for one kind of image as for another."""
        return self.stem, self.stages[0], self.stages[1]

    def pretrained(self) -> tuple[nn.Module, ...]:
        """What knew something before: nothing."""
        return ()

    def forward(self, image: Tensor) -> Pyramid:
        """Normalised image [B, 3, H, W], H and W multiples of 32 -> features."""
        detail = self.stem(F.pixel_unshuffle(image, 2))  # [B, widths[0], H/2, W/2]
        levels = []
        x = detail
        for stage in self.stages:
            x = stage(x)
            levels.append(x)  # strides 4, 8, 16, 32
        path = [levels[3]]
        for i in (2, 1, 0):
            lateral = self.laterals[i](levels[i])
            x = lateral + upsample_to(self.downs[i](path[-1]), lateral)
            path.append(self.fuses[i](F.relu(x, inplace=True)))
        encoded = Encoded(detail, *levels)
        return Pyramid(detail=detail, tokens=path[3], mid=path[2], deep=path[1], top=path[0], encoded=encoded)


class LiteBackbone(nn.Module):
    """Image to `Pyramid` through a pretrained encoder.

    The encoder's own stride 2 is thin; detail comes from a stem of our own beside it.

    Args:
        encoder: variant of `EfficientNetLite`.
        feature_dim: width of the tokens.
        detail_dim: channels at stride 2.
        path_widths: channels of the top-down path at strides 8 and 16.

    Attributes:
        encoded_widths: channels of `Pyramid.encoded`, coarse to fine.
    """

    def __init__(
        self, *, encoder: str, feature_dim: int, detail_dim: int, path_widths: tuple[int, int]
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(ConvNorm(12, detail_dim), ConvNorm(detail_dim, detail_dim))
        self.encoder = EfficientNetLite(encoder)
        widths = self.encoder.widths
        self.encoded_widths = tuple(reversed(widths))
        path = (feature_dim, *path_widths)
        self.from_detail = nn.Conv2d(detail_dim, feature_dim, 3, stride=2, padding=1, bias=False)
        self.laterals = nn.ModuleList(nn.Conv2d(w, p, 1) for w, p in zip(widths[1:4], path, strict=True))
        self.downs = nn.ModuleList(
            nn.Conv2d(w, p, 1) for w, p in zip((*path_widths, widths[4]), path, strict=True)
        )
        self.fuses = nn.ModuleList(ConvNorm(p, p) for p in path)
        self.normalise = Normalise()

    def lower_half(self) -> tuple[nn.Module, ...]:
        """What sees edges and textures, as good for one kind of image as for another."""
        return self.stem, self.encoder.stem, *self.encoder.blocks[:LOWER_BLOCKS]

    def pretrained(self) -> tuple[nn.Module, ...]:
        """What knew something before."""
        return (self.encoder,)

    def published_range(self, image: Tensor) -> Tensor:
        """A normalised image as pretrained encoders want it."""
        return normalised(self.normalise.undone(image))

    def forward(self, image: Tensor) -> Pyramid:
        """Normalised image [B, 3, H, W], H and W multiples of 32 -> features."""
        detail = self.stem(F.pixel_unshuffle(image, 2))  # [B, C, H/2, W/2]
        half, *levels = self.encoder(self.published_range(image))  # strides 2 and 4, 8, 16, 32
        path = [levels[3]]
        for i in (2, 1, 0):
            x = self.laterals[i](levels[i])
            x = x + upsample_to(self.downs[i](path[-1]), x)
            if i == 0:
                x = x + self.from_detail(detail)
            path.append(self.fuses[i](F.relu(x, inplace=True)))
        encoded = Encoded(half, *levels)
        return Pyramid(detail=detail, tokens=path[3], mid=path[2], deep=path[1], top=path[0], encoded=encoded)


def backbone_of(config: NetworkConfig) -> Backbone | LiteBackbone:
    """The backbone that a configuration asks for.

    Raises:
        ValueError: its widths are not those of the pretrained encoder.
    """
    if config.encoder == "residual":
        return Backbone(
            feature_dim=config.feature_dim,
            widths=config.widths,
            depths=config.depths,
            path_widths=config.path_widths,
        )
    if tuple(config.widths[1:]) != widths_of(config.encoder)[1:]:
        raise ValueError(f'the encoder "{config.encoder}" has other widths than {config.widths[1:]}')
    return LiteBackbone(
        encoder=config.encoder,
        feature_dim=config.feature_dim,
        detail_dim=config.widths[0],
        path_widths=config.path_widths,
    )


def pad_to_stride(image: Tensor, stride: int = STRIDE) -> Tensor:
    """Repeat the last row and column until height and width are multiples of ``stride``."""
    height, width = image.shape[-2:]
    bottom, right = -height % stride, -width % stride
    if not bottom and not right:
        return image
    return F.pad(image, (0, right, 0, bottom), mode="replicate")
