"""Reading images: values kept, conversions said, everything that can go wrong an `ImageError`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.types import ImageRecord
from latentseg_gui.io.images import decoding, display
from latentseg_gui.io.images.budget import MemoryLimit, default_budget
from latentseg_gui.io.images.decoded import Decoded, ImageHeader
from latentseg_gui.io.images.folders import SUFFIXES, list_images
from latentseg_gui.io.images.image_errors import (
    ImageError,
    ImageTooLargeError,
    damaged_image,
    out_of_memory,
    unreadable,
)
from latentseg_gui.io.images.time_limit import in_time
from latentseg_gui.io.paths import shown
from latentseg_gui.io.regular_files import open_regular

_COUNTED: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class Appearance:
    """An image as it is shown.

    Attributes:
        values: of the file, upright.
        pixels: uint8 [H, W, 3].
        notes: conversions that cannot be undone.
        level_notes: which values are shown black and white, and which are left out of that.
        nodata: the value that is left out; None if there is none.
    """

    values: NDArray[np.generic]
    pixels: NDArray[np.uint8]
    notes: tuple[str, ...]
    level_notes: tuple[str, ...]
    nodata: float | None


def appearance(decoded: Decoded) -> Appearance:
    """Values and pixels, upright, and the notes."""
    notes, level_notes = list(decoded.notes), []
    values, colours, nodata = decoded.values, decoded.colours, None
    if colours is None:
        plane = _plane(decoded, notes)
        nodata = display.nodata_of(plane, decoded.nodata)
        levels = display.default_levels(plane, nodata=nodata)
        colours = display.display_pixels(plane, levels=levels, is_inverted=decoded.is_inverted)
        level_notes = _level_notes(decoded, plane, levels, nodata)
        colours = _over_white(decoded, colours, notes)
    is_same = colours is values
    if decoded.orientation != 1:
        notes.append(display.ORIENTATION_NOTE)
        values = np.ascontiguousarray(display.upright(values, decoded.orientation))
        turned = display.upright(colours, decoded.orientation)
        colours = np.ascontiguousarray(turned).astype(np.uint8, copy=False)
    if is_same:
        values = colours
    return Appearance(values, colours, tuple(notes), tuple(level_notes), nodata)


def _plane(decoded: Decoded, notes: list[str]) -> NDArray[np.generic]:
    """The channels that are shown, [H, W] or [H, W, 3]."""
    values = decoded.values
    channels = 1 if values.ndim == 2 else values.shape[2]
    colour_channels = channels - decoded.has_alpha
    plane = values[:, :, :colour_channels] if decoded.has_alpha else values
    if colour_channels > 3 or colour_channels == 2:
        which = "the first is" if colour_channels == 2 else "the first three are"
        notes.append(f"{colour_channels} channels: {which} shown.")
        plane = plane[:, :, : 3 if colour_channels > 3 else 1]
    return plane[:, :, 0] if plane.ndim == 3 and plane.shape[2] == 1 else plane


def _level_notes(
    decoded: Decoded, plane: NDArray[np.generic], levels: tuple[float, float], nodata: float | None
) -> list[str]:
    if plane.dtype == np.uint8:
        return []
    black, white = reversed(levels) if decoded.is_inverted else levels
    said = [f"{plane.dtype} values are kept; {_number(black)} is shown black, {_number(white)} white."]
    if nodata is not None and (count := _count(plane, nodata)):
        source = "as the file says" if nodata == decoded.nodata else "as it usually does"
        said.append(
            f"{_number(nodata)} stands for “no data” ({source}): it is left out of the contrast. "
            f"It occurs {count:,} times."
        )
    if plane.dtype.kind == "f" and not all(np.isfinite(part).all() for part in _parts(plane)):
        said.append("Pixels without a finite value are left out of the contrast, and shown black or white.")
    if not display.are_distinct(plane, levels):
        said.append("The values differ by too little to be shown: choose a part of the range.")
    return said


def _number(value: float) -> str:
    """Whole numbers in full, others with six digits."""
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:.6g}"


def _parts(plane: NDArray[np.generic]) -> list[NDArray[np.generic]]:
    """The plane in bands of rows: a whole one would be copied for each question."""
    rows = max(1, _COUNTED // max(1, plane[:1].size))
    return [plane[top : top + rows] for top in range(0, plane.shape[0], rows)]


def _count(plane: NDArray[np.generic], nodata: float) -> int:
    wanted = np.array(nodata).astype(plane.dtype)
    return sum(int(np.count_nonzero(part == wanted)) for part in _parts(plane))


def _over_white(decoded: Decoded, colours: NDArray[np.uint8], notes: list[str]) -> NDArray[np.uint8]:
    if not decoded.has_alpha:
        return colours
    if decoded.values.dtype != np.uint8:
        notes.append("Transparency is not shown.")
    elif bool((decoded.values[:, :, -1] != 255).any()):
        notes.append("Transparent parts are shown on white.")
        return display.over_white(np.dstack([colours, decoded.values[:, :, -1]]))
    return colours


__all__ = [
    "SUFFIXES",
    "ImageError",
    "ImageHeader",
    "ImageTooLargeError",
    "default_budget",
    "list_images",
    "probe",
    "read_image",
]


def probe(path: Path, *, budget: int | None = None) -> ImageHeader:
    """What the header says; the pixels are not read.

    Args:
        path: the file.
        budget: bytes that reading it may take, as for `read_image`; None: any size is told.

    Raises:
        ImageTooLargeError: if reading would take more.
        ImageError: if it is not an image that can be opened, or not in time.
    """
    allowed = MemoryLimit.of(path, budget)

    def read() -> ImageHeader:
        with _opened(path) as file:
            return decoding.page_header(allowed, file)

    header = in_time(path, read)
    allowed.admit(header.width, header.height, header.bytes)
    return header


def read_image(path: Path, *, image_id: str = "", frame: int = 0, budget: int | None = -1) -> ImageRecord:
    """Read one page or frame of an image.

    Args:
        path: the file; it is never written.
        image_id: for the record.
        frame: which page, from 0.
        budget: bytes that reading may take; None for no limit, -1 for `default_budget`.

    Returns:
        The upright image, with a note for everything that is not as in the file.

    Raises:
        ImageTooLargeError: if it would take more; refused before any memory is taken.
        ImageError: if it cannot be read, or not in time.
    """
    allowed = MemoryLimit.of(path, budget)
    return in_time(path, lambda: _read(allowed, image_id, frame))


def _read(allowed: MemoryLimit, image_id: str, frame: int) -> ImageRecord:
    path = allowed.path
    with _opened(path) as file:
        header = decoding.page_header(allowed, file, frame)
        allowed.admit(header.width, header.height, header.bytes)
        if not 0 <= frame < header.frames:
            raise ImageError(
                f"“{shown(path.name)}” has {header.frames} pages; there is no page {frame + 1}.",
                action="Choose one of its pages.",
            )
        decoded = decoding.decode_page(allowed, file, frame)
    try:
        looks = appearance(decoded)
    except MemoryError as error:
        raise out_of_memory(path, error) from error
    if looks.pixels.ndim != 3 or looks.pixels.shape[2] != 3:
        raise damaged_image(path, ValueError(f"a page of shape {list(looks.values.shape)} is not an image"))
    return ImageRecord(
        image_id,
        looks.pixels,
        looks.values,
        path,
        looks.notes,
        frame,
        header.frames,
        is_inverted=decoded.is_inverted and decoded.colours is None,
        level_notes=looks.level_notes,
        nodata=looks.nodata,
    )


def _opened(path: Path) -> BinaryIO:
    try:
        return open_regular(path)
    except OSError as error:
        raise unreadable(path, error) from error
