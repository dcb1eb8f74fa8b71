"""Masks that are pictures or arrays, of any mode, as whole numbers per pixel; what they mean comes later."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from latentseg_gui.document.types import Mask
from latentseg_gui.io.images import decoding, display, pillow_reader, tiff_reader
from latentseg_gui.io.images.budget import MemoryLimit
from latentseg_gui.io.images.decoded import Decoded
from latentseg_gui.io.images.image_errors import ImageError, ImageTooLargeError
from latentseg_gui.io.masks.rasters import TEXT_KEY
from latentseg_gui.io.masks.values import MaskError, counts_of
from latentseg_gui.io.paths import shown

Values = NDArray[np.unsignedinteger[Any]]
"""Whole numbers [H, W]."""

Shape = tuple[int, ...]
_WHITE_IS_ZERO, _PALETTE = 0, 3
_MOST: Final = 2**32 - 1
_MAX_COLOURS: Final = 4096
_TINT: Final = 16
_LOSSY: Final = ("JPEG", "MPO", "AVIF")


@dataclass(frozen=True, slots=True)
class RasterMask:
    """One mask as its file has it.

    Attributes:
        values: a number per pixel, unsigned [H, W]; indices into ``colours`` where there are some.
        depth: bytes of such a number in the file; 0 for bits.
        colours: (red, green, blue) of 0..255 by index, uint8 [n, 3], of a coloured picture.
        clear: transparent pixels; None where there are none.
        is_indexed: whether the numbers are indices into a palette.
        about: what latentseg wrote into it; empty where it did not.
        is_lossy: whether its format does not keep values.
        notes: what was assumed on the way.
    """

    values: Values
    depth: int
    colours: NDArray[np.uint8] | None = None
    clear: Mask | None = None
    is_indexed: bool = False
    about: dict[str, Any] = field(default_factory=dict)
    is_lossy: bool = False
    notes: tuple[str, ...] = ()


def picture_of(data: bytes, shape: tuple[int, int] | None, path: Path) -> tuple[Shape, RasterMask | None]:
    """Decode a picture.

    Args:
        data: the file.
        shape: (rows, columns) wanted; None for any.
        path: of the file, for messages.

    Returns:
        The shape found, and the picture unless it is another one: that is seen before anything is decoded.

    Raises:
        MaskError: if it is no picture, or its values are no whole numbers.
        ImageTooLargeError: if decoding would take too much memory.
    """
    budget = MemoryLimit.of(path, action="Choose the mask that was made for this image.")
    try:
        header = decoding.page_header(budget, io.BytesIO(data))
        found = header.height, header.width
        if shape is not None and found != shape:
            return found, None
        decoded = decoding.decode_bytes(budget, data)
    except ImageTooLargeError:
        raise
    except ImageError as error:
        raise MaskError(
            f"“{shown(path.name)}” cannot be read as a mask.",
            action="Choose a mask in one of the formats that can be exported.",
            detail=f"{error.what} {error.detail}",
        ) from error
    facts = _tiff_facts(data) if tiff_reader.is_tiff(data[:4]) else _facts(data)
    picture = replace(_picture(_as_stored(decoded, facts), facts), is_lossy=facts.is_lossy)
    if header.frames > 1:
        note = f"Only the first of {header.frames} pages was read."
        picture = replace(picture, notes=(*picture.notes, note))
    return found, picture


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the decoded pixels alone do not tell."""

    about: dict[str, Any]
    is_indexed: bool = False
    is_bits: bool = False
    is_white_zero: bool = False
    clear_indices: tuple[int, ...] = ()
    is_lossy: bool = False


def _facts(data: bytes) -> _Facts:
    with Image.open(io.BytesIO(data), formats=pillow_reader.FORMATS) as image:
        key = image.info.get("transparency") if image.mode == "P" else None
        clear: tuple[int, ...] = (key,) if isinstance(key, int) else ()
        if isinstance(key, bytes):
            clear = tuple(index for index, alpha in enumerate(key) if alpha == 0)
        text = image.info.get(TEXT_KEY)
        is_lossy = image.format in _LOSSY
        return _Facts(
            about_of(text), image.mode == "P", image.mode == "1", clear_indices=clear, is_lossy=is_lossy
        )


