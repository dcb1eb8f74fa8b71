"""The one gate to all decoders: what the header says is weighed before a pixel is decoded.

Images, thumbnails, later pages, masks and the files of projects all come through here. A decoder is handed an
open file and a `MemoryLimit`; whatever a damaged file makes it raise leaves as an `ImageError`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

from latentseg_gui.io.images import pillow_reader, tiff_reader
from latentseg_gui.io.images.budget import MemoryLimit
from latentseg_gui.io.images.decoded import Decoded, ImageHeader, UnsupportedError
from latentseg_gui.io.images.image_errors import (
    ImageError,
    damaged_image,
    out_of_memory,
    unknown_format,
    unreadable,
    unsupported,
)

_SIGNATURES: Final = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"BM",
    b"RIFF",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"MM\0+",
    b"\0\0\0\x0cjP  ",
    b"\xff\x4f\xff\x51",
)
_PNM: Final = re.compile(rb"P[1-6]\s")
_START: Final = 16


def page_header(budget: MemoryLimit, file: BinaryIO, frame: int = 0) -> ImageHeader:
    """What a file says of one of its pages; nothing is decoded, and any size is told.

    Args:
        budget: of the file; only its name is used.
        file: open, anywhere.
        frame: which page, from 0; one that is not there is taken for the first.

    Raises:
        ImageError: if it is not an image that can be decoded.
    """
    with _explained(budget, file, is_known=False) as start:
        read = tiff_reader.header if tiff_reader.is_tiff(start) else pillow_reader.header
        found = read(file, frame)
    if found.width <= 0 or found.height <= 0:
        raise damaged_image(budget.path, ValueError(f"{found.width} x {found.height} pixels"))
    return found


def decode_page(budget: MemoryLimit, file: BinaryIO, frame: int = 0) -> Decoded:
    """Decode one page as it is stored: no turning, no stretching.

    Args:
        budget: what it may take, checked against the page asked for before any memory is taken.
        file: open, anywhere.
        frame: which page, from 0.

    Raises:
        ImageTooLargeError: if it would take more than the budget.
        ImageError: if it cannot be decoded, or has no such page.
    """
    with _explained(budget, file, is_known=True) as start:
        read = tiff_reader.decode if tiff_reader.is_tiff(start) else pillow_reader.decode
        found = read(file, frame, budget)
    if found.values.size == 0:
        raise damaged_image(budget.path, ValueError("no pixels"))
    return found


def decode_bytes(budget: MemoryLimit, data: bytes, frame: int = 0) -> Decoded:
    """`decode_page` for a file that is in memory already: a mask, a picture inside another file."""
    return decode_page(budget, io.BytesIO(data), frame)


@contextmanager
def _explained(budget: MemoryLimit, file: BinaryIO, *, is_known: bool) -> Iterator[bytes]:
    """How a file begins; every failure of its reader becomes an ImageError that says what was wrong."""
    start = b""
    try:
        file.seek(0)
        start = file.read(_START)
        file.seek(0)
        yield start
    except ImageError:
        raise
    except MemoryError as error:
        raise out_of_memory(budget.path, error) from error
    except UnsupportedError as error:
        raise unsupported(budget.path, error.what, error.action) from error
    except Exception as error:  # decoders of damaged files raise nearly everything
        raise _explanation(budget, start, error, is_known) from error


def _explanation(budget: MemoryLimit, start: bytes, error: Exception, is_known: bool) -> ImageError:
    """Not readable, damaged, or of another kind."""
    if isinstance(error, OSError) and error.errno is not None:  # Pillow's own have no number
        return unreadable(budget.path, error)
    if is_known or not start or start.startswith(_SIGNATURES) or _PNM.match(start):
        return damaged_image(budget.path, error)
    return unknown_format(budget.path, repr(error))
