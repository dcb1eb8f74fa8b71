"""Small pictures for the file list, read reduced where the format can do so."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentseg_gui.io.images import display, pillow_reader, structures
from latentseg_gui.io.images.budget import BYTES_PER_PIXEL, MemoryLimit
from latentseg_gui.io.images.image_errors import ImageTooLargeError
from latentseg_gui.io.images.reading import probe, read_image
from latentseg_gui.io.images.time_limit import in_time
from latentseg_gui.io.regular_files import open_regular

GLANCE_PIXELS: Final = 120_000
_BAND_PIXELS: Final = 1 << 21


def reduced(
    pixels: NDArray[np.uint8], labels: NDArray[np.uint8], max_pixels: int = GLANCE_PIXELS
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """An image uint8 [H, W, 3] and its labels uint8 [H, W], both of at most about ``max_pixels`` pixels."""
    rows, cols = labels.shape
    factor = math.sqrt(max_pixels / max(rows * cols, 1))
    if factor >= 1:
        return pixels, labels
    size = max(1, round(rows * factor)), max(1, round(cols * factor))
    small = _boxed(pixels, size)
    picked = ((np.arange(n) * m) // n for n, m in zip(size, labels.shape, strict=True))
    return small, labels[np.ix_(*picked)]


def _boxed(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Means of boxes, uint8 [*size, 3]; in bands, for Pillow copies what it is given."""
    small = np.empty((*size, 3), np.uint8)
    per_row = pixels.shape[0] / size[0]
    rows = max(1, int(_BAND_PIXELS / (per_row * pixels.shape[1])))
    for top in range(0, size[0], rows):
        bottom = min(top + rows, size[0])
        first, last = math.floor(top * per_row), min(math.ceil(bottom * per_row), pixels.shape[0])
        box = (0, top * per_row - first, pixels.shape[1], min(bottom * per_row, pixels.shape[0]) - first)
        band = Image.fromarray(pixels[first:last])
        small[top:bottom] = np.asarray(band.resize((size[1], bottom - top), Image.Resampling.BOX, box))
    return small


def thumbnail(path: Path, size: int = 128, *, budget: int | None = -1) -> NDArray[np.uint8]:
    """The first page of an image, upright, at most ``size`` pixels wide and high.

    Args:
        path: the file.
        size: longest side.
        budget: bytes that reading may take, as for `read_image`.

    Returns:
        uint8 [h, w, 3].

    Raises:
        ImageError: if it cannot be read.
    """
    allowed = MemoryLimit.of(path, budget)
    header = probe(path)
    if header.format == "JPEG":
        pixels = in_time(path, lambda: _reduced_jpeg(path, size, allowed))
        if pixels is not None:
            return pixels
    pixels = read_image(path, budget=budget).pixels
    # Take every n-th pixel first: averaging 100 megapixels for a thumbnail is not worth its time.
    step = max(1, max(pixels.shape[:2]) // (4 * size))
    image = Image.fromarray(np.ascontiguousarray(pixels[::step, ::step]))
    image.thumbnail((size, size))
    return np.asarray(image)


def _reduced_jpeg(path: Path, size: int, budget: MemoryLimit) -> NDArray[np.uint8] | None:
    """Decode only as much of a JPEG as the size needs; None where the full reader must judge."""
    try:
        with open_regular(path) as file, Image.open(file, formats=("JPEG",)) as image:
            extent = structures.jpeg(file)
            # An eighth of each side is decoded at least; the coefficients of several scans are all kept.
            reduced = extent.width * extent.height * BYTES_PER_PIXEL // 64
            budget.admit(extent.width, extent.height, reduced + extent.extra)
            orientation = pillow_reader.orientation_of(image)
            image.thumbnail((size, size))
            if image.mode not in ("L", "RGB"):
                return None
            pixels = np.asarray(image.convert("RGB"))
    except ImageTooLargeError:
        raise
    except Exception:  # decoders of damaged files raise nearly everything; the full reader says what it is
        return None
    return np.ascontiguousarray(display.upright(pixels, orientation)).astype(np.uint8, copy=False)
