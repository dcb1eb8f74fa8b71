"""The architectures that weights can belong to, one file each, and one registry."""

from model.zoo.attention_cnn import AttentionCNN, AttentionCNNForSegmentation, SelfAttention
from model.zoo.deeplab import ASPP, AtrousConv, DeepLabV3Plus
from model.zoo.fcn import FCN, FCN8s
from model.zoo.mask_rcnn import MaskRCNN
from model.zoo.panoptic_fpn import PanopticFPN
from model.zoo.segformer import MixTransformerBlock, MLPDecoder, SegFormer
from model.zoo.setr import SETR
from model.zoo.unet import AttentionGate, AttentionUNet, DoubleConv, UNet
from model.zoo.vit import MultiLayerPerceptron, VisionTransformerArgs, VisionTransformerForSegmentation

__all__ = [
    "ASPP",
    "FCN",
    "SETR",
    "AtrousConv",
    "AttentionCNN",
    "AttentionCNNForSegmentation",
    "AttentionGate",
    "AttentionUNet",
    "DeepLabV3Plus",
    "DoubleConv",
    "FCN8s",
    "MLPDecoder",
    "MaskRCNN",
    "MixTransformerBlock",
    "MultiLayerPerceptron",
    "PanopticFPN",
    "SegFormer",
    "SelfAttention",
    "UNet",
    "VisionTransformerArgs",
    "VisionTransformerForSegmentation",
]
