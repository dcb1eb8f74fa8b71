"""Panoptic FPN: one pyramid of features for areas and for objects.

Kirillov, Girshick, He and Dollar, "Panoptic Feature Pyramid Networks", CVPR 2019, arXiv:1901.02446;
the pyramid of Lin and others, arXiv:1612.03144. The objects' branch is that of Mask R-CNN.
Shapes: B images, S classes of areas.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.backbone import upsample_to

RESNET_WIDTHS: Final = (256, 512, 1024, 2048)
PYRAMID_WIDTH: Final = 256


def pyramid_layers(widths: Sequence[int], width: int) -> nn.ModuleDict:
    """The layers of a pyramid on maps of ``widths`` channels: 1x1 to ``width``, and 3x3 after adding."""
    return nn.ModuleDict(
        {
            "lateral": nn.ModuleList(nn.Conv2d(each, width, 1) for each in widths),
            "output": nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in widths),
        }
    )


def top_down(layers: nn.ModuleDict, maps: Sequence[Tensor]) -> list[Tensor]:
    """Maps, fine to coarse -> levels with what is known above, all of one width, fine to coarse."""
    lateral, output = (list(layers[name].children()) for name in ("lateral", "output"))
    levels = [layer(x) for layer, x in zip(lateral, maps, strict=True)]
    for i in range(len(levels) - 2, -1, -1):
        above = F.interpolate(levels[i + 1], size=levels[i].shape[-2:], mode="nearest")
        levels[i] = levels[i] + above
    return [layer(x) for layer, x in zip(output, levels, strict=True)]


class PanopticFPN(nn.Module):
    """Feature pyramid with a branch for areas.

    Args:
        backbone: image -> four maps, fine to coarse (strides 4, 8, 16, 32).
        num_thing_classes: of objects; for the branch that reads ``fpn_features``.
        num_stuff_classes: S.
        widths: channels of the backbone's maps; the source has a ResNet's.

    Shape:
        - input: [B, 3, H, W]
        - output: "semantic": logits [B, S, H, W] (four times the finest level),
          "fpn_features": four maps [B, 256, ...], fine to coarse
    """

    def __init__(
        self,
        backbone: nn.Module,
        num_thing_classes: int,
        num_stuff_classes: int,
        *,
        widths: Sequence[int] = RESNET_WIDTHS,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.num_thing_classes = num_thing_classes
        self.num_stuff_classes = num_stuff_classes
        self.fpn = pyramid_layers(widths, PYRAMID_WIDTH)
        self.semantic_head = nn.Sequential(
            nn.Conv2d(PYRAMID_WIDTH, 128, 3, padding=1),
            nn.GroupNorm(32, 128),
            nn.ReLU(inplace=True),
            nn.Conv2d(128, 128, 3, padding=1),
            nn.GroupNorm(32, 128),
            nn.ReLU(inplace=True),
            nn.Conv2d(128, num_stuff_classes, 1),
        )

    def pyramid(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """The backbone's maps, fine to coarse -> levels with what is known above, [B, 256, ...]."""
        return top_down(self.fpn, maps)

    def forward(self, image: Tensor) -> dict[str, Tensor | list[Tensor]]:
        """Area logits and the pyramid."""
        levels = self.pyramid(self.backbone(image))
        finest = levels[0]
        total = torch.stack([upsample_to(x, finest) for x in levels]).sum(dim=0)  # [B, 256, H/4, W/4]
        logits = F.interpolate(
            self.semantic_head(total), scale_factor=4.0, mode="bilinear", align_corners=False
        )
        return {"semantic": logits, "fpn_features": levels}
