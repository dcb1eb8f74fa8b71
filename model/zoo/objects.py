"""Networks that tell objects apart: Mask R-CNN, and Panoptic FPN with Mask R-CNN's branch on its pyramid.

`ObjectNetwork` stands behind the doors of `DenseNetwork`, so that tiles, averaging, evaluation and files know it
already; what it has found is in its encoding besides. What differs from the sources: the class map of Mask R-CNN is
painted from its objects, so that every pixel has an answer; in Panoptic FPN the branch for areas knows the classes
of objects as well and decides on every pixel, and the objects say which of them belong together (Kirillov and
others leave pixels of things without an object unlabelled).
Shapes: B images, N objects, C classes, background (0) among them, H and W the size of an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.zoo.dense import (
    ALWAYS,
    OBJECTS,
    SCORE,
    SMALLEST,
    DenseConfig,
    DenseEncoding,
    DenseKind,
    DenseNetwork,
    Sizes,
)
from model.zoo.panoptic_fpn import PYRAMID_WIDTH, PanopticFPN, pyramid_layers, top_down
from model.zoo.regions import LEAST_SCORE, Detections, RegionBranch

SUREST: Final = 8.0
"""Logit of a pixel of which a mask is as sure as can be."""

LEAST_LEFT: Final = 0.6
"""Share of its mask that an object keeps from surer ones; with less it is no object of its own."""


@dataclass(frozen=True, slots=True)
class ObjectEncoding(DenseEncoding):
    """`DenseEncoding` with the objects of the (first) image."""

    objects: Detections

    @property
    def nbytes(self) -> int:
        """Memory taken."""
        return self.tokens.nbytes + self.objects.nbytes

    def to(self, device: torch.device | str) -> ObjectEncoding:
        """The same on ``device``."""
        return ObjectEncoding(self.tokens.to(device), self.padded, self.size, self.objects.to(device))


class MaskRCNNCore(nn.Module):
    """Backbone, pyramid, and what finds objects on it.

    Levels are normalised (Wu and He, "Group Normalization", arXiv:1803.08494): pictures differ in light and contrast
    more than a few of them can teach.

    Args:
        backbone: image -> four maps, fine to coarse (strides 4, 8, 16, 32).
        widths: channels of its maps.
        num_classes: C.
        pyramid_width: channels of the levels; the source has 256.
        box_width: of the box branch; the source has 1,024.
        mask_width: of the mask branch; the source has 256.

    Shape:
        - input: [B, 3, H, W], H and W multiples of 32
        - output: "fpn_features": four maps [B, pyramid_width, ...], fine to coarse
    """

    def __init__(
        self,
        backbone: nn.Module,
        widths: Sequence[int],
        num_classes: int,
        *,
        pyramid_width: int,
        box_width: int,
        mask_width: int,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.fpn = pyramid_layers(widths, pyramid_width)
        self.norms = nn.ModuleList(nn.GroupNorm(pyramid_width // 8, pyramid_width) for _ in widths)
        self.regions = RegionBranch(pyramid_width, num_classes, box_width=box_width, mask_width=mask_width)
        is_thing = torch.ones(num_classes, dtype=torch.uint8)
        is_thing[:1] = 0
        self.register_buffer("things", is_thing)

    def forward(self, image: Tensor) -> dict[str, list[Tensor]]:
        """The pyramid."""
        levels = top_down(self.fpn, self.backbone(image))
        return {"fpn_features": [norm(x) for norm, x in zip(self.norms, levels, strict=True)]}


class PanopticCore(PanopticFPN):
    """Panoptic FPN with the branch for objects.

    Args:
        backbone: as of `PanopticFPN`.
        num_classes: C, of areas and objects.
        widths: channels of the backbone's maps.
        box_width: of the box branch.
        mask_width: of the mask branch.
    """

    def __init__(
        self,
        backbone: nn.Module,
        num_classes: int,
        widths: Sequence[int],
        *,
        box_width: int,
        mask_width: int,
    ) -> None:
        super().__init__(backbone, num_classes, num_classes, widths=widths)
        self.regions = RegionBranch(PYRAMID_WIDTH, num_classes, box_width=box_width, mask_width=mask_width)
        self.register_buffer("things", torch.zeros(num_classes, dtype=torch.uint8))


class ObjectNetwork(DenseNetwork):
    """`DenseNetwork` that tells objects apart, where it has learned to."""

    @property
    def regions(self) -> RegionBranch | None:
        """What finds objects; None where only areas were learned."""
        return cast("RegionBranch | None", getattr(self.core, "regions", None))

    @property
    def is_made_of_objects(self) -> bool:
        """Whether there is no other answer than the objects."""
        return self.kind.objects == ALWAYS

    @property
    def things(self) -> frozenset[int]:
        """Classes whose objects are told apart."""
        if self.regions is None:
            return frozenset()
        return frozenset(cast(Tensor, self.core.things).nonzero().flatten().tolist())

    @property
    def smallest(self) -> int:
        """Pixels of the smallest object that it takes for one."""
        return int(self.config.sizes.get(SMALLEST, 0))

    @property
    def least_score(self) -> float:
        """How sure it must be of an object to count it, 0..1."""
        return min(100, int(self.config.sizes.get(SCORE, round(100 * LEAST_SCORE)))) / 100

    @least_score.setter
    def least_score(self, score: float) -> None:
        sizes = {**self.config.sizes, SCORE: round(100 * score)}
        self.config = DenseConfig(self.config.num_classes, sizes)

    def levels_and_areas(self, shown: Tensor) -> tuple[list[Tensor], Tensor | None]:
        """The pyramid of a picture as `padded` gives it, and the logits of its areas, if there are any."""
        answer = self.core(shown)
        return answer["fpn_features"], answer.get("semantic")

    def encode(self, image: Tensor) -> DenseEncoding:
        """Image [B, 3, H, W] in 0..1, any size from 1x1 -> `ObjectEncoding`; of objects, those of the first image."""
        return self.encode_from(image, self.least_score)

    def encode_from(self, image: Tensor, least: float) -> DenseEncoding:
        """As `encode`, with all objects that have at least this score."""
        regions = self.regions
        if regions is None:
            return super().encode(image)
        shown = self.padded(image)
        padded, size = (shown.shape[-2], shown.shape[-1]), (image.shape[-2], image.shape[-1])
        levels, areas = self.levels_and_areas(shown)
        things = cast(Tensor, self.core.things)
        found = [each.of_things(things) for each in regions.detect(levels, padded, least)]
        if areas is None:
            areas = torch.stack([painted_objects(each, self.config.num_classes, padded)[0] for each in found])
        return ObjectEncoding(areas, padded, size, found[0])

    def surer(self, encoding: DenseEncoding, least: float) -> DenseEncoding:
        """What `encode_from` would have given for this score, which is not below that of ``encoding``; of one image."""
        if not isinstance(encoding, ObjectEncoding):
            return encoding
        found, areas = encoding.objects.surer(least), encoding.tokens
        if self.is_made_of_objects:
            areas = painted_objects(found, self.config.num_classes, encoding.padded)[0][None]
        return ObjectEncoding(areas, encoding.padded, encoding.size, found)

    def encode_for_classes(self, image: Tensor) -> DenseEncoding:
        """As `encode`, for `classify` alone: objects are found only where they decide on classes."""
        return self.encode(image) if self.is_made_of_objects else super().encode(image)

    def numbers(self, encoding: DenseEncoding) -> tuple[Tensor, Tensor]:
        """The objects of an image.

        Returns:
            Numbers int32 [H, W] from 1 in the order of their scores, 0 for none; and the class of each number,
            int64 [N + 1], 0 for number 0.
        """
        height, width = encoding.size
        if not isinstance(encoding, ObjectEncoding):
            none = torch.zeros(encoding.size, dtype=torch.int32, device=encoding.tokens.device)
            return none, torch.zeros(1, dtype=torch.long)
        found = encoding.objects
        numbers = painted_objects(found, self.config.num_classes, encoding.padded)[1]
        numbers = without_covered(numbers, found)
        return numbers[:height, :width], F.pad(found.classes, (1, 0))

    def telling_apart(self, things: frozenset[int], smallest: int = 0) -> ObjectNetwork:
        """Copy that can learn to find the objects of these classes, besides those that it knows.

        Args:
            things: classes.
            smallest: pixels of the smallest object that is taken for one.
        """
        sizes = {**self.config.sizes, SMALLEST: smallest}
        sizes |= {} if self.is_made_of_objects else {OBJECTS: 1}
        made = type(self)(self.kind, self.config.num_classes, sizes)
        made.to(next(self.parameters()).device, self.dtype)
        made.load_state_dict(self.state_dict(), strict=False)
        known = cast(Tensor, made.core.things)
        for thing in things:
            known[thing] = 1
        return made.train(self.training)


def network_of(kind: DenseKind, num_classes: int, sizes: Sizes | None = None) -> DenseNetwork:
    """A network of ``kind`` with fresh weights."""
    return (ObjectNetwork if kind.objects else DenseNetwork)(kind, num_classes, sizes)


def painted_objects(found: Detections, num_classes: int, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Objects on a picture.

    A pixel belongs to the object whose mask, weighted by its score, is surest of it. The score draws what is said of
    a pixel towards "perhaps", and leaves the outline where the mask has it.

    Args:
        found: the objects.
        num_classes: C.
        size: (rows, columns) of the picture.

    Returns:
        Class logits float32 [C, H, W], 0 for the background; numbers int32 [H, W], from 1 in the order of ``found``.
    """
    logits = found.masks.new_full((num_classes, *size), -SUREST)
    logits[:1] = 0
    numbers = torch.zeros(size, dtype=torch.int32, device=logits.device)
    best = torch.zeros(size, device=logits.device)
    boxes, classes, scores = found.boxes.tolist(), found.classes.tolist(), found.scores.tolist()
    for index, (box, class_id, score) in enumerate(zip(boxes, classes, scores, strict=True)):
        rows, cols = _covered(box[1], box[3], size[0]), _covered(box[0], box[2], size[1])
        if rows.start >= rows.stop or cols.start >= cols.stop:
            continue
        sure = score * _on_pixels(found.masks[index], box, rows, cols)
        logits[class_id, rows, cols] = torch.maximum(logits[class_id, rows, cols], sure)
        is_best = sure > best[rows, cols]
        numbers[rows, cols][is_best] = index + 1
        best[rows, cols] = torch.maximum(best[rows, cols], sure)
    return logits, numbers