def _tiff_facts(data: bytes) -> _Facts:
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        page: Any = tiff.pages[0]
        is_bits = page.dtype is not None and page.dtype == np.bool_
        kind = int(page.photometric)
        return _Facts(about_of(page.description), kind == _PALETTE, is_bits, kind == _WHITE_IS_ZERO)


def about_of(text: object) -> dict[str, Any]:
    """Our own description of a mask file; empty if it has none that makes sense."""
    try:
        about = json.loads(text) if isinstance(text, str) and text else {}
    except (ValueError, RecursionError):
        return {}
    # Others describe their files in JSON, too (tifffile does).
    return about if isinstance(about, dict) and ("classes" in about or "class_of" in about) else {}


def _as_stored(decoded: Decoded, facts: _Facts) -> Decoded:
    """Undo that Pillow turns black and white round where zero means white: the stored number is what counts."""
    values = decoded.values
    if not facts.is_white_zero or decoded.is_inverted or values.ndim != 2:
        return decoded
    if facts.is_bits:
        is_kept = decoded.colours is not None and not np.array_equal(
            decoded.colours[:, :, 0] > 0, values.astype(np.bool_)
        )
        return decoded if is_kept else replace(decoded, values=1 - values.astype(np.uint8))
    is_byte = values.dtype == np.uint8 and decoded.colours is None
    return replace(decoded, values=255 - values.astype(np.uint8)) if is_byte else decoded


def _picture(decoded: Decoded, facts: _Facts) -> RasterMask:
    values, colours = decoded.values, decoded.colours
    if values.ndim == 3 and colours is not None:  # CMYK and the like: only what is shown means something
        values, colours = colours, None
    values = display.upright(values, decoded.orientation)
    if facts.is_bits:
        return RasterMask(np.ascontiguousarray(values).astype(np.uint8), 0, about=facts.about)
    if values.ndim == 2:
        if facts.is_indexed and colours is not None:
            return _indexed(
                values, display.upright(colours, decoded.orientation).astype(np.uint8, copy=False), facts
            )
        return _measured(values, decoded.nodata, facts.about)
    alpha = values[:, :, -1] if decoded.has_alpha else None
    bands = values[:, :, :-1] if decoded.has_alpha else values
    if bands.shape[2] not in (1, 3):
        raise MaskError(
            f"It has {bands.shape[2]} values per pixel, and a mask has one.", action="Save the mask alone."
        )
    return _coloured(bands, alpha, facts.about)


def _measured(values: NDArray[np.generic], nodata: float | None, about: dict[str, Any]) -> RasterMask:
    """Numbers, but where the file says that there is none; a 0 that is called so is the background all the same."""
    if not nodata:
        return _grey(values, about)
    clear = np.isnan(values) if np.isnan(nodata) else values == nodata
    picture = _grey(np.where(clear, values.dtype.type(0), values), about)
    return replace(picture, clear=clear) if clear.any() else picture


def _grey(values: NDArray[np.generic], about: dict[str, Any]) -> RasterMask:
    whole, notes = whole_numbers(values)
    depth = 0 if values.dtype == np.bool_ else 2 if values.dtype.kind == "f" and not notes else whole.itemsize
    return RasterMask(whole, depth, about=about, notes=notes)


def _indexed(values: NDArray[np.generic], shown: NDArray[np.uint8], facts: _Facts) -> RasterMask:
    """A palette means its indices, but where it is black and white only, or a ramp of greys, the greys."""
    indices, _ = whole_numbers(values)
    clear = np.isin(indices, facts.clear_indices) if facts.clear_indices else None
    if clear is not None and not clear.any():
        clear = None
    used = (
        np.flatnonzero(counts_of(indices.astype(np.uint8))) if indices.itemsize == 1 else np.unique(indices)
    )
    palette = np.array([shown[indices == index][0] for index in used[:3]])
    if not facts.about and _is_shuffled(indices, shown, used):
        return replace(_coloured(shown, None, {}), clear=clear)
    is_two = len(used) <= 2 and used[-1] <= 1 and np.isin(palette, (0, 255)).all()
    is_grey = bool((palette == palette[:, :1]).all())
    if is_two and is_grey and not facts.about:
        return _silhouette(RasterMask((shown[:, :, 0] > 0).astype(np.uint8) * np.uint8(255), 1, clear=clear))
    is_ends = set(used.tolist()) <= {0, 255} and is_grey and np.isin(palette, (0, 255)).all()
    return RasterMask(indices, indices.itemsize, None, clear, not is_ends, facts.about)


