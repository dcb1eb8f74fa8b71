"""The class head of a fine-tuned network: from every stride of the backbone, and from hand-made filters.

Two paths are added up. The *pixel path* judges every pixel by itself, from all levels at that place:
it learns from a handful of pixels within a second, as a forest would. The *context path* goes from
coarse to fine through 3x3 convolutions and ends at full resolution, for lines of one or two pixels;
it needs ten seconds and does better alone, for beside a pixel path that knows every training pixel
by heart there is nothing left to learn.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.backbone import Encoded, upsample_to
from model.networks.class_head import with_rows
from model.networks.filters import COLOURS
from model.networks.separation import SeparationHead

LEVEL_DROPOUT: Final = (0.5, 0.3, 0.1, 0.3, 0.3)
"""How often, while learning, a level is left out; coarse to fine. Colours and filters, too: stains differ."""


@dataclass(frozen=True, slots=True)
class Levels:
    """What a pixel is known by, coarse to fine; every map covers the same, padded picture.

    Attributes:
        deep: [B, C, H/16, W/16].
        mid: [B, C, H/8, W/8].
        tokens: [B, D, H/4, W/4], with the experts' answers.
        detail: [B, C, H/2, W/2].
        fine: [B, NUM_FILTERS, H, W].
        votes: class logits that the experts who are asked vote for, [B, C, H/4, W/4]; None where they do not.
        encoded: what the encoder makes of the picture, for a probe; None where there is none.
        decided: how far places have chosen among experts, 1 for as far as usual, [B, 1, H/4, W/4]; None where that
            is all the same.
    """

    deep: Tensor
    mid: Tensor
    tokens: Tensor
    detail: Tensor
    fine: Tensor
    votes: Tensor | None = None
    encoded: Encoded | None = None
    decided: Tensor | None = None

    @classmethod
    def of(cls, maps: Iterable[Tensor], *, encoded: Encoded | None = None) -> Levels:
        """From `maps`, which are as yet without the experts' answers."""
        deep, mid, tokens, detail, fine = maps
        return cls(deep, mid, tokens, detail, fine, encoded=encoded)

    @property
    def maps(self) -> tuple[Tensor, ...]:
        """All that the detail head reads, coarse to fine."""
        return self.deep, self.mid, self.tokens, self.detail, self.fine

    def as_decided(self, logits: Tensor) -> Tensor:
        """What a path says of the classes, [B, C, H, W], as loudly as places have chosen among experts."""
        return logits if self.decided is None else logits * upsample_to(self.decided, logits).to(logits.dtype)


def standardised(maps: Sequence[Tensor], means: Tensor, scales: Tensor, dtype: torch.dtype) -> list[Tensor]:
    """Maps with mean 0 and deviation 1.

    Args:
        maps: of levels, coarse to fine.
        means: of all their channels, [sum(dims)].
        scales: one over the deviations, likewise.
        dtype: of the result.
    """
    dims = [level.shape[1] for level in maps]
    apart, wide = (
        [part[:, None, None] for part in torch.split(each.float(), dims)]  # [dim, 1, 1]
        for each in (means, scales)
    )
    return [
        torch.addcmul(-mean * scale, level.float(), scale)
        .to(dtype)
        .contiguous(memory_format=torch.channels_last)
        for level, mean, scale in zip(maps, apart, wide, strict=True)
    ]


