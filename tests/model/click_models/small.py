"""Small click models with the inputs and outputs of common exports: the object is what has the colour clicked on."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 256
STRIDE = 16
LOW = 4 * SIDE // STRIDE
DYNAMIC_POINTS = {"point_coords": {1: "n"}, "point_labels": {1: "n"}}


def export(
    path: Path, module: nn.Module, inputs: dict[str, Tensor], outputs: list[str], axes: Any = None
) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    return path


class Pooled(nn.Module):
    """An encoder: mean colours of squares, or of ``stages`` several finer ones."""

    def __init__(self, strides: tuple[int, ...] = (STRIDE,), divisor: float = 1.0) -> None:
        super().__init__()
        self.strides, self.divisor = strides, divisor

    def forward(self, image: Tensor) -> Any:
        maps = tuple(F.avg_pool2d(image / self.divisor, stride) for stride in self.strides)
        return maps[0] if len(maps) == 1 else maps


class Preprocessing(nn.Module):
    """An encoder that takes [H, W, 3] as it is, scales it by itself and pads it."""

    def forward(self, image: Tensor) -> Tensor:
        x = image.permute(2, 0, 1)[None] / 60 - 2
        x = F.pad(x, (0, SIDE - x.shape[-1], 0, SIDE - x.shape[-2]))
        return F.avg_pool2d(x, STRIDE)


class Alike(nn.Module):
    """A decoder: what is near to the colour at the clicks, and not to that at the negative ones."""

    def __init__(self, count: int = 4, step: float = 0.25) -> None:
        super().__init__()
        self.count, self.step = count, step

    def logits(self, features: Tensor, coords: Tensor, labels: Tensor, side: float = SIDE) -> Tensor:
        maps = F.interpolate(features, (LOW, LOW), mode="nearest")[0]  # [3, low, low]
        at = ((coords + 0.5) / side * LOW).long().clamp(0, LOW - 1)  # [P, 2]
        colours = maps[:, at[:, 1], at[:, 0]]  # [3, P]
        far = (maps[:, None] - colours[:, :, None, None]).abs().mean(0)  # [P, low, low]
        near = 1.0 - 2 * far
        is_on = (labels >= 1).float()[:, None, None]
        is_off = (labels == 0).float()[:, None, None]
        best = (near * is_on - 9 * (1 - is_on)).max(0).values
        worst = (near * is_off - 9 * (1 - is_off)).max(0).values
        return 4 * (best - worst.clamp(min=0) * 2)  # [low, low]

    def several(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """[1, M, low, low] and [1, M]: the same mask, each a little smaller than the one before."""
        steps = torch.arange(self.count, dtype=torch.float32)
        return logits[None, None] - self.step * steps[None, :, None, None], 0.9 - 0.1 * steps[None]


class SamDecoder(Alike):
    def forward(
        self, features: Tensor, coords: Tensor, labels: Tensor, mask: Tensor, has_mask: Tensor, size: Tensor
    ) -> Any:
        logits = self.logits(features, coords[0], labels[0]) + has_mask * mask[0, 0]
        low, scores = self.several(logits)
        # As the official export, whose crop was frozen when it was traced: of no use for other images.
        return F.interpolate(low, (SIDE, SIDE)) + 0 * size.sum(), scores, low


class LowDecoder(Alike):
    """Without mask input and sizes, as EdgeSAM."""

    def forward(self, features: Tensor, coords: Tensor, labels: Tensor) -> Any:
        low, scores = self.several(self.logits(features, coords[0], labels[0]))
        return scores, low


class Sam2Decoder(Alike):
    def forward(
        self,
        features: Tensor,
        fine0: Tensor,
        fine1: Tensor,
        coords: Tensor,
        labels: Tensor,
        mask: Tensor,
        has: Tensor,
    ) -> Any:
        logits = (
            self.logits(features, coords[0], labels[0]) + has * mask[0, 0] + 0 * (fine0.sum() + fine1.sum())
        )
        return self.several(logits)


class EfficientDecoder(Alike):
    def forward(self, features: Tensor, coords: Tensor, labels: Tensor, size: Tensor) -> Any:
        scale = SIDE / torch.stack((size[1], size[0])).float()
        logits = self.logits(features, coords[0, 0] * scale, labels[0, 0])
        low, scores = self.several(logits)
        masks = F.interpolate(low, (size[0], size[1]), mode="bilinear")  # type: ignore[arg-type]
        return masks[None], scores[None], low


class EfficientEncoder(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        scaled = F.interpolate(image, (SIDE, SIDE), mode="bilinear")
        return F.avg_pool2d(scaled * 4, STRIDE)


class EfficientWhole(EfficientDecoder):
    """One graph that takes image and clicks."""

    def __init__(self, count: int = 3) -> None:
        super().__init__(count)
        self.encoder = EfficientEncoder()

    def forward(self, image: Tensor, coords: Tensor, labels: Tensor) -> Any:  # type: ignore[override]
        size = torch._shape_as_tensor(image)[2:]
        return super().forward(self.encoder(image), coords, labels, size)[:2]


IMAGE = torch.rand(1, 3, SIDE, SIDE)
FEATURES = torch.rand(1, 3, SIDE // STRIDE, SIDE // STRIDE)
COORDS, LABELS = torch.rand(1, 3, 2), torch.ones(1, 3)
MASK, HAS = torch.zeros(1, 1, LOW, LOW), torch.zeros(1)
SIZE = torch.tensor([256.0, 192.0])
BATCHED = {"batched_point_coords": {2: "n"}, "batched_point_labels": {2: "n"}}


def sam(
    folder: Path, count: int = 4, image: str = "images", stem: str = "mobile_sam", step: float = 0.25
) -> Path:
    """As segment-anything and MobileSAM: decoder by the official script, encoder by others."""
    export(folder / f"{stem}.encoder.onnx", Pooled(), {image: IMAGE}, ["image_embeddings"])
    inputs = {
        "image_embeddings": FEATURES, "point_coords": COORDS, "point_labels": LABELS, "mask_input": MASK,
        "has_mask_input": HAS, "orig_im_size": SIZE,
    }  # fmt: skip
    names = ["masks", "iou_predictions", "low_res_masks"]
    export(folder / f"{stem}.decoder.onnx", SamDecoder(count, step), inputs, names, DYNAMIC_POINTS)
    return folder


def sam_with_preprocessing(folder: Path) -> Path:
    """The same with an encoder that takes pixels as they are."""
    sam(folder)
    axes = {"input_image": {0: "rows", 1: "columns"}}
    picture = {"input_image": torch.rand(100, SIDE, 3) * 255}
    export(folder / "mobile_sam.encoder.onnx", Preprocessing(), picture, ["image_embeddings"], axes)
    return folder


def edge_sam(folder: Path) -> Path:
    export(folder / "edge_sam_encoder.onnx", Pooled(), {"image": IMAGE}, ["image_embeddings"])
    inputs = {"image_embeddings": FEATURES, "point_coords": COORDS, "point_labels": LABELS}
    export(folder / "edge_sam_decoder.onnx", LowDecoder(), inputs, ["scores", "masks"], DYNAMIC_POINTS)
    return folder


def sam2(folder: Path) -> Path:
    """As the exports of SAM 2 with features at three scales."""
    strides = (4, 8, STRIDE)
    names = ["high_res_feats_0", "high_res_feats_1", "image_embed"]
    export(folder / "sam2_tiny.encoder.onnx", Pooled(strides), {"image": IMAGE}, names)
    fine0, fine1 = torch.rand(1, 3, SIDE // 4, SIDE // 4), torch.rand(1, 3, SIDE // 8, SIDE // 8)
    inputs = {
        "image_embed": FEATURES, "high_res_feats_0": fine0, "high_res_feats_1": fine1, "point_coords": COORDS,
        "point_labels": LABELS, "mask_input": MASK, "has_mask_input": HAS,
    }  # fmt: skip
    axes = {name: {0: "k", 1: "n"} for name in ("point_coords", "point_labels")}
    export(folder / "sam2_tiny.decoder.onnx", Sam2Decoder(3), inputs, ["masks", "iou_predictions"], axes)
    return folder


def efficient_sam(folder: Path) -> Path:
    """As EfficientSAM in two parts, for images of any size."""
    axes = {"batched_images": {0: "b", 2: "rows", 3: "columns"}}
    export(
        folder / "efficient_encoder.onnx",
        EfficientEncoder(),
        {"batched_images": IMAGE},
        ["image_embeddings"],
        axes,
    )
    inputs = {
        "image_embeddings": FEATURES, "batched_point_coords": COORDS[None], "batched_point_labels": LABELS[None],
        "orig_im_size": torch.tensor([256, 192]),
    }  # fmt: skip
    names = ["output_masks", "iou_predictions", "low_res_masks"]
    export(folder / "efficient_decoder.onnx", EfficientDecoder(3), inputs, names, BATCHED)
    return folder


def efficient_sam_whole(folder: Path) -> Path:
    """As EfficientSAM in one file."""
    axes = {"batched_images": {0: "b", 2: "rows", 3: "columns"}, **BATCHED}
    inputs = {
        "batched_images": IMAGE, "batched_point_coords": COORDS[None], "batched_point_labels": LABELS[None],
    }  # fmt: skip
    names = ["output_masks", "iou_predictions"]
    return export(folder / "efficient_sam.onnx", EfficientWhole(), inputs, names, axes)


class HubDecoder(Alike):
    """Points with a side for objects, labels as whole numbers, and a second output of the encoder."""

    def forward(self, coords: Tensor, labels: Tensor, features: Tensor, places: Tensor) -> Any:
        logits = self.logits(features, coords[0, 0], labels[0, 0].float()) + 0 * places.sum()
        low, scores = self.several(logits)
        return scores[None], low[None]


class Placed(Pooled):
    def forward(self, image: Tensor) -> Any:
        features = super().forward(image)
        return features, features * 0 + 1


def hub_sam(folder: Path) -> Path:
    """As the exports of transformers and its relatives."""
    names = ["image_embeddings", "image_positional_embeddings"]
    export(folder / "vision_encoder.onnx", Placed(), {"pixel_values": IMAGE}, names)
    inputs = {
        "input_points": COORDS[None], "input_labels": LABELS[None].long(), "image_embeddings": FEATURES,
        "image_positional_embeddings": FEATURES,
    }  # fmt: skip
    axes = {"input_points": {2: "n"}, "input_labels": {2: "n"}}
    decoder = folder / "prompt_encoder_mask_decoder.onnx"
    export(decoder, HubDecoder(3), inputs, ["iou_scores", "pred_masks"], axes)
    return folder


class HubDecoder2(Alike):
    """Features at three scales, points with a side for objects, boxes in an input of their own."""

    def forward(
        self, coords: Tensor, labels: Tensor, boxes: Tensor, fine0: Tensor, fine1: Tensor, features: Tensor
    ) -> Any:
        corners = boxes.reshape(1, -1, 2)
        middle = corners.sum(1) / 2  # [1, 2]; of no box, the corner, which counts for nothing
        has_box = (corners.sum() > 0).float().reshape(1)
        points = torch.cat((coords[0, 0], middle))
        kinds = torch.cat((labels[0, 0].float(), 2 * has_box - 1))
        logits = self.logits(features, points, kinds) + 0 * (fine0.sum() + fine1.sum())
        low, scores = self.several(logits)
        return scores[None], low[None]


def hub_sam2(folder: Path) -> Path:
    """As the exports of transformers of SAM 2."""
    names = [f"image_embeddings.{level}" for level in range(3)]
    export(folder / "vision_encoder.onnx", Pooled((4, 8, STRIDE)), {"pixel_values": IMAGE}, names)
    fine0, fine1 = torch.rand(1, 3, SIDE // 4, SIDE // 4), torch.rand(1, 3, SIDE // 8, SIDE // 8)
    inputs = {
        "input_points": COORDS[None], "input_labels": LABELS[None].long(), "input_boxes": torch.rand(1, 1, 4),
        names[0]: fine0, names[1]: fine1, names[2]: FEATURES,
    }  # fmt: skip
    axes = {"input_points": {2: "n"}, "input_labels": {2: "n"}, "input_boxes": {1: "m"}}
    decoder = folder / "prompt_encoder_mask_decoder.onnx"
    export(decoder, HubDecoder2(3), inputs, ["iou_scores", "pred_masks"], axes)
    return folder
