"""Reading images: values kept, conversions said, everything that can go wrong an `ImageError`."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from latentseg_gui.document.types import ImageRecord
from latentseg_gui.io.images import decoding
from latentseg_gui.io.images.appearance import appearance
from latentseg_gui.io.images.budget import Budget, default_budget
from latentseg_gui.io.images.decoded import ImageHeader
from latentseg_gui.io.images.folders import SUFFIXES, list_images
from latentseg_gui.io.images.image_errors import (
    ImageError,
    ImageTooLargeError,
    damaged,
    out_of_memory,
    unreadable,
)
from latentseg_gui.io.images.time_limit import in_time
from latentseg_gui.io.paths import shown
from latentseg_gui.io.regular_files import open_regular

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
    allowed = Budget.of(path, budget)

    def read() -> ImageHeader:
        with _opened(path) as file:
            return decoding.header(allowed, file)

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
    allowed = Budget.of(path, budget)
    return in_time(path, lambda: _read(allowed, image_id, frame))


def _read(allowed: Budget, image_id: str, frame: int) -> ImageRecord:
    path = allowed.path
    with _opened(path) as file:
        header = decoding.header(allowed, file, frame)
        allowed.admit(header.width, header.height, header.bytes)
        if not 0 <= frame < header.frames:
            raise ImageError(
                f"“{shown(path.name)}” has {header.frames} pages; there is no page {frame + 1}.",
                action="Choose one of its pages.",
            )
        decoded = decoding.decode(allowed, file, frame)
    try:
        looks = appearance(decoded)
    except MemoryError as error:
        raise out_of_memory(path, error) from error
    if looks.pixels.ndim != 3 or looks.pixels.shape[2] != 3:
        raise damaged(path, ValueError(f"a page of shape {list(looks.values.shape)} is no picture"))
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
