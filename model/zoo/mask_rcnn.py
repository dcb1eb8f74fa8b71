"""Mask R-CNN's mask branch: a small network that draws the object inside a box.

He, Gkioxari, Dollar and Girshick, "Mask R-CNN", ICCV 2017, arXiv:1703.06870. The rest of it, proposals and boxes,
is in `model.zoo.regions`; the whole is `model.zoo.objects.MaskRCNNCore`.
Shapes: N regions of interest, C classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

ROI_CHANNELS = 256


class MaskRCNN(nn.Module):
    """The mask branch on features that were cut out for every object.

    Args:
        backbone: what makes the features; kept, and not used by `forward_mask`.
        num_classes: C, background among them.
        mask_dim: channels of the branch.
        roi_channels: channels of the features; the source has 256.
    """

    def __init__(
        self,
        backbone: nn.Module | None,
        num_classes: int,
        mask_dim: int = 256,
        *,
        roi_channels: int = ROI_CHANNELS,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.num_classes = num_classes
        layers: list[nn.Module] = []
        for channels in (roi_channels, mask_dim, mask_dim, mask_dim):
            layers += [nn.Conv2d(channels, mask_dim, 3, padding=1), nn.ReLU(inplace=True)]
        layers += [
            nn.ConvTranspose2d(mask_dim, mask_dim, 2, stride=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(mask_dim, num_classes, 1),
        ]
        self.mask_head = nn.Sequential(*layers)

    def forward_mask(self, roi_features: Tensor, labels: Tensor) -> Tensor:
        """Mask logits of the class that each object has.

        Args:
            roi_features: [N, 256, H, W].
            labels: int64 [N], each in 0..C-1.

        Returns:
            [N, 1, 2H, 2W].
        """
        masks = self.mask_head(roi_features)  # [N, C, 2H, 2W]
        rows = torch.arange(len(masks), device=masks.device)
        chosen: Tensor = masks[rows, labels]  # [N, 2H, 2W]
        return chosen[:, None]
