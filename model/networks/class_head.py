"""From what the experts answer to class logits at every pixel."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Self, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.backbone import ConvNorm, upsample_to

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)


class ClassHead(nn.Module):
    """What the experts answer, sharpened by detail, to full-resolution class logits.

    Args:
        feature_dim: channels of the answers.
        detail_dim: channels at stride 2.
        num_classes: C.
        fuses: look at the answers' surroundings first.

    Shape:
        - input: answers [B, D, h, w] at stride 4, detail [B, C', 2h, 2w]
        - output: logits [B, C, 4h, 4w]
    """

    def __init__(self, *, feature_dim: int, detail_dim: int, num_classes: int, fuses: bool = True) -> None:
        super().__init__()
        self.fuse = ConvNorm(feature_dim, feature_dim) if fuses else nn.Identity()
        self.reduce = nn.Conv2d(feature_dim, detail_dim, 1)
        self.detail = nn.Conv2d(detail_dim, detail_dim, 1)
        self.fine = ConvNorm(detail_dim, detail_dim)
        self.pixels = nn.Conv2d(detail_dim, 4 * num_classes, 3, padding=1)

    def forward(self, tokens: Tensor, detail: Tensor) -> Tensor:
        """[B, D, h, w] and [B, C', 2h, 2w] -> logits [B, C, 4h, 4w]."""
        coarse = self.reduce(self.fuse(tokens))  # [B, C', h, w]
        fine = self.fine(F.relu(self.detail(detail) + upsample_to(coarse, detail)))  # [B, C', 2h, 2w]
        return F.pixel_shuffle(self.pixels(fine), 2).float()  # [B, C, 4h, 4w]

    def with_classes(self, kept: Sequence[int | None]) -> Self:
        """Copy with other classes: entry i names the old class that new class i keeps, None for a new one."""
        made = copy.deepcopy(self)
        made.pixels = with_rows(self.pixels, kept, rows=4)
        return made

    @torch.no_grad()
    def silence(self, classes: Iterable[int]) -> None:
        """From now on, have no opinion about ``classes``."""
        for index in classes:
            for parameter in self.pixels.parameters():
                parameter[4 * index : 4 * index + 4] = 0


@torch.no_grad()
def with_rows(layer: Layer, kept: Sequence[int | None], *, rows: int = 1, are_silent: bool = False) -> Layer:
    """A last layer for other classes.

    Args:
        layer: stays as it is.
        kept: per new class the class whose rows it keeps, None for a new one.
        rows: outputs of a class.
        are_silent: whether new classes begin with 0, and not at random.
    """
    made = copy.deepcopy(layer)
    count = rows * len(kept)
    for name, old in layer.named_parameters():
        setattr(made, name, nn.Parameter(old.new_zeros(count, *old.shape[1:])))
    setattr(made, "out_channels" if isinstance(layer, nn.Conv2d) else "out_features", count)
    if not are_silent:
        made.reset_parameters()
    for new, old_class in enumerate(kept):
        if old_class is None:
            continue
        for name, old in layer.named_parameters():
            target = made.get_parameter(name)
            target[rows * new : rows * (new + 1)] = old[rows * old_class : rows * (old_class + 1)]
    return made
