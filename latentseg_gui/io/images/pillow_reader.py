"""Reading with Pillow: everything but TIFF, and the TIFF files that tifffile cannot decompress."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentseg_gui.io.images import deep_reader, structures
from latentseg_gui.io.images.budget import BYTES_PER_PIXEL, MemoryLimit
from latentseg_gui.io.images.decoded import Decoded, ImageHeader
from latentseg_gui.io.images.display import over_white

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "AVIF", "JPEG2000", "PPM")
"""Nothing else is ever tried: not EPS (it would start Ghostscript), not PSD, not FITS."""

# The budget is checked between header and pixels, and is the stricter one unless the user agreed to more;
# Pillow's own limit would stop even that.
Image.MAX_IMAGE_PIXELS = 2**32

_ORIENTATION_TAG = 274
_BAND_PIXELS = 1 << 20
_ALPHA_MODES = ("RGBA", "LA", "PA", "RGBa", "La")


def header(file: BinaryIO, frame: int) -> ImageHeader:
    """What the header says of one frame, and how many there are."""
    with Image.open(file, formats=FORMATS) as image:
        frames = _frames(image, file)
        is_there = 0 <= frame < frames
        extent = _extent(image, file, frame if is_there else 0)
        width, height = extent.width, extent.height
        # Asked for EXIF data that do not come before the pixels, Pillow would decode those first.
        if (image.format != "PNG" or "exif" in image.info) and orientation_of(image) in (5, 6, 7, 8):
            width, height = height, width
        return ImageHeader(width, height, frames, _needed(image, extent, frames), image.format or "")


def decode(file: BinaryIO, frame: int, budget: MemoryLimit) -> Decoded:
    """Read one frame with the values that the file has, wherever Pillow keeps them."""
    with Image.open(file, formats=FORMATS) as image:
        frames = _frames(image, file)
        if not 0 <= frame < frames:
            raise IndexError(f"no frame {frame + 1} of {frames}")
        extent = _extent(image, file, frame)
        budget.admit(extent.width, extent.height, _needed(image, extent, frames))
        deep = deep_reader.deep_values(image, file)
        if deep is not None:
            return deep
        if frame:
            image.seek(frame)
        notes = _losses(image, file)
        image.load()
        orientation = orientation_of(image)
        if frames > 1 and image.format != "TIFF" and image.mode == "P":
            # Later frames are given in full colours; the first must not differ from them.
            shown = image.convert("RGBA" if "transparency" in image.info else "RGB")
        else:
            shown = image
        return _decoded(shown, orientation, notes)


def _frames(image: Image.Image, file: BinaryIO) -> int:
    """How many frames are there; what can be counted is counted, for a file may say anything."""
    said = int(getattr(image, "n_frames", 1)) if image.format != "GIF" else 1
    if image.format == "GIF":
        said = structures.gif(file).frames
    elif image.format == "PNG" and said > 1:
        said = min(said, structures.png_frames(file) + bool(getattr(image, "default_image", False)))
    if said > structures.MAX_FRAMES:
        raise ValueError(f"{said} frames")
    return max(1, said)


def _extent(image: Image.Image, file: BinaryIO, frame: int) -> structures.Extent:
    """What decoding a frame makes, by the file's own account; goes to that frame where that is cheap."""
    if image.format in ("JPEG", "MPO"):
        if frame:
            image.seek(frame)
        return structures.jpeg(file, int(getattr(image, "offset", 0)))
    if image.format == "GIF":
        return structures.gif(file)
    if image.format == "JPEG2000":
        return structures.jpeg2000(file)
    return structures.Extent(*image.size)


def _needed(image: Image.Image, extent: structures.Extent, frames: int) -> int:
    """Bytes that decoding takes at most; frames that build on others are kept twice meanwhile."""
    is_double = deep_reader.is_deep(image) or (frames > 1 and image.format not in ("MPO", "TIFF"))
    return extent.width * extent.height * BYTES_PER_PIXEL * (2 if is_double else 1) + extent.extra


def _array(image: Image.Image) -> NDArray[np.generic]:
    """The pixels as numpy holds them, as `numpy.asarray` gives them.

    Large ones are taken band by band: in one go, Pillow would make two copies on the way, and the window
    would stand still meanwhile.
    """
    if image.width * image.height <= _BAND_PIXELS:
        return np.asarray(image)
    rows = max(1, _BAND_PIXELS // image.width)
    first = np.asarray(image.crop((0, 0, image.width, 1)))
    whole = np.empty((image.height, *first.shape[1:]), first.dtype)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        whole[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return whole


def _decoded(image: Image.Image, orientation: int, notes: tuple[str, ...]) -> Decoded:
    mode = image.mode
    if mode in ("P", "PA"):
        values = _array(image)
        note = "Palette image: its indices are kept, its colours are shown."
        return Decoded(values, (*notes, note), orientation, _on_white(image))
    if mode == "1":
        return Decoded(np.asarray(image, np.uint8), notes, orientation, _on_white(image.convert("L")))
    if mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        note = f"{mode} colours are shown without their colour profile."
        return Decoded(_array(image), (*notes, note), orientation, _rgb(image))
    values = native(_array(image))
    return Decoded(values, notes, orientation, has_alpha=mode in _ALPHA_MODES)


def _on_white(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode == "PA" or "transparency" in image.info:
        return over_white(np.asarray(image.convert("RGBA")))
    return _rgb(image)


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    return _array(image.convert("RGB")).astype(np.uint8, copy=False)


def native(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """The array in the byte order of this machine."""
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1..8; 1 where there is none."""
    orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _losses(image: Image.Image, file: BinaryIO) -> tuple[str, ...]:
    """Say what Pillow is going to throw away."""
    if image.format == "TIFF":
        bits = image.tag_v2.get(258, (8,))  # type: ignore[attr-defined]
        depth = max(bits) if isinstance(bits, tuple) else int(bits)
        if depth > 8 and image.mode not in ("I;16", "I;16B", "I;16L", "I", "F"):
            return (f"Compressed {depth}-bit colours were read with 8 bits.",)
    if image.format == "AVIF" and structures.is_deep_avif(file):
        return ("Colours of more than 8 bits were read with 8 bits.",)
    return ()
