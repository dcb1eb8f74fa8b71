"""Reading what Pillow knows but hands out with eight bits, or in other numbers: deep PNG, PNM, JPEG 2000."""

from __future__ import annotations

import io
import re
from typing import BinaryIO, Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentseg_gui.io.images import structures
from latentseg_gui.io.images.decoded import Decoded

_ORIENTATION_TAG: Final = 274
_SPACE, _ZERO, _NINE = (ord(each) for each in " 09")
_PNM_HEAD: Final = 4096
_PNM_START: Final = re.compile(rb"P([2356])(?=[\s#])")
_PNM_NUMBER: Final = re.compile(rb"(?:\s|#[^\n\r]*[\n\r])*(\d{1,9})")
_PNM_COMMENT: Final = re.compile(rb"#[^\n\r]*")


def is_deep(image: Image.Image) -> bool:
    """Whether `deep_values` is for this file, and reads it in more than eight bits."""
    return _is_deep_png(image) or (image.format == "PPM" and image.mode in ("I", "RGB"))


def deep_values(image: Image.Image, file: BinaryIO) -> Decoded | None:
    """The values of the file as they are; None where Pillow gives just these.

    Args:
        image: as opened by Pillow, not loaded, at its first frame; within the budget.
        file: that it is read from.
    """
    if _is_deep_png(image):
        return _png(image, file)
    if image.format == "PPM":
        return _pnm(file)
    if image.format == "JPEG2000":
        return _jpeg2000(file)
    return None


def _raw_modes(image: Image.Image) -> tuple[str, ...]:
    """The parts of the name that Pillow has for the bytes of a PNG: ("RGB", "16B")."""
    tile = getattr(image, "tile", None)
    if image.format != "PNG" or not tile or not isinstance(tile[0].args, str):
        return ()
    name, _, bits = tile[0].args.partition(";")
    return name, bits.rstrip("BL")


def _is_deep_png(image: Image.Image) -> bool:
    raw = _raw_modes(image)
    return len(raw) == 2 and raw[1] == "16" and raw[0] in ("RGB", "RGBA", "LA")


def _png(image: Image.Image, file: BinaryIO) -> Decoded:
    """Decode a PNG with 16 bits per channel, of which Pillow hands out only the upper 8.

    Grey with alpha has four bytes per pixel like 8-bit RGBA, and is read as that. For colours the
    file is decoded twice: as what it is (upper bytes), and as if its bytes were swapped (lower ones).
    """
    name = _raw_modes(image)[0]
    if name == "LA":
        image.tile = [tile._replace(args="RGBA") for tile in image.tile]  # type: ignore[attr-defined]
        values = np.ascontiguousarray(np.asarray(image)).view(">u2")
        return Decoded(_native(values), (), _orientation(image), has_alpha=True)
    upper = np.asarray(image).astype(np.uint16)
    file.seek(0)
    with Image.open(file, formats=("PNG",)) as again:
        again.tile = [tile._replace(args=f"{name};16L") for tile in again.tile]
        lower = np.asarray(again)
    return Decoded((upper << 8) | lower, (), _orientation(image), has_alpha=name == "RGBA")


def _orientation(image: Image.Image) -> int:
    orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _native(values: NDArray[np.generic]) -> NDArray[np.generic]:
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _pnm(file: BinaryIO) -> Decoded | None:
    """Grey or colours of a PNM whose largest value is not 255: Pillow would stretch them to that."""
    file.seek(0)
    head = file.read(_PNM_HEAD)
    start = _PNM_START.match(head)
    if start is None:
        return None
    numbers, place = [], start.end()
    for _ in range(3):
        found = _PNM_NUMBER.match(head, place)
        if found is None:
            raise ValueError("the header of the PNM is incomplete")
        numbers.append(int(found[1]))
        place = found.end()
    width, height, largest = numbers
    if largest == 255:
        return None
    kind, channels = int(start[1]), 3 if start[1] in b"36" else 1
    dtype = np.dtype(np.uint8 if largest < 256 else ">u2")
    wanted = width * height * channels
    if kind > 3:
        file.seek(place + 1)
        values = np.frombuffer(file.read(wanted * dtype.itemsize), dtype)
    else:
        values = _written_out(file, place, wanted, largest).astype(dtype)
    shape = (height, width, channels) if channels > 1 else (height, width)
    return Decoded(_native(values.reshape(shape)))


def _written_out(file: BinaryIO, place: int, wanted: int, largest: int) -> NDArray[np.uint32]:
    """The numbers of a text, the first of which follows ``place``."""
    file.seek(place)
    text = _PNM_COMMENT.sub(b"", file.read()) + b" "
    letters = np.frombuffer(text, np.uint8)
    is_space = letters <= _SPACE
    ends = np.flatnonzero(~is_space[:-1] & is_space[1:]) + 1
    if ends.size < wanted:
        raise ValueError(f"{ends.size} numbers of {wanted}")
    stop = int(ends[wanted - 1]) if wanted else 0
    # NumPy hands out whatever was in memory for numbers that it does not find, with no more than a warning.
    if not (is_space[:stop] | ((letters[:stop] >= _ZERO) & (letters[:stop] <= _NINE))).all():
        raise ValueError("there is something else between the numbers")
    values = np.fromstring(text[:stop].decode("ascii"), np.uint32, sep=" ")
    if values.size != wanted or values.max(initial=0) > largest:
        raise ValueError(f"{values.size} numbers of {wanted}, or one beyond {largest}")
    return values


def _jpeg2000(file: BinaryIO) -> Decoded | None:
    """The values of a JPEG 2000 of more than eight bits."""
    if structures.jpeg2000_depth(file) <= 8:
        return None
    file.seek(0)
    values = np.asarray(imagecodecs.jpeg2k_decode(io.BytesIO(file.read()).getvalue()))
    return Decoded(_native(values), has_alpha=values.ndim == 3 and values.shape[2] in (2, 4))
