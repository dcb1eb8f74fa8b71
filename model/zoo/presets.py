"""The sources' networks in sizes that a person can train: a few masks, a minute, two cores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from model.networks.backbone import ConvNorm, ResidualBlock
from model.zoo.attention_cnn import AttentionCNNForSegmentation
from model.zoo.deeplab import DeepLabV3Plus
from model.zoo.dense import ALWAYS, ENCODER, NUMBERED, OBJECTS, DenseKind, Sizes
from model.zoo.encoders import EncoderUNet, PretrainedPyramid
from model.zoo.fcn import FCN, FCN8s
from model.zoo.objects import MaskRCNNCore, PanopticCore
from model.zoo.panoptic_fpn import PanopticFPN
from model.zoo.segformer import SegFormer
from model.zoo.setr import SETR
from model.zoo.unet import AttentionUNet, UNet
from model.zoo.vit import VisionTransformerArgs, VisionTransformerForSegmentation


class ConvPyramid(nn.Module):
    """Residual convolutions from scratch, for the networks that want a backbone.

    Shape:
        - input: [B, 3, H, W]
        - output: four maps [B, widths[i], ...] at strides 4, 8, 16, 32
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.stem = ConvNorm(3, widths[0], stride=2)
        self.stages = nn.ModuleList(
            nn.Sequential(ConvNorm(before, width, stride=2), ResidualBlock(width))
            for before, width in zip((widths[0], *widths[:-1]), widths, strict=True)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """The four maps, fine to coarse."""
        x, maps = self.stem(image), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class FirstAndThird(nn.Module):
    """Of a pyramid the maps at strides 4 and 16, as DeepLabV3+ wants them."""

    def __init__(self, pyramid: nn.Module) -> None:
        super().__init__()
        self.pyramid = pyramid

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The two maps."""
        maps = self.pyramid(image)
        return maps[0], maps[2]


@torch.no_grad()
def enlarging(network: nn.Module) -> nn.Module:
    """``network`` whose transposed convolutions between logits begin as bilinear enlarging.

    As Long, Shelhamer and Darrell do (section 4.3); random ones would have to be learned first.
    """
    for layer in network.modules():
        if not isinstance(layer, nn.ConvTranspose2d) or layer.weight.is_meta:
            continue
        side = layer.kernel_size[0]
        centre = (side - 1) / 2
        ramp = 1 - (torch.arange(side) - centre).abs() / (layer.stride[0])
        layer.weight.zero_()
        for channel in range(min(layer.weight.shape[:2])):
            layer.weight[channel, channel] = torch.outer(ramp.clamp(min=0), ramp.clamp(min=0))
        if layer.bias is not None:
            layer.bias.zero_()
    return network


@torch.no_grad()
def keeping_strength(network: nn.Module) -> nn.Module:
    """``network`` whose convolutions begin so that a signal keeps its strength through the rectifiers behind them.

    He et al. 2015, arXiv:1502.01852, section 2.2. Sixteen layers without normalisation that begin as torch has them
    hand on so little that a minute of learning is over before the first of them have moved.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and not layer.weight.is_meta:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                layer.bias.zero_()
    return network


def _fcn(num_classes: int, sizes: Sizes) -> nn.Module:
    network = FCN(num_classes, widths=sizes["widths"], classifier_width=sizes["classifier_width"])
    return enlarging(keeping_strength(network))


def _fcn8s(num_classes: int, sizes: Sizes) -> nn.Module:
    network = FCN8s(num_classes, widths=sizes["widths"], classifier_width=sizes["classifier_width"])
    return enlarging(keeping_strength(network))


def _pyramid(sizes: Sizes, levels: int = 4) -> tuple[nn.Module, tuple[int, ...]]:
    """A backbone, pretrained or not, and the channels of its maps at strides 4 to 32."""
    if ENCODER in sizes:
        pretrained = PretrainedPyramid(sizes[ENCODER])
        return pretrained, pretrained.widths
    return ConvPyramid(sizes["widths"][:levels]), sizes["widths"]


def _unet(num_classes: int, sizes: Sizes) -> nn.Module:
    if ENCODER in sizes:
        return EncoderUNet(sizes[ENCODER], num_classes, sizes["features"])
    return UNet(3, num_classes, sizes["features"])


def _panoptic(num_classes: int, sizes: Sizes) -> nn.Module:
    backbone, widths = _pyramid(sizes)
    if not sizes.get(OBJECTS):
        return PanopticFPN(backbone, 0, num_classes, widths=widths)
    return PanopticCore(backbone, num_classes, widths, box_width=BOX_WIDTH, mask_width=MASK_WIDTH)


def _mask_rcnn(num_classes: int, sizes: Sizes) -> nn.Module:
    backbone, widths = _pyramid(sizes)
    return MaskRCNNCore(
        backbone,
        widths,
        num_classes,
        pyramid_width=sizes["pyramid_width"],
        box_width=sizes["box_width"],
        mask_width=sizes["mask_width"],
    )


def _deeplab(num_classes: int, sizes: Sizes) -> nn.Module:
    backbone, widths = _pyramid(sizes, 3)
    return DeepLabV3Plus(
        FirstAndThird(backbone),
        num_classes,
        low_level_channels=widths[0],
        aspp_out_channels=sizes["aspp_width"],
        high_level_channels=widths[2],
        dilations=sizes["dilations"],
    )


def _setr(num_classes: int, sizes: Sizes) -> nn.Module:
    return SETR(
        sizes["image_size"],
        16,
        num_classes,
        sizes["width"],
        sizes["depth"],
        sizes["num_heads"],
        decoder_width=sizes["decoder_width"],
    )


def _segformer(num_classes: int, sizes: Sizes) -> nn.Module:
    return SegFormer(
        num_classes,
        sizes["widths"],
        sizes["num_heads"],
        sizes["depths"],
        head_width=sizes["head_width"],
    )


def _vit(num_classes: int, sizes: Sizes) -> nn.Module:
    args = VisionTransformerArgs(
        image_size=sizes["image_size"],
        patch_size=sizes["patch_size"],
        out_channels=num_classes,
        embed_size=sizes["width"],
        num_blocks=sizes["depth"],
        num_heads=sizes["num_heads"],
        dropout=0.1,
    )
    return VisionTransformerForSegmentation(args)


_NO_CLICKS: Final = "Knows classes only; clicks go on with the shipped network."
BOX_WIDTH: Final = 128
MASK_WIDTH: Final = 64
"""Of the branches that find objects, where they are added to Panoptic FPN."""

_VGG: Final[Sizes] = {"widths": (16, 32, 64, 96, 128), "classifier_width": 128}

DENSE_KINDS: Final = (
    DenseKind(
        name="fcn",
        title="FCN",
        summary="The first of its kind: large areas, coarse edges.",
        limits=f"Answers in steps of 32 pixels. {_NO_CLICKS}",
        build=_fcn,
        sizes=_VGG,
        stride=32,
        smallest=32,
    ),
    DenseKind(
        name="fcn8s",
        title="FCN-8s",
        summary="As FCN, with edges from finer maps.",
        limits=f"Answers in steps of 8 pixels. {_NO_CLICKS}",
        build=_fcn8s,
        sizes=_VGG,
        stride=32,
        smallest=32,
    ),
    DenseKind(
        name="unet",
        title="U-Net",
        summary="Microscopy, membranes, thin structures: keeps every pixel's detail.",
        limits=_NO_CLICKS,
        build=_unet,
        sizes={"features": (16, 32, 64, 128, 256)},
        stride=16,
        smallest=16,
        takes_encoder=True,
    ),
    DenseKind(
        name="attention-unet",
        title="Attention U-Net",
        summary="As U-Net, with gates that show where detail was let through.",
        limits=_NO_CLICKS,
        build=lambda c, sizes: AttentionUNet(3, c, features=sizes["features"]),
        sizes={"features": (16, 32, 64, 128, 256)},
        stride=16,
        smallest=16,
        attention="gates",
    ),
    DenseKind(
        name="deeplabv3plus",
        title="DeepLabV3+",
        summary="Scenes with large and small things: sees far at several reaches.",
        limits=_NO_CLICKS,
        build=_deeplab,
        sizes={"widths": (32, 64, 128), "aspp_width": 64, "dilations": (2, 4, 6)},
        stride=16,
        smallest=32,
        takes_encoder=True,
    ),
    DenseKind(
        name="setr",
        title="SETR",
        summary="A plain transformer; to see what global attention does.",
        limits=f"Needs many images to be good. {_NO_CLICKS}",
        build=_setr,
        sizes={"image_size": 192, "width": 192, "depth": 4, "num_heads": 4, "decoder_width": 64},
        stride=16,
        smallest=32,
        has_positions=True,
        attention="rows",
    ),
    DenseKind(
        name="segformer",
        title="SegFormer",
        summary="A transformer in four sizes: areas and their context.",
        limits=f"Answers in steps of 4 pixels. {_NO_CLICKS}",
        build=_segformer,
        sizes={
            "widths": (32, 64, 128, 160),
            "num_heads": (1, 2, 4, 5),
            "depths": (1, 1, 2, 1),
            "head_width": 96,
        },
        stride=32,
        smallest=128,
        attention="rows",
    ),
    DenseKind(
        name="vit",
        title="Vision transformer",
        summary="Each patch answers for its pixels; to see patches and their attention.",
        limits=f"Shows its patches as blocks. Needs many images. {_NO_CLICKS}",
        build=_vit,
        sizes={"image_size": 128, "patch_size": 16, "width": 192, "depth": 4, "num_heads": 4},
        stride=16,
        smallest=16,
        is_normalised=False,
        has_positions=True,
        attention="rows",
    ),
    DenseKind(
        name="attention-cnn",
        title="CNN with self-attention",
        summary="One convolution and one attention: the smallest network that attends.",
        limits=f"Tells colours and textures apart, hardly shapes. {_NO_CLICKS}",
        build=lambda c, sizes: AttentionCNNForSegmentation(c),
        sizes={},
        stride=4,
        smallest=4,
        attention="rows",
        most_pixels=512 * 512,  # every one of 16,384 places asks every other
    ),
    DenseKind(
        name="panoptic-fpn",
        title="Panoptic FPN",
        summary="A pyramid of features: areas of every size, and objects where objects are numbered.",
        limits=_NO_CLICKS,
        build=_panoptic,
        sizes={"widths": (32, 64, 128, 192)},
        stride=32,
        smallest=32,
        takes_encoder=True,
        objects=NUMBERED,
    ),
    DenseKind(
        name="mask-rcnn",
        title="Mask R-CNN",
        summary="Objects one by one: cells, fruit, people; touching ones come apart.",
        limits="Wants whole objects labelled, not strokes, nor nets such as membranes; all else is background. "
        + _NO_CLICKS,
        build=_mask_rcnn,
        sizes={"widths": (32, 64, 128, 192), "pyramid_width": 64, "box_width": 128, "mask_width": 64},
        stride=32,
        smallest=64,
        takes_encoder=True,
        objects=ALWAYS,
    ),
)
"""All of them, as the lists of the tool show them."""