def _is_shuffled(indices: Values, shown: NDArray[np.uint8], used: NDArray[Any]) -> bool:
    """Whether a palette was made from colours in any order: black is used, but is not the first of them."""
    if not len(used) or used[0] != 0:
        return False
    is_black = ~shown.any(axis=2)  # [H, W]
    black = np.unique(indices[is_black])
    return len(black) == 1 and 0 < int(black[0]) < 255


def _coloured(
    bands: NDArray[np.generic], alpha: NDArray[np.generic] | None, about: dict[str, Any]
) -> RasterMask:
    """Grey if all colours are equal; transparent pixels are kept apart."""
    clear = None
    if alpha is not None:
        shares = alpha.astype(np.float32)
        most = float(shares.max(initial=0))
        is_clear = shares < most / 2 if most else shares <= 0
        clear = is_clear if is_clear.any() else None
    bands = _without_tint(bands)
    if bands.shape[2] == 1 or _is_grey(bands, clear):
        picture = replace(_grey(bands[:, :, 0], about), clear=clear)
        return _silhouette(picture)
    if clear is not None:
        bands = np.where(clear[:, :, None], bands.dtype.type(0), bands)
    return replace(_colours(bands), clear=clear)


def _without_tint(bands: NDArray[np.generic]) -> NDArray[np.generic]:
    """Black and white that a lossy format has given a breath of colour as greys; anything else as it is."""
    if bands.dtype != np.uint8 or bands.shape[2] != 3:
        return bands
    low, high = bands.min(axis=2), bands.max(axis=2)  # [H, W]
    spread = (high - low)[high > low]
    if not spread.size or spread.max() > _TINT or int(high.max()) < 255 - _TINT:
        return bands
    ends = np.count_nonzero((high <= _TINT) | (low >= 255 - _TINT))
    is_plain = ends >= low.size / 2 and np.count_nonzero(high <= _TINT) and spread.size < low.size
    return np.sort(bands, axis=2)[:, :, 1:2] if is_plain else bands


def _is_grey(bands: NDArray[np.generic], clear: Mask | None) -> bool:
    differs = (bands[:, :, 0] != bands[:, :, 1]) | (bands[:, :, 0] != bands[:, :, 2])
    return not bool((differs if clear is None else differs & ~clear).any())


def _silhouette(picture: RasterMask) -> RasterMask:
    """A shape of one grey on nothing is the object on the background, not a picture without labels."""
    if picture.clear is None or picture.about:
        return picture
    opaque = picture.values[~picture.clear]
    if not opaque.size or (opaque != opaque[0]).any():
        return picture
    values = np.where(picture.clear, np.uint8(0), np.uint8(255))
    note = "Its transparent part was taken as the outside of the object."
    return RasterMask(values, 1, notes=(*picture.notes, note))


