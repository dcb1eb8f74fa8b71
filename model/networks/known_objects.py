"""What is known of objects before anybody numbered one, and has a say beside what a few pictures teach.

A context path and a head for depth, taught with pictures that were made up (`model.pretraining.rendered`). They say
"any object", as one class, and are heard where fine-tuning was shown numbered objects of one class, which they find by
themselves (`model.training.acquaintance`), and nothing else is asked: logits added up are those of a product of
experts (Hinton 2002), in which only what both allow is sure. Few pictures teach what these objects look like,
thousands what objects look like; their errors differ. It does not learn further with the few. Clicks, and classes
without numbers, use none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Self

import torch
from torch import Tensor, nn

from model.networks.config import DetailConfig, NetworkConfig
from model.networks.detail_head import ContextPath, Levels, standardised
from model.networks.randomness import own_randomness, seed_for
from model.networks.separation import SeparationHead

SHARE: Final = 0.5
"""Of what is known in the mean with what was learned, which is made as much quieter."""

FIRST_DEPTH: Final = 0.025
"""Deviation of the weights that depth is first read with: from nothing, the background pushes it down for good."""


class KnownObjects(nn.Module):
    """Reads objects of any kind from levels.

    Args:
        dims: channels of the levels that it reads, coarse to fine.
        widths: own channels, coarse to fine.

    Attributes:
        context: of one class, "any object".
        separation: from its features to depth.
        means: of the levels in the pictures that it was taught with, [sum(dims)].
        scales: one over their deviations, likewise.

    Shape:
        - input: `Levels` with the experts' answers
        - output: logits of an object and of depth, float32 [B, 1, H, W] each
    """

    def __init__(self, *, dims: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        self.context = ContextPath(dims=dims, widths=widths, num_classes=1)
        self.separation = SeparationHead(widths[-1])
        nn.init.normal_(self.separation.last.weight, std=FIRST_DEPTH)
        self.register_buffer("means", torch.zeros(sum(dims)))
        self.register_buffer("scales", torch.ones(sum(dims)))
        self.means: Tensor
        self.scales: Tensor

    @classmethod
    def of(cls, config: NetworkConfig) -> Self:
        """For a network of these sizes; what else draws its first weights draws them as if there were none of this."""
        widths = DetailConfig.fitting(config).context_widths
        with own_randomness(seed_for("known objects", 0), torch.device("cpu")):
            return cls(dims=config.level_dims, widths=widths)

    def forward(self, levels: Levels) -> tuple[Tensor, Tensor]:
        """What is an object, and how deep in it."""
        dtype, kind = self.context.last.weight.dtype, self.means.device.type
        if torch.is_autocast_enabled(kind):
            dtype = torch.get_autocast_dtype(kind)
        features = self.context.features(standardised(levels.maps, self.means, self.scales, dtype))
        return levels.as_decided(self.context.last(features)).float(), self.separation(features)

    def said(self, levels: Levels, *, thing: int) -> Tensor:
        """What is added to the logits of two classes and of depth.

        The classes' count as half of a mean, of which the other half is what was learned. Depth is added as it is:
        what few pictures teach of it is timid, and where both say the same, hills are steeper.

        Args:
            levels: with the experts' answers.
            thing: which class has the objects, 0 or 1.

        Returns:
            float32 [B, 3, H, W]: of the classes, then of depth.
        """
        logit, depth = self(levels)
        half = SHARE * logit / 2  # [B, 1, H, W]
        return torch.cat((half, -half, depth) if thing == 0 else (-half, half, depth), dim=1)