def without_covered(numbers: Tensor, found: Detections) -> Tensor:
    """Numbers int32 [H, W] without objects that surer ones cover: these were found once more.

    Args:
        numbers: as `painted_objects` gives them.
        found: the objects.
    """
    ends = numbers.new_tensor((numbers.shape[1], numbers.shape[0]) * 2)
    boxes = found.boxes.clamp(min=0).minimum(ends.to(found.boxes.dtype))  # [N, 4]
    areas = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1)  # [N]
    whole = F.pad(areas * (found.masks > 0.5).float().mean((1, 2)), (1, 0))  # [N + 1]
    left = torch.bincount(numbers.flatten(), minlength=len(whole))
    is_covered = left < LEAST_LEFT * whole
    return numbers.masked_fill(is_covered[numbers.long()], 0)


def _covered(low: float, high: float, limit: int) -> slice:
    """Rows or columns of which a box covers something."""
    return slice(max(0, int(low)), min(limit, -int(-high // 1)))


def _on_pixels(mask: Tensor, box: Sequence[float], rows: slice, cols: slice) -> Tensor:
    """Logits of a mask [28, 28] at the pixels of a part of a picture, [rows, cols]."""
    x, y = (
        ((torch.arange(part.start, part.stop, device=mask.device) + 0.5 - low) / max(high - low, 1e-3)) * 2
        - 1
        for part, low, high in ((cols, box[0], box[2]), (rows, box[1], box[3]))
    )
    grid = torch.stack((x.expand(len(y), -1), y[:, None].expand(-1, len(x))), dim=-1)[None]  # [1, h, w, 2]
    seen = F.grid_sample(mask[None, None], grid, padding_mode="zeros", align_corners=False)[0, 0]
    return seen.logit(eps=1e-6).clamp(-SUREST, SUREST)
