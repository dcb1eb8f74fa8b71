"""Small click models with the less common inputs and outputs that exporters give them; see `small`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.model.click_models.small import (
    COORDS,
    DYNAMIC_POINTS,
    FEATURES,
    HAS,
    IMAGE,
    LABELS,
    MASK,
    SIDE,
    STRIDE,
    Alike,
    LowDecoder,
    Pooled,
    SamDecoder,
    edge_sam,
    export,
    sam,
)

SEVERAL = {name: {0: "k", 1: "n"} for name in ("point_coords", "point_labels")}
FINE = torch.rand(1, 3, SIDE // 4, SIDE // 4), torch.rand(1, 3, SIDE // 8, SIDE // 8)
SAM_OUTPUTS = ["masks", "iou_predictions", "low_res_masks"]


class FromBytes(nn.Module):
    """An encoder that takes pixel values as bytes, [1, 3, S, S], and scales them by itself."""

    def forward(self, image: Tensor) -> Tensor:
        return F.avg_pool2d(image.float() / 60 - 2, STRIDE)


def bytes_sam(folder: Path) -> Path:
    """Bytes in; sizes, labels and whether there is a mask as other kinds of numbers."""
    picture = (IMAGE * 255).byte()
    export(folder / "byte_sam.encoder.onnx", FromBytes(), {"image": picture}, ["image_embeddings"])
    inputs = {
        "image_embeddings": FEATURES, "point_coords": COORDS, "point_labels": LABELS.int(), "mask_input": MASK,
        "has_mask_input": HAS.bool(), "orig_im_size": torch.tensor([256, 192]),
    }  # fmt: skip
    export(folder / "byte_sam.decoder.onnx", SamDecoder(), inputs, SAM_OUTPUTS, DYNAMIC_POINTS)
    return folder


class Landscape(nn.Module):
    """An encoder that takes [171, 256, 3] as it is, whatever the shape of the image, and pads it to a square."""

    def forward(self, image: Tensor) -> Tensor:
        x = image.permute(2, 0, 1)[None] / 60 - 2
        return F.avg_pool2d(F.pad(x, (0, 0, 0, SIDE - x.shape[-2])), STRIDE)


def landscape_sam(folder: Path) -> Path:
    """As encoders that were exported with the picture of the example (684 rows, 1,024 columns)."""
    sam(folder)
    picture = {"input_image": torch.rand(171, SIDE, 3) * 255}
    export(folder / "mobile_sam.encoder.onnx", Landscape(), picture, ["image_embeddings"])
    return folder


def half_size_sam(folder: Path) -> Path:
    """As EfficientViT-SAM: the encoder wants half of the pixels in which points are counted."""
    sam(folder)
    small = {"input_image": IMAGE[..., : SIDE // 2, : SIDE // 2]}
    export(folder / "mobile_sam.encoder.onnx", Pooled((STRIDE // 2,)), small, ["image_embeddings"])
    return folder


class WithStages(Pooled):
    def forward(self, image: Tensor) -> Any:
        features = super().forward(image)
        return features, features.permute(0, 2, 3, 1)[None]


class StagesDecoder(SamDecoder):
    def forward(self, features: Tensor, stages: Tensor, *rest: Tensor) -> Any:  # type: ignore[override]
        return super().forward(features + 0 * stages.sum(), *rest)


def hq_sam(folder: Path) -> Path:
    """As HQ-SAM: maps of inner layers besides the features, [stages, 1, h, w, C]."""
    names = ["image_embeddings", "interm_embeddings"]
    export(folder / "hq_sam_encoder.onnx", WithStages(), {"input_image": IMAGE}, names)
    inputs = {
        "image_embeddings": FEATURES, "interm_embeddings": FEATURES.permute(0, 2, 3, 1)[None],
        "point_coords": COORDS, "point_labels": LABELS, "mask_input": MASK, "has_mask_input": HAS,
        "orig_im_size": torch.tensor([256.0, 192.0]),
    }  # fmt: skip
    export(folder / "hq_sam_decoder.onnx", StagesDecoder(), inputs, SAM_OUTPUTS, DYNAMIC_POINTS)
    return folder


class Sized(Alike):
    """Features at three scales; masks in the size that is asked for."""

    def forward(
        self,
        fine0: Tensor,
        fine1: Tensor,
        features: Tensor,
        coords: Tensor,
        labels: Tensor,
        mask: Tensor,
        has: Tensor,
        size: Tensor,
    ) -> Any:
        logits = self.logits(features, coords[0], labels[0].float()) + has[0] * mask[0, 0]
        low, scores = self.several(logits + 0 * (fine0.sum() + fine1.sum()))
        masks = F.interpolate(low, (size[0], size[1]), mode="bilinear")  # type: ignore[arg-type]
        return masks, scores, low


class SizedAlone(Sized):
    """The same without masks of low resolution."""

    def forward(self, *inputs: Tensor) -> Any:
        return super().forward(*inputs)[:2]


def sized_sam2(folder: Path) -> Path:
    """SAM 2 whose decoder enlarges the masks, for several objects at once."""
    names = ["high_res_feats_0", "high_res_feats_1", "image_embed"]
    export(folder / "sam2.encoder.onnx", Pooled((4, 8, STRIDE)), {"image": IMAGE}, names)
    inputs = {
        "high_res_feats_0": FINE[0], "high_res_feats_1": FINE[1], "image_embed": FEATURES, "point_coords": COORDS,
        "point_labels": LABELS, "mask_input": MASK, "has_mask_input": HAS, "orig_im_size": torch.tensor([256, 192]),
    }  # fmt: skip
    axes = {**SEVERAL, "mask_input": {0: "k"}, "has_mask_input": {0: "k"}}
    names = ["masks", "iou_predictions"]
    export(folder / "sam2.decoder.onnx", SizedAlone(3), inputs, names, axes)
    return folder


def runtime_sam2(folder: Path) -> Path:
    """With the names of the converter that comes with onnxruntime, and whole numbers for labels and size."""
    names = ["image_features_0", "image_features_1", "image_embeddings"]
    export(folder / "sam2_image_encoder.onnx", Pooled((4, 8, STRIDE)), {"image": IMAGE}, names)
    inputs = {
        "image_features_0": FINE[0], "image_features_1": FINE[1], "image_embeddings": FEATURES,
        "point_coords": COORDS, "point_labels": LABELS.int(), "input_masks": MASK, "has_input_masks": HAS,
        "original_image_size": torch.tensor([256, 192], dtype=torch.int32),
    }  # fmt: skip
    export(folder / "sam2_image_decoder.onnx", Sized(3), inputs, SAM_OUTPUTS, SEVERAL)
    return folder


class Cut(LowDecoder):
    """Masks that are cut already."""

    def forward(self, features: Tensor, coords: Tensor, labels: Tensor) -> Any:
        scores, low = super().forward(features, coords, labels)
        return scores, low > 0


def cut_sam(folder: Path) -> Path:
    """A decoder that answers with yes and no."""
    edge_sam(folder)
    inputs = {"image_embeddings": FEATURES, "point_coords": COORDS, "point_labels": LABELS}
    export(folder / "edge_sam_decoder.onnx", Cut(), inputs, ["scores", "masks"], DYNAMIC_POINTS)
    return folder


class Halved(nn.Module):
    """A part that takes and gives numbers of 16 bits."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, *inputs: Tensor) -> Any:
        answer = self.part(*(each.float() for each in inputs))
        return tuple(each.half() for each in answer) if isinstance(answer, tuple) else answer.half()


