"""Reading TIFF with tifffile, which keeps every type of value, and imagecodecs, which bounds what comes out."""

from __future__ import annotations

import io
import logging
import math
from typing import Any, BinaryIO, Final

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from latentseg_gui.io.images import pillow_reader, structures, tiff_structure
from latentseg_gui.io.images.budget import MemoryLimit
from latentseg_gui.io.images.decoded import Decoded, ImageHeader, UnsupportedError

_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE = 0, 1, 2, 3
_ALPHA_SAMPLES = (1, 2)
_NODATA_TAG, _OFFSETS_TAGS = 42113, (324, 273)

# Whose decoders are told how many bytes may come out.
_BOUNDED: Final = (1, 2, 3, 4, 5, 8, 32773, 32946, 34925, 50000)
_JPEG: Final = (7, 33007, 34892)
_JPEG_2000: Final = (33003, 33004, 33005, 34712)
_PICTURES: Final = (50001, 34933)
"""WebP and PNG: the header of each segment tells its size."""

_SEGMENT_BYTES: Final = 256
"""What one strip or tile costs while a page is read, whatever is in it."""
_WORKERS: Final = 2
_READ_AHEAD: Final = 2**24

# What tifffile has to say of damaged files, a line for every page, is for its developers.
logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)


def is_tiff(start: bytes) -> bool:
    """Whether a file that begins so is a TIFF."""
    return start[:4] in _SIGNATURES


def header(file: BinaryIO, frame: int) -> ImageHeader:
    """Read the header of one page, and count the pages."""
    offsets = tiff_structure.page_offsets(file)
    with tifffile.TiffFile(_checked(file, offsets[0])) as tiff:
        page = _page(tiff, file, offsets[frame if 0 <= frame < len(offsets) else 0], frame)
        width, height = int(page.imagewidth), int(page.imagelength)
        if _orientation(page) in (5, 6, 7, 8):
            width, height = height, width
        return ImageHeader(width, height, len(offsets), _needed(page), "TIFF")


def decode(file: BinaryIO, frame: int, budget: MemoryLimit) -> Decoded:
    """Read one page with exactly the values it has; what tifffile lacks goes to Pillow."""
    offsets = tiff_structure.page_offsets(file)
    if not 0 <= frame < len(offsets):
        raise IndexError(f"no page {frame + 1} of {len(offsets)}")
    with tifffile.TiffFile(_checked(file, offsets[0])) as tiff:
        page = _page(tiff, file, offsets[frame], frame)
        budget.admit(int(page.imagewidth), int(page.imagelength), _needed(page))
        _check_support(page)
        if _is_for_tifffile(page):
            _check_segments(page, budget)
            return _decoded(page)
    file.seek(0)
    return pillow_reader.decode(file, frame, budget)


def orientation_of(file: BinaryIO) -> int:
    """The EXIF orientation of the first page, 1..8; 1 where there is none."""
    with tifffile.TiffFile(_checked(file, tiff_structure.page_offsets(file)[0])) as tiff:
        return _orientation(tiff.pages.first)


def _checked(file: BinaryIO, first: int) -> BinaryIO:
    """The file, at its beginning, if its first page, which tifffile parses at once, may be parsed."""
    tiff_structure.check_tags(file, first)
    file.seek(0)
    return file


def _page(tiff: Any, file: BinaryIO, offset: int, frame: int) -> Any:
    tiff_structure.check_tags(file, offset)
    tiff.filehandle.seek(offset)
    return tifffile.TiffPage(tiff, frame)


