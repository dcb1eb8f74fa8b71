"""Reading with Pillow: PNG, JPEG, BMP, GIF, WebP, and the TIFF files that tifffile cannot decompress."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentseg_gui.io.decoded import Decoded, ImageHeader
from latentseg_gui.io.display import over_white

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")
"""Nothing else is ever tried: not EPS (it would start Ghostscript), not PSD, not FITS."""

# The budget of `latentseg_gui.io.images` is checked between header and pixels, and is the stricter one
# unless the user agreed to more; Pillow's own limit would stop even that.
Image.MAX_IMAGE_PIXELS = 2**32

_ORIENTATION_TAG = 274
_BYTES_PER_PIXEL = 10
_BAND_PIXELS = 1 << 20
_ALPHA_MODES = ("RGBA", "LA", "PA", "RGBa", "La")


def header(file: BinaryIO) -> ImageHeader:
    """Read the header only."""
    with Image.open(file, formats=FORMATS) as image:
        width, height = image.size
        # Asked for EXIF data that do not come before the pixels, Pillow would decode those first.
        if (image.format != "PNG" or "exif" in image.info) and orientation_of(image) in (5, 6, 7, 8):
            width, height = height, width
        frames = int(getattr(image, "n_frames", 1))
        per_pixel = 2 * _BYTES_PER_PIXEL if _is_deep_png(image) else _BYTES_PER_PIXEL
        return ImageHeader(width, height, frames, width * height * per_pixel, image.format or "")


def decode(file: BinaryIO, frame: int) -> Decoded:
    """Read one frame with the values that the file has, wherever Pillow keeps them."""
    with Image.open(file, formats=FORMATS) as image:
        if frame:
            image.seek(frame)
        if _is_deep_png(image):
            return _deep_png(image, file)
        notes = _losses(image)
        is_animated = int(getattr(image, "n_frames", 1)) > 1 and image.format != "TIFF"
        image.load()
        orientation = orientation_of(image)
        if is_animated and image.mode == "P":
            # Later frames are given in full colours; the first must not differ from them.
            shown = image.convert("RGBA" if "transparency" in image.info else "RGB")
        else:
            shown = image
        return _decoded(shown, orientation, notes)


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


def _losses(image: Image.Image) -> tuple[str, ...]:
    """Say what Pillow is going to throw away."""
    if image.format == "TIFF":
        bits = image.tag_v2.get(258, (8,))  # type: ignore[attr-defined]
        depth = max(bits) if isinstance(bits, tuple) else int(bits)
        if depth > 8 and image.mode not in ("I;16", "I;16B", "I;16L", "I", "F"):
            return (f"Compressed {depth}-bit colours were read with 8 bits.",)
    if _raw_modes(image)[1:2] == ("16",):
        return ("16-bit colours were read with 8 bits.",)
    return ()


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


def _deep_png(image: Image.Image, file: BinaryIO) -> Decoded:
    """Decode a PNG with 16 bits per channel, of which Pillow hands out only the upper 8.

    Grey with alpha has four bytes per pixel like 8-bit RGBA, and is read as that. For colours the
    file is decoded twice: as what it is (upper bytes), and as if its bytes were swapped (lower ones).
    """
    name = _raw_modes(image)[0]
    if name == "LA":
        image.tile = [tile._replace(args="RGBA") for tile in image.tile]  # type: ignore[attr-defined]
        values = np.ascontiguousarray(np.asarray(image)).view(">u2")
        return Decoded(native(values), (), orientation_of(image), has_alpha=True)
    upper = np.asarray(image).astype(np.uint16)
    file.seek(0)
    with Image.open(file, formats=("PNG",)) as again:
        again.tile = [tile._replace(args=f"{name};16L") for tile in again.tile]
        lower = np.asarray(again)
    return Decoded((upper << 8) | lower, (), orientation_of(image), has_alpha=name == "RGBA")