class PixelPath(nn.Module):
    """A two-layer perceptron on all levels at one pixel.

    The first layer is linear, so on whole pictures each level is projected at its own stride and
    only the sum is enlarged.

    Args:
        dims: channels of the levels, coarse to fine.
        width: of the hidden layers.
        num_classes: C.
        separates: whether it reads the depth of pixels in objects, too.

    Shape:
        - input: [N, sum(dims)]
        - output: [N, R], classes, then depth where it reads that
    """

    def __init__(self, *, dims: Sequence[int], width: int, num_classes: int, separates: bool = False) -> None:
        super().__init__()
        self.dims = list(dims)
        self.first = nn.Linear(sum(dims), width)
        self.second = nn.Linear(width, width)
        self.last = nn.Linear(width, num_classes)
        self.depth = nn.Linear(width, 1) if separates else None
        self.silence()

    @property
    def is_silent(self) -> bool:
        """Whether it answers 0 everywhere; a graph that is exported computes the zeros instead of looking for them."""
        if torch.compiler.is_exporting():
            return False
        return not any(bool(part.any()) for part in self.readout)

    def silence(self) -> None:
        """Answer 0 everywhere from now on."""
        for layer in (self.last, self.depth):
            if layer is not None:
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)

    @property
    def readout(self) -> tuple[Tensor, Tensor]:
        """Weight [R, width] and bias [R] of the last layer: a row a class, then one for depth where it has one."""
        if self.depth is None:
            return self.last.weight, self.last.bias
        return torch.cat((self.last.weight, self.depth.weight)), torch.cat((self.last.bias, self.depth.bias))

    def forward(self, features: Tensor) -> Tensor:
        """Standardised features [N, sum(dims)] -> logits [N, R]: classes, then depth where it has it."""
        return F.linear(self.hidden(features), *self.readout)

    def hidden(self, features: Tensor) -> Tensor:
        """Standardised features [N, sum(dims)] -> what logits are read from, [N, width]."""
        return F.relu(self.second(F.relu(self.first(features))))

    def on_maps(self, maps: Sequence[Tensor]) -> Tensor:
        """Standardised maps, coarse to fine -> logits [B, R, H, W], as of `forward`."""
        parts = torch.split(self.first.weight, self.dims, dim=1)
        total = F.conv2d(maps[0], parts[0][..., None, None], self.first.bias)
        for level, part in zip(maps[1:], parts[1:], strict=True):
            total = upsample_to(total, level).add_(F.conv2d(level, part[..., None, None]))
        total = F.relu(total, inplace=True)
        hidden = F.relu(F.conv2d(total, self.second.weight[..., None, None], self.second.bias), inplace=True)
        weight, bias = self.readout
        return F.conv2d(hidden, weight[..., None, None], bias)


