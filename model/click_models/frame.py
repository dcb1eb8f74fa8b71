"""From the pixels of an image to the frame that a click model sees, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from model.click_models.signature import DEFAULT_SIDE, Family, Signature, sides_of

_MEAN: Final = (123.675, 116.28, 103.53)
_SCALE: Final = (58.395, 57.12, 57.375)
"""Of the pixels of ImageNet, 0..255, which all of these models were trained with."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where an image lies in what a click model sees: at the top left, perhaps padded at the right and below.

    Attributes:
        shape: (rows, columns) of the image.
        size: (rows, columns) that it has in the frame.
        canvas: (rows, columns) of the frame, in which points are counted.
        seen: (rows, columns) that the image has for the encoder, which may want it in another size.
        whole: (rows, columns) of what the encoder is given.
    """

    shape: tuple[int, int]
    size: tuple[int, int]
    canvas: tuple[int, int]
    seen: tuple[int, int]
    whole: tuple[int, int]

    def inside(self, xy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points (x, y), whose first pixel covers 0..1, as these models count them: its centre is 0; [P, 2]."""
        scale = self.size[1] / self.shape[1], self.size[0] / self.shape[0]
        return (xy * np.array(scale, np.float32) - np.float32(0.5)).astype(np.float32)


def frame_of(signature: Signature, shape: tuple[int, int]) -> Frame:
    """Where an image of ``shape`` lies for a click model."""
    rows, cols = sides_of(signature.image)
    if signature.family is Family.EFFICIENT_SAM:
        size = _fitted(shape, min(1.0, DEFAULT_SIDE / max(shape)))
        if rows is not None and cols is not None:
            size = rows, cols
        return Frame(shape, size, size, size, size)
    canvas = signature.canvas
    whole = rows or canvas[0], cols or canvas[1]
    if signature.family is Family.SAM2:
        return Frame(shape, canvas, canvas, whole, whole)
    seen = _fitted(shape, min(whole[0] / shape[0], whole[1] / shape[1]))
    return Frame(shape, _fitted(seen, max(canvas) / max(whole)), canvas, seen, whole)


def _fitted(shape: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, int(shape[0] * scale + 0.5)), max(1, int(shape[1] * scale + 0.5))


def image_tensor(signature: Signature, frame: Frame, pixels: NDArray[np.uint8]) -> NDArray[Any]:
    """An image, uint8 [H, W, 3], as the encoder wants it: float32, with the sides and the range that it takes."""
    image = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float()  # [1, 3, H, W]
    image = F.interpolate(image, frame.seen, mode="bilinear", antialias=True).clamp_(0, 255)  # [1, 3, h, w]
    if signature.is_channels_last:
        return _channels_last(signature, image)
    if signature.image.dtype == np.uint8:  # it can only be pixel values
        return _padded(image.round(), frame.whole).numpy()
    if signature.family is Family.EFFICIENT_SAM:
        return (image / 255).numpy()
    mean, scale = (torch.tensor(each).reshape(1, 3, 1, 1) for each in (_MEAN, _SCALE))  # [1, 3, 1, 1]
    return _padded((image - mean) / scale, frame.whole).numpy()


def _channels_last(signature: Signature, image: Tensor) -> NDArray[Any]:
    """Pixel values as they are, [h, w, 3] or with a batch before it; padded only where the sides are fixed."""
    rows, cols = sides_of(signature.image)
    image = _padded(image, (rows or image.shape[-2], cols or image.shape[-1]))
    last = image[0].permute(1, 2, 0).round().numpy()  # [h, w, 3]
    return last if len(signature.image.shape) == 3 else last[None]


def _padded(image: Tensor, canvas: tuple[int, int]) -> Tensor:
    missing = canvas[1] - image.shape[-1], canvas[0] - image.shape[-2]
    return F.pad(image, (0, max(0, missing[0]), 0, max(0, missing[1])))


def to_image(frame: Frame, logits: NDArray[np.float32], *, is_padded: bool) -> NDArray[np.float32]:
    """Logits [h, w] of the frame as logits [H, W] of the image.

    Args:
        frame: that they are of.
        logits: of the whole frame, or only of the part with the image.
        is_padded: whether they are of the whole frame.
    """
    found = torch.from_numpy(np.ascontiguousarray(logits, np.float32))[None, None]  # [1, 1, h, w]
    if is_padded and frame.size != frame.canvas:
        found = F.interpolate(found, frame.canvas, mode="bilinear")
        found = found[..., : frame.size[0], : frame.size[1]]
    if tuple(found.shape[-2:]) != frame.shape:
        found = F.interpolate(found, frame.shape, mode="bilinear")
    return np.asarray(found[0, 0].numpy(), np.float32)


def from_image(frame: Frame, logits: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Logits [H, W] of the image as those of the frame at ``size``; what is padded is surely not the object."""
    found = torch.from_numpy(np.ascontiguousarray(logits, np.float32))[None, None]  # [1, 1, H, W]
    rows = max(1, round(size[0] * frame.size[0] / frame.canvas[0]))
    cols = max(1, round(size[1] * frame.size[1] / frame.canvas[1]))
    inside = F.interpolate(found, (rows, cols), mode="bilinear", antialias=True)[0, 0].numpy()
    whole = np.full(size, np.float32(-10.0))
    whole[:rows, :cols] = inside
    return whole
