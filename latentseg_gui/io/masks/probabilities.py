"""The probability of every class at every pixel, for further calculation: TIFF with a page per class, or NPZ."""

from __future__ import annotations

import io
import json

import numpy as np
import tifffile
from numpy.typing import NDArray

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.io.masks.values import MaskError, MaskItem, origin

FULL = 65535
"""What a probability of 1 is in a TIFF."""


def probability_tiff(item: MaskItem, classes: ClassTable) -> bytes:
    """One 16-bit page per class, 0 to 65535 for 0 to 1; the names of the classes are in the description."""
    values = _probabilities(item)
    about = {**origin(item, classes), "full": FULL, "axes": "class, row, column"}
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, bigtiff=values.nbytes > 2**31) as writer:
        for index, page in enumerate(values):
            writer.write(
                page,
                photometric="minisblack",
                compression="zlib",
                predictor=True,
                contiguous=False,
                description=json.dumps(about) if index == 0 else None,
                metadata=None,
            )
    return buffer.getvalue()


def probability_npz(item: MaskItem, classes: ClassTable) -> bytes:
    """Arrays: probabilities float16 [C, H, W] in 0..1, class_names, class_colours, weights."""
    values = _probabilities(item)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        probabilities=np.divide(values, FULL, dtype=np.float32).astype(np.float16),
        class_names=np.array(classes.names),
        class_colours=np.array(classes.colours),
        weights=np.array(item.version),
    )
    return buffer.getvalue()


def _probabilities(item: MaskItem) -> NDArray[np.uint16]:
    if item.probabilities is None:
        raise MaskError(
            f"There is no prediction of “{item.image_name or item.stem}” that knows all probabilities.",
            action="Predict the image first.",
        )
    return item.probabilities
