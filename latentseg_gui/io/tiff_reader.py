"""Reading TIFF with tifffile, which keeps every type of value."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray

from latentseg_gui.io import pillow_reader
from latentseg_gui.io.decoded import Decoded, ImageHeader

_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE = 0, 1, 2, 3
_ALPHA_SAMPLES = (1, 2)
_MAX_PAGES = 100_000


def is_tiff(start: bytes) -> bool:
    """Whether a file that begins so is a TIFF."""
    return start[:4] in _SIGNATURES


def header(file: BinaryIO) -> ImageHeader:
    """Read the headers of the pages only."""
    with tifffile.TiffFile(file) as tiff:
        page, frames = _page(tiff, 0)
        width, height = int(page.imagewidth), int(page.imagelength)
        if _orientation(page) in (5, 6, 7, 8):
            width, height = height, width
        return ImageHeader(width, height, frames, _needed(page), "TIFF")


def decode(file: BinaryIO, frame: int) -> Decoded:
    """Read one page with exactly the values it has; compressions that tifffile lacks go to Pillow."""
    with tifffile.TiffFile(file) as tiff:
        page, _ = _page(tiff, frame)
        photometric = int(page.photometric)
        if photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE):
            try:
                return _decoded(page, photometric)
            except ValueError as error:
                if "imagecodecs" not in str(error):
                    raise
    file.seek(0)
    return pillow_reader.decode(file, frame)


def _page(tiff: Any, frame: int) -> tuple[Any, int]:
    """A page and the number of pages."""
    frames = 0
    for frames, _ in enumerate(tiff.pages, 1):
        if frames > _MAX_PAGES:
            raise ValueError("too many pages")
    if not 0 <= frame < frames:
        raise IndexError(f"no page {frame + 1} of {frames}")
    page = tiff.pages[frame]
    return (page.aspage() if hasattr(page, "aspage") else page), frames


def _needed(page: Any) -> int:
    """Bytes to hold the values (twice, while they are put in order) and the pixels to be shown."""
    pixels = int(page.imagewidth) * int(page.imagelength) * int(page.imagedepth)
    itemsize = 8 if page.dtype is None else int(page.dtype.itemsize)
    return pixels * max(10, 2 * itemsize * int(page.samplesperpixel) + 3)


def _decoded(page: Any, photometric: int) -> Decoded:
    values = _pixels_last(page, page.asarray())
    orientation = _orientation(page)
    if photometric == _PALETTE and page.colormap is not None and values.ndim == 2:
        colours = (np.asarray(page.colormap) >> 8).astype(np.uint8).T
        note = "Palette image: its indices are kept, its colours are shown."
        return Decoded(
            values, (note,), orientation, colours[np.minimum(values.astype(np.intp), len(colours) - 1)]
        )
    if values.dtype == np.bool_:
        bits = values.astype(np.uint8)
        shown = (1 - bits if photometric == _WHITE_IS_ZERO else bits) * np.uint8(255)
        return Decoded(bits, (), orientation, np.repeat(shown[:, :, None], 3, axis=2))
    if values.dtype.kind not in "uif":
        raise ValueError(f"values of type {values.dtype}")
    extra = tuple(int(sample) for sample in page.extrasamples)
    has_alpha = len(extra) == 1 and extra[0] in _ALPHA_SAMPLES and values.ndim == 3
    return Decoded(values, (), orientation, None, photometric == _WHITE_IS_ZERO, has_alpha)


def _pixels_last(page: Any, values: NDArray[np.generic]) -> NDArray[np.generic]:
    """[H, W] or [H, W, channels], whatever the order of the file."""
    axes = str(page.axes)
    for axis in "ZT":
        if axis in axes:
            raise ValueError(f"axes {axes}")
    if axes.startswith("S"):
        values = np.moveaxis(values, 0, -1)
    values = np.ascontiguousarray(pillow_reader.native(values))
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if values.ndim not in (2, 3):
        raise ValueError(f"axes {axes}")
    return values


def _orientation(page: Any) -> int:
    tag = page.tags.get(274)
    value = tag.value if tag is not None else 1
    return int(value) if isinstance(value, int) and 1 <= value <= 8 else 1
