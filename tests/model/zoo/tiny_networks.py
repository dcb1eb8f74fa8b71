"""Sizes in which every network of the sources answers in milliseconds."""

TINY = {
    "fcn": {"widths": (4, 4, 6, 6, 8), "classifier_width": 8},
    "fcn8s": {"widths": (4, 4, 6, 6, 8), "classifier_width": 8},
    "unet": {"features": (4, 6, 8)},
    "attention-unet": {"features": (4, 6, 8, 10, 12)},
    "deeplabv3plus": {"widths": (8, 8, 16), "aspp_width": 8, "dilations": (1, 2)},
    "setr": {"image_size": 64, "width": 8, "depth": 1, "num_heads": 2, "decoder_width": 8},
    "segformer": {"widths": (4, 4, 6, 8), "num_heads": (1, 1, 2, 2), "depths": (1, 1, 1, 1), "head_width": 8},
    "vit": {"image_size": 32, "patch_size": 8, "width": 8, "depth": 1, "num_heads": 2},
    "attention-cnn": {},
    "panoptic-fpn": {"widths": (8, 8, 8, 16)},
    "mask-rcnn": {"widths": (8, 8, 8, 16), "pyramid_width": 8, "box_width": 16, "mask_width": 8},
}
