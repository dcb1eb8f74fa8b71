"""Fully convolutional networks: a classifier whose last layers became convolutions.

Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015,
arXiv:1411.4038, on the VGG-16 layers of Simonyan and Zisserman, arXiv:1409.1556.
Shapes: B images, C classes, H and W their size; any size from 32 x 32, smaller ones are for `Dense` to pad.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.backbone import upsample_to

VGG16_WIDTHS: Final = (64, 128, 256, 512, 512)
VGG16_DEPTHS: Final = (2, 2, 3, 3, 3)
CLASSIFIER_WIDTH: Final = 4096


def conv_block(in_channels: int, out_channels: int, *, depth: int) -> nn.Sequential:
    """``depth`` times a 3x3 convolution and ReLU; [B, in_channels, h, w] -> [B, out_channels, h, w]."""
    layers: list[nn.Module] = []
    for channels in (in_channels, *(out_channels,) * (depth - 1)):
        layers += [nn.Conv2d(channels, out_channels, 3, padding=1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def vgg16_blocks(widths: Sequence[int] = VGG16_WIDTHS) -> list[nn.Sequential]:
    """The five blocks of VGG-16, without the pooling between them."""
    channels = (3, *widths)
    return [
        conv_block(channels[i], width, depth=depth)
        for i, (width, depth) in enumerate(zip(widths, VGG16_DEPTHS, strict=True))
    ]


class FCN(nn.Module):
    """FCN-32s: class logits at stride 32, enlarged in one step.

    Args:
        num_classes: C.
        backbone: only "vgg16" exists.
        widths: channels of the five blocks; the source has VGG-16's.
        classifier_width: channels of `fc6` and `fc7`; the source has 4,096, which alone are 119 of its
            136 million parameters.

    Shape:
        - input: [B, 3, H, W]
        - output: logits [B, C, H, W]

    Raises:
        ValueError: another backbone was asked for.
    """

    def __init__(
        self,
        num_classes: int,
        backbone: str = "vgg16",
        *,
        widths: Sequence[int] = VGG16_WIDTHS,
        classifier_width: int = CLASSIFIER_WIDTH,
    ) -> None:
        super().__init__()
        if backbone != "vgg16":
            raise ValueError(f'FCN has the backbone "vgg16" only, not "{backbone}"')
        layers = [layer for block in vgg16_blocks(widths) for layer in (block, nn.MaxPool2d(2, 2))]
        self.features = nn.Sequential(*layers)
        self.fc6 = nn.Conv2d(widths[-1], classifier_width, 7, padding=3)
        self.fc7 = nn.Conv2d(classifier_width, classifier_width, 1)
        self.score = nn.Conv2d(classifier_width, num_classes, 1)
        self.upsample = nn.ConvTranspose2d(num_classes, num_classes, 64, stride=32, padding=16)

    def forward(self, image: Tensor) -> Tensor:
        """Class logits of ``image``."""
        x = self.features(image)  # [B, 512, H/32, W/32]
        x = F.relu(self.fc7(F.relu(self.fc6(x))))
        return upsample_to(self.upsample(self.score(x)), image)


class FCN8s(nn.Module):
    """FCN-8s: logits of strides 32, 16 and 8, added up from coarse to fine.

    Args:
        num_classes: C.
        widths: as for `FCN`.
        classifier_width: as for `FCN`.

    Shape:
        - input: [B, 3, H, W]
        - output: logits [B, C, H, W]

    Differs from the source where sizes do not divide by 32: the finer logits decide the size of a sum.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        widths: Sequence[int] = VGG16_WIDTHS,
        classifier_width: int = CLASSIFIER_WIDTH,
    ) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3, self.conv4, self.conv5 = vgg16_blocks(widths)
        self.pool1, self.pool2, self.pool3, self.pool4, self.pool5 = (nn.MaxPool2d(2, 2) for _ in range(5))
        self.fc6 = nn.Conv2d(widths[4], classifier_width, 7, padding=3)
        self.fc7 = nn.Conv2d(classifier_width, classifier_width, 1)
        self.score_fr = nn.Conv2d(classifier_width, num_classes, 1)
        self.score_pool4 = nn.Conv2d(widths[3], num_classes, 1)
        self.score_pool3 = nn.Conv2d(widths[2], num_classes, 1)
        self.upscore2 = nn.ConvTranspose2d(num_classes, num_classes, 4, stride=2, padding=1)
        self.upscore4 = nn.ConvTranspose2d(num_classes, num_classes, 4, stride=2, padding=1)
        self.upscore8 = nn.ConvTranspose2d(num_classes, num_classes, 16, stride=8, padding=4)

    def forward(self, image: Tensor) -> Tensor:
        """Class logits of ``image``."""
        x = self.pool2(self.conv2(self.pool1(self.conv1(image))))
        pool3 = self.pool3(self.conv3(x))  # [B, 256, H/8, W/8]
        pool4 = self.pool4(self.conv4(pool3))  # [B, 512, H/16, W/16]
        x = self.pool5(self.conv5(pool4))  # [B, 512, H/32, W/32]
        x = self.score_fr(F.relu(self.fc7(F.relu(self.fc6(x)))))
        x = _plus(self.upscore2(x), self.score_pool4(pool4))
        x = _plus(self.upscore4(x), self.score_pool3(pool3))
        return upsample_to(self.upscore8(x), image)


def _plus(coarse: Tensor, fine: Tensor) -> Tensor:
    """The sum at the size of ``fine``; pooling rounds down, so the enlarged map can be a row short."""
    return fine + (coarse if coarse.shape == fine.shape else upsample_to(coarse, fine))