def _needed(page: Any) -> int:
    """Bytes for the values (twice, while they are put in order), the pixels to be shown, and the segments."""
    pixels = int(page.imagewidth) * int(page.imagelength) * int(page.imagedepth)
    itemsize = 8 if page.dtype is None else int(page.dtype.itemsize)
    samples = int(page.samplesperpixel)
    segments = _segments(page)
    needed = pixels * max(10, 2 * itemsize * samples + 3) + segments * _SEGMENT_BYTES
    if int(page.compression) == 1:
        return needed
    sides = (page.tilewidth, page.tilelength) if page.is_tiled else (page.imagewidth, page.rowsperstrip)
    depth = int(page.tiledepth) if page.is_tiled else 1
    # Packed bits are unpacked from as many bytes as there would be values.
    packed = 1 if page.bitspersample in (8, 16, 32, 64, 128) else 8
    segment = int(sides[0]) * int(sides[1]) * depth * samples * itemsize * packed
    return needed + segment * min(_WORKERS, segments)


def _segments(page: Any) -> int:
    """How many strips or tiles the page says it has.

    Raises:
        ValueError: if the file lists far fewer: the rest would be made up, one by one.
    """
    count = math.prod(page.chunked) if page.dtype is not None else 1
    listed = max((page.tags[tag].count for tag in _OFFSETS_TAGS if tag in page.tags), default=0)
    if count > 2 * listed + 64:
        raise ValueError(f"{count} strips or tiles, of which {listed} are in the file")
    return count


def _check_support(page: Any) -> None:
    if int(page.imagedepth) > 1:
        raise UnsupportedError(
            f"holds a volume of {int(page.imagedepth)} layers in one page",
            "Save its layers as the pages of a TIFF.",
        )
    if page.dtype is not None and page.dtype.kind == "c":
        raise UnsupportedError(
            "holds complex numbers", "Save their magnitude or another real number of each pixel."
        )


def _is_for_tifffile(page: Any) -> bool:
    """Whether tifffile reads the colours and the compression as they are meant."""
    known = (*_BOUNDED, *_JPEG, *_JPEG_2000, *_PICTURES)
    if int(page.photometric) not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE) or page.dtype is None:
        return False
    if int(page.compression) in known:
        return True
    if int(page.compression) == 6:
        return False
    name = getattr(page.compression, "name", "") or f"number {int(page.compression)}"
    raise UnsupportedError(
        f"is compressed in a way that is not read ({name})", "Save it without compression, or with LZW."
    )


def _check_segments(page: Any, budget: MemoryLimit) -> None:
    """Weigh strips and tiles that are pictures themselves: each may say another size than the page."""
    kind = int(page.compression)
    if kind in _BOUNDED:
        return
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if not (offset and count):
            continue
        page.parent.filehandle.seek(offset)
        segment = io.BytesIO(page.parent.filehandle.read(count))
        if kind in _JPEG:
            found = structures.jpeg(segment)
        elif kind in _JPEG_2000:
            found = structures.jpeg2000(segment)
        else:
            with Image.open(segment, formats=("WEBP", "PNG")) as image:
                found = structures.Extent(*image.size)
        budget.admit(found.width, found.height, 16 * found.width * found.height + found.extra)


def _decoded(page: Any) -> Decoded:
    photometric = int(page.photometric)
    values = _pixels_last(page, page.asarray(maxworkers=_WORKERS, buffersize=_READ_AHEAD))
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
        raise UnsupportedError(f"holds values of the type {values.dtype}", "Save it as numbers.")
    extra = tuple(int(sample) for sample in page.extrasamples)
    has_alpha = len(extra) == 1 and extra[0] in _ALPHA_SAMPLES and values.ndim == 3
    is_inverted = photometric == _WHITE_IS_ZERO
    return Decoded(values, (), orientation, None, is_inverted, has_alpha, _nodata(page))


def _nodata(page: Any) -> float | None:
    """What GDAL's tag says; None if there is none that is a number."""
    tag = page.tags.get(_NODATA_TAG)
    try:
        return None if tag is None else float(str(tag.value).strip().replace(",", "."))
    except ValueError:
        return None


def _pixels_last(page: Any, values: NDArray[np.generic]) -> NDArray[np.generic]:
    """[H, W] or [H, W, channels], whatever the order of the file."""
    axes = str(page.axes)
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
