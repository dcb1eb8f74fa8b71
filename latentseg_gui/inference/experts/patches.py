"""What excites an expert: pictures of the squares that it has most to do with."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.experts.experts import ExpertPatch, ExpertPatches
from latentseg_gui.document.types import Rect
from model.analysis.patches import Patch, strongest_patches
from model.prediction.resample import resize_pixels

OF_ONE_IMAGE: Final = 4
"""So many squares of one image at most, so that a dozen show more than one image."""

PICTURE_SIDE: Final = 96
"""Pixels along a side of what is shown."""


def patches_of(
    mix: NDArray[np.floating[Any]], pixels: NDArray[np.uint8], image_id: str, version: str
) -> ExpertPatches:
    """The squares that each expert has most to do with.

    Args:
        mix: mean of the heads, [K, h, w], over the whole image.
        pixels: RGB, uint8 [H, W, 3].
        image_id: of the image.
        version: of the weights.
    """
    found = strongest_patches(mix, (pixels.shape[0], pixels.shape[1]), OF_ONE_IMAGE)
    return ExpertPatches(
        image_id, version, tuple(tuple(_shown(each, pixels, image_id) for each in one) for one in found)
    )


def _shown(patch: Patch, pixels: NDArray[np.uint8], image_id: str) -> ExpertPatch:
    rect = Rect(patch.row, patch.col, patch.row + patch.side, patch.col + patch.side)
    picture = pixels[rect.slices]
    side = min(patch.side, PICTURE_SIDE)
    return ExpertPatch(image_id, patch.share, rect, resize_pixels(picture, (side, side)).copy())
