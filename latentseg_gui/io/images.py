"""Reading images: values kept, conversions said, everything that can go wrong an `ImageError`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.types import ImageRecord
from latentseg_gui.io import display, pillow_reader, tiff_reader
from latentseg_gui.io.decoded import Decoded, ImageHeader
from latentseg_gui.io.image_errors import (
    ImageError,
    ImageTooLargeError,
    damaged,
    out_of_memory,
    unknown_format,
    unreadable,
)
from latentseg_gui.io.paths import natural_key, shown

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

SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".tif", ".tiff", ".bmp", ".gif", ".webp")
"""Endings of files that folders are searched for, in lower case."""

_LARGEST_BUDGET = 2 * 2**30
_SMALLEST_BUDGET = 256 * 2**20


def default_budget() -> int:
    """Bytes that reading one image may take without asking: a quarter of the memory, 2 GiB at most."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return _LARGEST_BUDGET
    return max(_SMALLEST_BUDGET, min(_LARGEST_BUDGET, memory // 4))


def probe(path: Path) -> ImageHeader:
    """What the header says; the pixels are not read.

    Raises:
        ImageError: if it is not an image that can be opened.
    """
    with _opened(path) as file:
        return _header(path, file)


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
        ImageError: if it cannot be read.
    """
    limit = default_budget() if budget == -1 else budget
    with _opened(path) as file:
        header = _header(path, file)
        if limit is not None and header.bytes > limit:
            raise ImageTooLargeError(path, (header.width, header.height), header.bytes, limit)
        if not 0 <= frame < header.frames:
            raise ImageError(
                f"“{shown(path.name)}” has {header.frames} pages; there is no page {frame + 1}.",
                action="Choose one of its pages.",
            )
        decoded = _decode(path, file, frame)
        try:
            values, pixels, notes = _shown(decoded)
        except MemoryError as error:
            raise out_of_memory(path, error) from error
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise damaged(path, ValueError(f"a page of shape {list(values.shape)} is no picture"))
    if header.frames > 1:
        notes = (f"Page {frame + 1} of {header.frames}.", *notes)
    is_inverted = decoded.is_inverted and decoded.colours is None
    return ImageRecord(image_id, pixels, values, path, notes, frame, header.frames, is_inverted)


def list_images(folder: Path) -> tuple[Path, ...]:
    """All images of a folder and the folders in it, by name; files are not opened.

    Hidden files and folders, links to folders, and folders that may not be read are left out.

    Raises:
        ImageError: if the folder itself cannot be read.
    """
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise ImageError(
            f"The folder “{shown(folder.name)}” cannot be read: {error.strerror or 'the system refused it'}.",
            action="Check that it exists and that you may read it.",
            detail=f"{shown(folder)}: {error!r}",
        ) from error
    return tuple(_found(folder))


def _found(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
            folders = [entry.name for entry in visible if entry.is_dir(follow_symlinks=False)]
            files = [entry.name for entry in visible if entry.name.lower().endswith(SUFFIXES)]
    except OSError:
        return
    inside = set(folders)
    for name in sorted(files, key=natural_key):
        if name not in inside:
            yield folder / name
    for name in sorted(folders, key=natural_key):
        yield from _found(folder / name)


def _opened(path: Path) -> BinaryIO:
    try:
        if not path.is_file():
            path.stat()
            raise unknown_format(path, "not a file")
        return open(path, "rb")
    except (OSError, ValueError) as error:
        raise unreadable(path, error if isinstance(error, OSError) else OSError(str(error))) from error


def _header(path: Path, file: BinaryIO) -> ImageHeader:
    """The header, checked; every failure of a decoder becomes an ImageError."""
    try:
        start = file.read(16)
        file.seek(0)
        header = tiff_reader.header(file) if tiff_reader.is_tiff(start) else pillow_reader.header(file)
        file.seek(0)
    except MemoryError as error:
        raise out_of_memory(path, error) from error
    except Exception as error:  # decoders of damaged files raise nearly everything
        if not start:
            raise damaged(path, error) from error
        raise _looks_like(path, start, error) from error
    if header.width <= 0 or header.height <= 0:
        raise damaged(path, ValueError(f"{header.width} x {header.height} pixels"))
    return header


def _decode(path: Path, file: BinaryIO, frame: int) -> Decoded:
    try:
        start = file.read(16)
        file.seek(0)
        decode = tiff_reader.decode if tiff_reader.is_tiff(start) else pillow_reader.decode
        decoded = decode(file, frame)
    except MemoryError as error:
        raise out_of_memory(path, error) from error
    except Exception as error:  # decoders of damaged files raise nearly everything
        raise damaged(path, error) from error
    if decoded.values.size == 0:
        raise damaged(path, ValueError("no pixels"))
    return decoded


def _looks_like(path: Path, start: bytes, error: Exception) -> ImageError:
    """Damaged, if it begins like one of the formats; else of another kind."""
    signatures = (
        b"\x89PNG",
        b"\xff\xd8\xff",
        b"GIF8",
        b"BM",
        b"RIFF",
        b"II*\0",
        b"MM\0*",
        b"II+\0",
        b"MM\0+",
    )
    if start.startswith(signatures):
        return damaged(path, error)
    return unknown_format(path, repr(error))


def _shown(decoded: Decoded) -> tuple[NDArray[np.generic], NDArray[np.uint8], tuple[str, ...]]:
    """Values and pixels, upright, and the notes."""
    notes = list(decoded.notes)
    values, colours = decoded.values, decoded.colours
    if colours is None:
        colours, said = _colours(decoded)
        notes += said
    is_same = colours is values
    if decoded.orientation != 1:
        notes.append(display.ORIENTATION_NOTE)
        values = np.ascontiguousarray(display.upright(values, decoded.orientation))
        turned = display.upright(colours, decoded.orientation)
        colours = np.ascontiguousarray(turned).astype(np.uint8, copy=False)
    if is_same:
        values = colours
    return values, colours, tuple(notes)


def _colours(decoded: Decoded) -> tuple[NDArray[np.uint8], list[str]]:
    """What to show of the values, and what to say of it."""
    values, notes = decoded.values, []
    channels = 1 if values.ndim == 2 else values.shape[2]
    colour_channels = channels - decoded.has_alpha
    shown_values = values[:, :, :colour_channels] if decoded.has_alpha else values
    if colour_channels > 3 or colour_channels == 2:
        which = "the first is" if colour_channels == 2 else "the first three are"
        notes.append(f"{colour_channels} channels: {which} shown.")
        shown_values = shown_values[:, :, : 3 if colour_channels > 3 else 1]
    if shown_values.ndim == 3 and shown_values.shape[2] == 1:
        shown_values = shown_values[:, :, 0]
    levels = display.default_levels(shown_values)
    if values.dtype != np.uint8:
        black, white = reversed(levels) if decoded.is_inverted else levels
        notes.append(f"{values.dtype} values are kept; {black:.6g} is shown black, {white:.6g} white.")
        if values.dtype.kind == "f" and not np.isfinite(shown_values).all():
            notes.append("Pixels without a finite value are shown black or white.")
    pixels = display.display_pixels(shown_values, levels=levels, is_inverted=decoded.is_inverted)
    if decoded.has_alpha and values.dtype == np.uint8 and bool((values[:, :, -1] != 255).any()):
        notes.append("Transparent parts are shown on white.")
        pixels = display.over_white(np.dstack([pixels, values[:, :, -1]]))
    elif decoded.has_alpha and values.dtype != np.uint8:
        notes.append("Transparency is not shown.")
    return pixels, notes
