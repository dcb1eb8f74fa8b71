"""What callers hand in, checked: images, clicks, boxes, earlier masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.errors import ModelError

MASK_LOGIT: Final = 6.0
"""How sure a mask that is given without logits is taken to be."""

DARK: Final = 160
"""A picture is dark if hardly a value is as high as this."""

BLACK_AND_WHITE: Final = (0.005, 0.998)
"""Shares of the values below what becomes black and white."""


@dataclass(frozen=True, slots=True)
class Pointing:
    """Clicks and a box, in pixels of the image they belong to.

    Attributes:
        xy: float32 [P, 2].
        is_positive: bool [P].
        box: float32 [4] as x0, y0, x1, y1, or None.
    """

    xy: NDArray[np.float32]
    is_positive: NDArray[np.bool_]
    box: NDArray[np.float32] | None

    def moved(self, offset_xy: tuple[float, float], scale_xy: tuple[float, float]) -> Pointing:
        """The same seen from an image that begins at ``offset_xy`` and is scaled by ``scale_xy``."""
        offset, scale = np.array(offset_xy, np.float32), np.array(scale_xy, np.float32)
        box = self.box
        if box is not None:
            box = ((box.reshape(2, 2) - offset) * scale).reshape(4)
        return Pointing((self.xy - offset) * scale, self.is_positive, box)


def brightened(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A dark picture with all its grey values made use of; any other as it is.

    Fluorescence fills a tenth of the range in one picture and half of it in the next. What an object is does not
    depend on that, but a few pictures cannot teach it.

    Args:
        image: uint8 [H, W, 3].
    """
    counts = np.bincount(image.ravel(), minlength=256)
    shares = counts.cumsum() / max(1, image.size)
    black, white = (int(np.searchsorted(shares, share)) for share in BLACK_AND_WHITE)
    if white >= DARK:
        return image
    table = (np.arange(256) - black) * (255 / max(8, white - black))
    return table.round().clip(0, 255).astype(np.uint8)[image]


def check_image(image: Any) -> NDArray[np.uint8]:
    """``image`` as uint8 [H, W, 3]; grey pictures get three equal channels.

    Raises:
        ModelError: it is something else; the message says how to convert it.
    """
    if not isinstance(image, np.ndarray):
        raise ModelError(
            f"The image must be a NumPy array, not a {type(image).__name__}.",
            action="Pass numpy.asarray(image).",
        )
    if image.dtype != np.uint8:
        raise ModelError(
            f"The image must hold uint8 values from 0 to 255, not {image.dtype}.", action=_to_uint8(image)
        )
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if image.ndim == 2:
        image = np.repeat(image[:, :, None], 3, axis=2)
    if image.ndim != 3 or image.shape[2] != 3:
        hint = "Drop the alpha channel with image[..., :3]." if image.shape[-1:] == (4,) else ""
        raise ModelError(
            f"The image must have the shape [height, width, 3], not {list(image.shape)}.",
            action=hint or "Put the three colours last, for instance with numpy.moveaxis(image, 0, -1).",
        )
    if image.size == 0:
        raise ModelError("The image has no pixels.", action="Check how it was read.")
    checked: NDArray[np.uint8] = image
    return checked


def _to_uint8(image: NDArray[Any]) -> str:
    if image.dtype == np.bool_:
        return "Pass image.astype(numpy.uint8) * 255."
    if np.issubdtype(image.dtype, np.floating):
        return "If it runs from 0 to 1, pass (image * 255).round().astype(numpy.uint8)."
    return "Stretch it first, for instance ((image - low) / (high - low) * 255).astype(numpy.uint8)."


def check_pointing(
    point_coords: ArrayLike | None,
    point_labels: ArrayLike | None,
    box: ArrayLike | None,
    shape: tuple[int, int],
) -> Pointing:
    """Clicks and box as `Pointing`.

    Args:
        point_coords: (x, y) of P clicks in pixels, or None.
        point_labels: 1 for the object, 0 for what is not; None where there are no clicks.
        box: x0, y0, x1, y1 in any order of the corners, or None.
        shape: (rows, columns) of the image.

    Raises:
        ModelError: the numbers do not belong together or lie outside.
    """
    xy = _numbers([] if point_coords is None else point_coords, "Clicks", "(x, y) pairs in pixels")
    if xy.size % 2:
        raise ModelError("Clicks must be (x, y) pairs.", action="Give two numbers per click.")
    xy = xy.reshape(-1, 2)
    labels = _numbers([] if point_labels is None else point_labels, "Labels of clicks", "1 or 0").reshape(-1)
    if len(xy) != len(labels):
        raise ModelError(
            f"There are {len(xy)} clicks but {len(labels)} labels.",
            action="Give one label, 1 or 0, per click.",
        )
    if not np.isin(labels, (0, 1)).all():
        raise ModelError("Labels of clicks must be 1 (object) or 0 (not).", action="Correct them.")
    rows, cols = shape
    if not bool(np.all((xy >= 0) & (xy <= (cols, rows)))):
        raise ModelError(
            f"A click lies outside the image, which is {cols} wide and {rows} high.",
            action="Give (x, y) in pixels, x first.",
        )
    return Pointing(xy, labels.astype(bool), None if box is None else _check_box(box, shape))


def _numbers(values: ArrayLike, what: str, wanted: str) -> NDArray[np.float32]:
    """``values`` as float32.

    Raises:
        ModelError: they are no numbers, or rows of different lengths.
    """
    try:
        return np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{what} must be numbers.", action=f"Give {wanted}.", detail=str(error)) from error


def _check_box(box: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float32]:
    corners = _numbers(box, "The corners of a box", "x0, y0, x1, y1").reshape(-1)
    if corners.size != 4 or not np.isfinite(corners).all():
        raise ModelError("A box must be four numbers x0, y0, x1, y1.", action="Correct it.")
    x0, x1 = np.sort(np.clip(corners[[0, 2]], 0, shape[1]))
    y0, y1 = np.sort(np.clip(corners[[1, 3]], 0, shape[0]))
    if x1 <= x0 or y1 <= y0:
        raise ModelError("The box is empty or outside the image.", action="Draw it over the object.")
    return np.array([x0, y0, x1, y1], dtype=np.float32)


def check_mask_input(mask_input: Any) -> NDArray[np.float32] | None:
    """An earlier answer as logits float32 [h, w]; masks of bool are taken as sure.

    Raises:
        ModelError: it is no picture of logits. Whole numbers are refused: 0 and 255 may be meant as a mask, or 0
            and 1, and as logits both would say something else.
    """
    if mask_input is None:
        return None
    mask = np.asarray(mask_input)
    if mask.ndim == 3 and mask.shape[0] == 1:
        mask = mask[0]
    if mask.ndim != 2 or mask.size == 0:
        raise ModelError(
            f"mask_input must have the shape [height, width], not {list(mask.shape)}.",
            action="Pass the logits that predict returned.",
        )
    if mask.dtype == np.bool_:
        return np.where(mask, np.float32(MASK_LOGIT), np.float32(-MASK_LOGIT))
    if not np.issubdtype(mask.dtype, np.floating):
        raise ModelError(
            f"mask_input must hold logits (float) or a mask (bool), not {mask.dtype}.",
            action="Pass the logits that predict returned, or a mask as mask > 0.",
        )
    logits = mask.astype(np.float32)
    if not np.isfinite(logits).all():
        raise ModelError("mask_input holds values that are not numbers.", action="Leave it out.")
    return logits