class ContextPath(nn.Module):
    """Coarse to fine: at every stride the level joins what comes from below, then a 3x3 convolution.

    No normalisation layer: inputs are standardised, and statistics of one crop would mislead.

    Args:
        dims: channels of the levels, coarse to fine.
        widths: own channels, coarse to fine.
        num_classes: C.

    Shape:
        - input: maps [B, dims[i], H / s, W / s] for strides s of 16, 8, 4, 2, 1
        - output: [B, C, H, W]
    """

    def __init__(self, *, dims: Sequence[int], widths: Sequence[int], num_classes: int) -> None:
        super().__init__()
        self.joins = nn.ModuleList(nn.Conv2d(dim, width, 1) for dim, width in zip(dims, widths, strict=True))
        pairs = itertools.pairwise(widths)
        self.downs = nn.ModuleList(nn.Conv2d(before, after, 1, bias=False) for before, after in pairs)
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for width in widths)
        self.finish = nn.Conv2d(widths[-1], widths[-1], 3, padding=1)
        self.last = nn.Conv2d(widths[-1], num_classes, 1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Standardised maps, coarse to fine -> logits [B, num_classes, H, W]."""
        logits: Tensor = self.last(self.features(maps))
        return logits

    def features(self, maps: Sequence[Tensor]) -> Tensor:
        """Standardised maps, coarse to fine -> what the logits are read from, [B, widths[-1], H, W]."""
        x = F.relu(self.joins[0](maps[0]), inplace=True)
        x = x + F.relu(self.convs[0](x), inplace=True)
        for level, join, down, conv in zip(maps[1:], self.joins[1:], self.downs, self.convs[1:], strict=True):
            x = F.relu(join(level) + upsample_to(down(x), level), inplace=True)
            x = x + F.relu(conv(x), inplace=True)
        features: Tensor = x + F.relu(self.finish(x), inplace=True)
        return features


class DetailHead(nn.Module):
    """Pixel path plus context path on standardised levels.

    Args:
        dims: channels of the levels, coarse to fine.
        pixel_width: width of the pixel path.
        context_widths: widths of the context path, coarse to fine.
        num_classes: C.
        separates: whether it reads the depth of pixels in objects, too.

    Attributes:
        omission: factor on `LEVEL_DROPOUT`, 0..1.
    """

    def __init__(
        self,
        *,
        dims: Sequence[int],
        pixel_width: int,
        context_widths: Sequence[int],
        num_classes: int,
        separates: bool = False,
    ) -> None:
        super().__init__()
        self.dims = list(dims)
        self.omission = 1.0
        self.pixel = PixelPath(dims=dims, width=pixel_width, num_classes=num_classes, separates=separates)
        self.context = ContextPath(dims=dims, widths=context_widths, num_classes=num_classes)
        self.separation = SeparationHead(context_widths[-1]) if separates else None
        self.register_buffer("means", torch.zeros(sum(dims)))
        self.register_buffer("scales", torch.ones(sum(dims)))
        self.means: Tensor
        self.scales: Tensor

    @property
    def is_fresh(self) -> bool:
        """Whether it was never taught."""
        return self.pixel.is_silent and not bool(self.context.last.weight.any())

    def with_separation(self) -> Self:
        """Copy that reads depth as well; for now it says the same everywhere."""
        made = copy.deepcopy(self)
        if made.separation is None:
            made.separation = SeparationHead(self.context.last.in_channels)
            made.pixel.depth = nn.Linear(self.pixel.last.in_features, 1)
            nn.init.zeros_(made.pixel.depth.weight)
            nn.init.zeros_(made.pixel.depth.bias)
            made.to(self.means.device, self.pixel.last.weight.dtype)
        return made

    def with_classes(self, kept: Sequence[int | None]) -> Self:
        """Copy with other classes: entry i names the old class that new class i keeps, None for a new one."""
        made = copy.deepcopy(self)
        made.pixel.last = with_rows(self.pixel.last, kept, are_silent=True)
        made.context.last = with_rows(self.context.last, kept, are_silent=True)
        return made

    def standardise(self, levels: Levels) -> list[Tensor]:
        """Levels with mean 0 and deviation 1 over the pictures that the head was made for."""
        dtype, kind = self.pixel.first.weight.dtype, self.means.device.type
        if torch.is_autocast_enabled(kind):  # at once what the convolutions would make of it
            dtype = torch.get_autocast_dtype(kind)
        return standardised(levels.maps, self.means, self.scales, dtype)

    def colours(self, fine: Tensor) -> Tensor:
        """Colours as `standardise` has them.

        Args:
            fine: responses of the filter bank, [B, NUM_FILTERS, H, W].

        Returns:
            float32 [B, 3, H, W].
        """
        means, scales = (part[-self.dims[-1] :][COLOURS] for part in (self.means, self.scales))
        return (fine[:, COLOURS].float() - means[:, None, None]) * scales[:, None, None]

    def mask(self, like: Tensor, level: int) -> Tensor:
        """0 for the samples of a batch that must do without a level, else 1; [B, 1, ...].

        A few pictures are told apart too easily by their coarse features.
        """
        rate = LEVEL_DROPOUT[level] * self.omission
        shape = (len(like), *(1 for _ in like.shape[1:]))
        return (torch.rand(shape, device=like.device) >= rate).to(like.dtype)

    def on_pixels(self, features: Tensor) -> Tensor:
        """The pixel path on standardised features [N, sum(dims)], coarse to fine -> logits as `PixelPath` has them."""
        if self.training:
            parts = torch.split(features, self.dims, dim=1)
            features = torch.cat([part * self.mask(part, index) for index, part in enumerate(parts)], 1)
        logits: Tensor = self.pixel(features)
        return logits

    def forward(self, levels: Levels) -> Tensor:
        """Levels -> logits [B, num_classes, H, W]."""
        return self.with_depth(levels)[0]

    def with_depth(self, levels: Levels) -> tuple[Tensor, Tensor | None]:
        """Levels -> logits [B, num_classes, H, W], and logits of depth [B, 1, H, W] where it separates objects."""
        maps = self.standardise(levels)
        if self.training:
            maps = [level * self.mask(level, index) for index, level in enumerate(maps)]
        logits = self.from_context(maps, levels)
        if not self.pixel.is_silent:
            logits = logits + self.pixel.on_maps(maps)
        logits, size = logits.float(), self.context.last.out_channels
        return logits[:, :size], None if self.separation is None else logits[:, size:]

    def from_context(self, maps: Sequence[Tensor], levels: Levels) -> Tensor:
        """What the context path says of standardised maps of ``levels``: logits [B, R, H, W], as of `PixelPath`."""
        features = self.context.features(maps)
        logits = levels.as_decided(self.context.last(features))
        return logits if self.separation is None else torch.cat((logits, self.separation(features)), dim=1)
