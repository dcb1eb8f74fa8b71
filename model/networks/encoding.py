"""What the default network keeps of an image, what it is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Final, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from model.networks.backbone import Encoded, Pyramid, pad_to_stride
from model.networks.click_decoder import ClickBase
from model.networks.experts import AttentionMaps

PADDING: Final = 4
"""Kind of a prompt that is none."""


class TensorTree:
    """Dataclass of tensors (nested) that moves, casts and slices along the batch like one tensor."""

    def apply(self, function: Any) -> Self:
        """Return a copy with ``function`` applied to every tensor."""
        changes: dict[str, Any] = {}
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, Tensor):
                changes[field.name] = function(value)
            elif isinstance(value, TensorTree):
                changes[field.name] = value.apply(function)
            elif is_dataclass(value) and not isinstance(value, type):
                changes[field.name] = type(value)(
                    **{f.name: function(getattr(value, f.name)) for f in fields(value)}
                )
        return replace(self, **changes)  # type: ignore[type-var]

    def to(self, device: torch.device | str) -> Self:
        """Copy to a device."""
        return self.apply(lambda x: x.to(device))

    def detach(self) -> Self:
        """Cut off from the graph."""
        return self.apply(torch.detach)

    def __getitem__(self, index: slice | Tensor) -> Self:
        """Select along the batch."""
        return self.apply(lambda x: x[index])

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        total = 0

        def count(x: Tensor) -> Tensor:
            nonlocal total
            total += x.nbytes
            return x

        self.apply(count)
        return total


@dataclass(frozen=True, slots=True)
class Encoding(TensorTree):
    """An image as the network keeps it; independent of prompts and classes. h, w: padded size / 4.

    Attributes:
        tokens: [B, D, h, w], stride 4.
        detail: [B, C, 2h, 2w], stride 2, each position knows its 2x2 pixels: for crisp edges.
        base: the click decoder's view of the image.
        experts: learned experts after looking at this image, [B, K, D].
        look_keys: what prompt experts look at, [B, heads, N, d], stride 8.
        look_values: likewise.
        mix_queries: pixels' questions to the experts when clicks are there, [B, heads, N, d], stride 8.
        embed: unit vectors [B, E, h, w] in which clicks find their like.
        territory: how much each expert is asked, [B, K, h, w]; [B, 0, h, w] where experts do not decide.
        colour: [B, 3, h, w].
        bins: colour histogram cells, int64 [B, 2, h * w].
        size: height and width of the image in pixels.
    """

    tokens: Tensor
    detail: Tensor
    base: ClickBase
    experts: Tensor
    look_keys: Tensor
    look_values: Tensor
    mix_queries: Tensor
    embed: Tensor
    territory: Tensor
    colour: Tensor
    bins: Tensor
    size: tuple[int, int]

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width of the padded image."""
        return self.tokens.shape[-2] * 4, self.tokens.shape[-1] * 4


@dataclass(frozen=True, slots=True)
class DetailEncoding(Encoding):
    """`Encoding` with what the detail head wants.

    Attributes:
        class_tokens: [B, D, h, w], as classes see them.
        class_experts: the experts after looking at them, [B, K, D].
        class_detail: [B, C, 2h, 2w].
        mid: [B, C, h/2, w/2].
        deep: [B, C, h/4, w/4].
        encoded: what these were joined from; None where nothing reads it.
        image: padded, 0..1, [B, 3, 4h, 4w].
    """

    class_tokens: Tensor
    class_experts: Tensor
    class_detail: Tensor
    mid: Tensor
    deep: Tensor
    encoded: Encoded | None
    image: Tensor

    @classmethod
    def of(
        cls, base: Encoding, pyramid: Pyramid, experts: Tensor, padded: Tensor, *, encoded: Encoded | None
    ) -> DetailEncoding:
        """``base`` with what classes see: a pyramid, the experts after looking at it, and the padded image."""
        return cls(
            encoded=encoded,
            **{field.name: getattr(base, field.name) for field in fields(Encoding)},
            class_tokens=pyramid.tokens,
            class_experts=experts,
            class_detail=pyramid.detail,
            mid=pyramid.mid,
            deep=pyramid.deep,
            image=padded,
        )


@dataclass(frozen=True, slots=True)
class PromptTensors(TensorTree):
    """What the user pointed at.

    Attributes:
        points: (x, y) in pixels of the image, [B, P, 2]; the centre of the first pixel is (0.5, 0.5).
        labels: int64 [B, P]: 1 positive, 0 negative, -1 padding.
        boxes: [B, 4] as x0, y0, x1, y1 (rows of NaN: no box) or None.
    """

    points: Tensor
    labels: Tensor
    boxes: Tensor | None = None


@dataclass(frozen=True, slots=True)
class ClassOutput:
    """Class logits [B, C, H, W]; on request attention; logits of depth [B, 1, H, W] where it tells objects apart."""

    logits: Tensor
    maps: AttentionMaps | None
    depth: Tensor | None = None


@dataclass(frozen=True, slots=True)
class ObjectOutput:
    """Object logits [B, 1, H, W], predicted IoU [B], on request attention (learned, then prompt experts)."""

    logits: Tensor
    score: Tensor
    maps: AttentionMaps | None


def cropped(logits: Tensor, encoding: Encoding) -> Tensor:
    """Logits [B, C, H, W] of the padded image without the padding."""
    height, width = encoding.size
    return logits[:, :, :height, :width]


def previous_at_tokens(encoding: Encoding, previous: Tensor | None) -> Tensor:
    """Logits [B, 1, H, W] of the answer so far, or None -> probability at stride 4, [B, 1, h, w]."""
    batch, _, height, width = encoding.tokens.shape
    if previous is None:
        return encoding.colour.new_zeros(batch, 1, height, width)
    padded = pad_to_stride(torch.sigmoid(previous.float()))
    return F.avg_pool2d(padded, 4)


def pointed_at(prompts: PromptTensors) -> tuple[Tensor, Tensor]:
    """Places of clicks and of the corners of boxes.

    Returns:
        xy float32 [B, P (+ 2), 2] in pixels, and kinds int64 [B, P (+ 2)]: 0 negative, 1 positive, 2 and 3 two
        corners of a box, `PADDING`.
    """
    points, labels = prompts.points.float(), prompts.labels
    kind = torch.where(labels < 0, PADDING, labels)
    if prompts.boxes is None:
        return points, kind
    corners = prompts.boxes.float().view(-1, 2, 2)  # [B, 2, 2]
    missing = corners.isnan().any(-1).any(-1, keepdim=True).expand(-1, 2)
    points = torch.cat((points, corners.nan_to_num(0.0)), dim=1)
    corner_kind = torch.tensor((2, 3), device=kind.device).expand(kind.shape[0], 2)
    return points, torch.cat((kind, torch.where(missing, PADDING, corner_kind)), dim=1)