def _colours(bands: NDArray[np.generic]) -> RasterMask:
    """The colours as numbers; those of 16 bits keep their upper half, where the lower one repeats it."""
    if bands.dtype != np.uint8:
        whole, _ = whole_numbers(bands)
        largest = int(whole.max(initial=0))
        if largest > 255 and (whole % 257 != 0).any():
            raise MaskError(
                "It is a coloured picture with more than 8 bits per colour.",
                action="Save the mask with one number per pixel, or with 8 bits per colour.",
            )
        bands = (whole // 257 if largest > 255 else whole).astype(np.uint8)
    codes = bands.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    table = np.zeros(2**24, np.uint16)
    table[codes] = 1
    known = np.flatnonzero(table)
    if len(known) > _MAX_COLOURS:
        raise MaskError(
            f"It is a coloured picture of {len(known)} colours, not a mask.",
            action="Choose the mask and not the image.",
        )
    table[known] = np.arange(len(known))
    colours = np.stack([known >> 16, known >> 8 & 255, known & 255], axis=1).astype(np.uint8)
    return RasterMask(table[codes], 1, colours)


def whole_numbers(values: NDArray[np.generic]) -> tuple[Values, tuple[str, ...]]:
    """The values as unsigned whole numbers, none of them changed without a word.

    Shares of 0..1, and soft edges between 0 and 255, become 0..255, and that is noted.

    Raises:
        MaskError: if there are negative numbers, fractions, numbers above 2^32, or values that are no numbers.
    """
    if values.dtype == np.bool_:
        return values.astype(np.uint8), ()
    if values.dtype.kind not in "uif":
        raise MaskError("The mask does not hold numbers.", action="Save class ids as whole numbers.")
    if values.dtype.kind == "f":
        return _of_fractions(values)
    if values.size and values.min() < 0:
        raise MaskError(
            "The mask holds negative numbers, which are neither classes nor objects.",
            action="Number them from 0, and write 255 where nothing is labelled.",
        )
    if values.size and int(values.max()) > _MOST:
        raise MaskError("The mask holds numbers above 2^32.", action="Number the objects from 1.")
    size = min(values.dtype.itemsize, 4)
    return values.astype(np.dtype(f"u{size}"), copy=False), ()


def _of_fractions(values: NDArray[np.generic]) -> tuple[Values, tuple[str, ...]]:
    numbers: NDArray[np.floating[Any]] = values  # type: ignore[assignment]
    if not np.isfinite(numbers).all():
        raise MaskError(
            "The mask holds values that are not numbers (NaN or infinite).",
            action="Save it as whole numbers, with 255 where nothing is labelled.",
        )
    low, high = float(numbers.min(initial=0)), float(numbers.max(initial=0))
    if low < 0 or high > _MOST:
        raise MaskError(
            "The mask holds negative numbers, or numbers above 2^32.", action="Number its objects from 1."
        )
    whole = np.rint(numbers)
    if np.array_equal(whole, numbers):
        kind = np.uint8 if high <= 255 else np.uint16 if high <= 65535 else np.uint32
        return whole.astype(kind), ()
    if high <= 1:
        return np.rint(numbers * 255).astype(np.uint8), ("Fractions from 0 to 1 were read as 0 to 255.",)
    if 128 <= high <= 255:
        return whole.astype(np.uint8), ("Fractions were rounded to whole greys.",)
    raise MaskError(
        "The mask holds fractions, which are neither classes nor objects.",
        action="Save it as whole numbers; resize masks without smoothing.",
    )


def array_of(data: bytes, shape: tuple[int, int] | None) -> tuple[Shape, RasterMask | None]:
    """An array of a NumPy file; files that could run code are refused.

    Raises:
        MaskError: if it holds something else than whole numbers.
    """
    file = io.BytesIO(data)
    formats = np.lib.format
    version = formats.read_magic(file)
    read = formats.read_array_header_1_0 if version == (1, 0) else formats.read_array_header_2_0
    found, _, dtype = read(file)
    if dtype.hasobject:
        raise MaskError(
            "It is a NumPy file of Python objects (as Cellpose's _seg.npy), which could run programs.",
            action="Export the masks as PNG or TIFF there.",
        )
    squeezed = tuple(side for side in found if side != 1) if len(found) > 2 else found
    if len(squeezed) != 2 or (shape is not None and squeezed != shape):
        return squeezed, None
    if dtype.kind not in "uibf":
        raise MaskError("The array does not hold whole numbers.", action="Save class ids as integers.")
    values = np.load(io.BytesIO(data), allow_pickle=False).reshape(squeezed)
    return squeezed, _grey(values, {})


def check_archive(data: bytes, shape: tuple[int, int]) -> None:
    """Raise MaskError if an archive would unpack to far more than a mask."""
    limit = 32 * shape[0] * shape[1] + 2**20
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(member.file_size for member in archive.infolist()) > limit:
            raise MaskError("The file holds far more than a mask of this image.", action="Check the file.")
