"""What single pixels look like to the encoder, read without any regard to their surroundings in the labels.

Half of what it is given is left out while it learns, at random. So it knows three pictures less by heart than
whoever sees shapes, errs elsewhere, and both together are right more often than either.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Final, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.backbone import Encoded, Pyramid
from model.networks.class_head import with_rows
from model.networks.detail_head import PixelPath

OMITTED: Final = 0.5
"""Share of the features that are left out of a pixel while it learns."""

COARSEST_OMITTED: Final = 0.5
"""How often the coarsest map is left out as a whole: what it knows of a scene tells which picture it is."""

CHOICES: Final = 64
"""So many choices of what is left out are drawn for a batch of pixels; one for each would take half of the time."""


class Probe(nn.Module):
    """A perceptron on what the encoder and hand-made filters make of one pixel.

    Args:
        dims: channels of the maps, coarse to fine.
        width: of the hidden layers.
        num_classes: C.

    Shape:
        - input: maps [B, dims[i], H / s, W / s] for strides s of 32, 16, 8, 4, 2, 1, or without the first of them
        - output: logits [B, C, H, W]; 0 until it is taught
    """

    def __init__(self, *, dims: Sequence[int], width: int, num_classes: int) -> None:
        super().__init__()
        self.dims = list(dims)
        self.path = PixelPath(dims=dims, width=width, num_classes=num_classes)
        self.register_buffer("means", torch.zeros(sum(dims)))
        self.register_buffer("scales", torch.ones(sum(dims)))
        self.means: Tensor
        self.scales: Tensor

    @property
    def is_silent(self) -> bool:
        """Whether it answers 0 everywhere."""
        return self.path.is_silent

    def maps_of(self, encoded: Encoded, fine: Tensor) -> tuple[Tensor, ...]:
        """What it reads of the encoder's maps and the filters' responses [B, NUM_FILTERS, H, W], coarse to fine."""
        return (*encoded.maps, fine)[-len(self.dims) :]

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Maps, coarse to fine -> logits [B, C, H, W]."""
        dtype, kind = self.means.dtype, self.means.device.type
        if torch.is_autocast_enabled(kind):
            dtype = torch.get_autocast_dtype(kind)
        means, scales = (
            [part[:, None, None] for part in torch.split(each, self.dims)]  # [dim, 1, 1]
            for each in (self.means, self.scales)
        )
        return self.path.on_maps(
            [
                torch.addcmul(-mean * scale, level.float(), scale)
                .to(dtype)
                .contiguous(memory_format=torch.channels_last)
                for level, mean, scale in zip(maps, means, scales, strict=True)
            ]
        )

    def on_pixels(self, features: Tensor) -> Tensor:
        """Standardised features [N, sum(dims)], coarse to fine -> logits [N, C]."""
        logits: Tensor = self.path(self._thinned(features) if self.training else features)
        return logits

    def _thinned(self, features: Tensor) -> Tensor:
        """Features [N, sum(dims)] with some left out of every pixel, at times all of the coarsest map."""
        count = len(features)
        masks = F.dropout(features.new_ones(min(CHOICES, count), features.shape[1]), OMITTED)  # [M, D]
        masks[:, : self.dims[0]] *= F.dropout(features.new_ones(len(masks), 1), COARSEST_OMITTED)
        return features * masks.repeat(-(-count // max(1, len(masks))), 1)[:count]

    def standardise(self, features: Tensor) -> Tensor:
        """Features [N, sum(dims)] with mean 0 and deviation 1 over what the probe was made for."""
        return (features - self.means) * self.scales

    @torch.no_grad()
    def scale(self, factor: float) -> None:
        """Say the same more or less loudly from now on."""
        for parameter in self.path.last.parameters():
            parameter.mul_(factor)

    def with_classes(self, kept: Sequence[int | None]) -> Self:
        """Copy with other classes: entry i names the old class that new class i keeps, None for a new one."""
        made = copy.deepcopy(self)
        made.path.last = with_rows(self.path.last, kept, are_silent=True)
        return made


def read_by(probe: Probe | None, pyramid: Pyramid) -> Encoded | None:
    """What of a pyramid a probe reads; None where there is none."""
    return None if probe is None else pyramid.encoded