def half_sam(folder: Path) -> Path:
    """All in numbers of 16 bits."""
    export(folder / "encoder_fp16.onnx", Halved(Pooled()), {"images": IMAGE.half()}, ["image_embeddings"])
    inputs = {
        "image_embeddings": FEATURES, "point_coords": COORDS, "point_labels": LABELS, "mask_input": MASK,
        "has_mask_input": HAS, "orig_im_size": torch.tensor([256.0, 192.0]),
    }  # fmt: skip
    inputs = {name: each.half() for name, each in inputs.items()}
    export(folder / "decoder_fp16.onnx", Halved(SamDecoder()), inputs, SAM_OUTPUTS, DYNAMIC_POINTS)
    return folder


class Mixed(Pooled):
    """An encoder with numbers of its own, without which nothing is found."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(3, 3, 1, bias=False)
        self.mix.weight = nn.Parameter(torch.eye(3)[:, :, None, None])

    def forward(self, image: Tensor) -> Tensor:
        features: Tensor = super().forward(self.mix(image))
        return features


def data_beside_sam(folder: Path) -> Path:
    """Numbers in a file beside the graph, as large models have to be written."""
    sam(folder)
    path = folder / "mobile_sam.encoder.onnx"
    model = onnx.load(export(path, Mixed(), {"images": IMAGE}, ["image_embeddings"]))
    data = "mobile_sam.encoder_data.bin"
    onnx.save(model, path, save_as_external_data=True, location=data, size_threshold=0)
    assert (folder / data).stat().st_size >= 36
    return folder


def shapeless_sam(folder: Path) -> Path:
    """A decoder whose file says no shape of anything."""
    sam(folder)
    path = folder / "mobile_sam.decoder.onnx"
    model = onnx.load(path)
    for port in (*model.graph.input, *model.graph.output):
        port.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    onnx.save(model, path)
    return folder


EVERY = (
    bytes_sam,
    landscape_sam,
    half_size_sam,
    hq_sam,
    sized_sam2,
    runtime_sam2,
    cut_sam,
    half_sam,
    data_beside_sam,
    shapeless_sam,
)
"""All of them."""
