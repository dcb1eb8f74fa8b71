"""What the files of single formats say of themselves, beyond the size that a library's header tells.

Each of these is read without decoding anything, and holds for the whole file: later frames, the coefficients
that a decoder keeps, the tiles it prepares.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

MAX_FRAMES: Final = 100_000

_BLOCK: Final = 512
_BARE_MARKERS: Final = (0x01, *range(0xD0, 0xD9))
_FRAME_MARKERS: Final = tuple(code for code in range(0xC0, 0xD0) if code not in (0xC4, 0xC8, 0xCC))
_PROGRESSIVE: Final = (0xC2, 0xC6, 0xCA, 0xCE)
_TILE_BYTES: Final = 8192


@dataclass(frozen=True, slots=True)
class Extent:
    """The largest picture that a decoder makes of a file.

    Attributes:
        width: in pixels.
        height: in pixels.
        frames: how many pictures there are.
        extra: bytes that a decoder needs besides the pictures.
    """

    width: int
    height: int
    frames: int = 1
    extra: int = 0


def jpeg(file: BinaryIO, start: int = 0) -> Extent:
    """The JPEG that begins at ``start``; ``extra`` are the coefficients of one that comes in several scans.

    Those are kept for the whole picture, two bytes each, however small it is asked for.

    Raises:
        ValueError: if no picture begins there.
    """
    width = height = components = 0
    is_whole = False
    file.seek(start)
    if file.read(2) != b"\xff\xd8":
        raise ValueError("no JPEG")
    for marker, data in _segments(file):
        if marker in _FRAME_MARKERS and len(data) >= 6:
            rows, cols, count = struct.unpack_from(">HHB", data, 1)
            width, height, components = max(width, cols), max(height, rows), max(components, count)
            is_whole = is_whole or marker in _PROGRESSIVE
        if marker == 0xDA:
            is_whole = is_whole or data[:1] != bytes([components])
            break
    if not components:
        raise ValueError("no frame in the JPEG")
    padded = -(-width // 32) * 32 * -(-height // 32) * 32  # whole blocks, whatever the sampling
    return Extent(width, height, extra=padded * 2 * components if is_whole else 0)


def _segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Markers of a JPEG and what follows them, up to the first scan."""
    while (marker := _next_marker(file)) is not None:
        if marker in _BARE_MARKERS:
            continue
        length = file.read(2)
        if len(length) < 2 or (size := int.from_bytes(length, "big")) < 2:
            return
        yield marker, file.read(size - 2)


def _next_marker(file: BinaryIO) -> int | None:
    """The code after the next 0xFF; what is not a marker is skipped, as decoders do."""
    while block := file.read(_BLOCK):
        place = block.find(b"\xff")
        if place < 0:
            continue
        file.seek(place + 1 - len(block), os.SEEK_CUR)
        code = file.read(1)
        while code == b"\xff":
            code = file.read(1)
        if code != b"\0":
            return code[0] if code else None
    return None


def gif(file: BinaryIO) -> Extent:
    """The pictures of a GIF; the size is that of the screen, or of what reaches beyond it.

    Raises:
        ValueError: if it is none, or has more than `MAX_FRAMES`.
    """
    file.seek(0)
    start = file.read(13)
    if start[:4] != b"GIF8" or len(start) < 13:
        raise ValueError("no GIF")
    width, height = struct.unpack_from("<HH", start, 6)
    _skip_palette(file, start[10])
    frames = 0
    while (kind := file.read(1)) not in (b"", b";"):
        if kind == b"!":
            file.read(1)
            _skip_blocks(file)
        elif kind == b",":
            place = file.read(9)
            if len(place) < 9:
                break
            left, top, cols, rows, flags = struct.unpack("<HHHHB", place)
            width, height = max(width, left + cols), max(height, top + rows)
            frames += 1
            if frames > MAX_FRAMES:
                raise ValueError(f"more than {MAX_FRAMES} frames")
            _skip_palette(file, flags)
            file.read(1)
            _skip_blocks(file)
    return Extent(width, height, max(1, frames))


def _skip_palette(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), os.SEEK_CUR)


def _skip_blocks(file: BinaryIO) -> None:
    while size := file.read(1):
        if not size[0]:
            return
        file.seek(size[0], os.SEEK_CUR)


def png_frames(file: BinaryIO) -> int:
    """How many frames of an animation are really in a PNG; 0 for a plain one.

    Raises:
        ValueError: if there are more than `MAX_FRAMES`.
    """
    file.seek(8)
    controls = 0
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            break
        controls += kind == b"fcTL"
        if controls > MAX_FRAMES:
            raise ValueError(f"more than {MAX_FRAMES} frames")
        file.seek(length + 4, os.SEEK_CUR)
    return controls


def jpeg2000(file: BinaryIO) -> Extent:
    """The picture of a JPEG 2000; ``extra`` are the tables of its tiles.

    Raises:
        ValueError: if none is found.
    """
    _to_codestream(file)
    start = file.read(42)
    if start[:4] != b"\xff\x4f\xff\x51" or len(start) < 42:
        raise ValueError("no JPEG 2000 codestream")
    sizes = struct.unpack_from(">8IH", start, 8)
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top, components = sizes
    if not (tile_width and tile_height and right > left and bottom > top and components):
        raise ValueError("no picture in the JPEG 2000")
    tiles = -(-(right - tile_left) // tile_width) * -(-(bottom - tile_top) // tile_height)
    # A decoder holds each component in four bytes, whatever its depth.
    extra = tiles * components * _TILE_BYTES + (right - left) * (bottom - top) * components * 8
    return Extent(right - left, bottom - top, extra=extra)


def jpeg2000_depth(file: BinaryIO) -> int:
    """Bits of the deepest component of a JPEG 2000; 0 if there is none."""
    _to_codestream(file)
    start = file.read(42)
    if len(start) < 42:
        return 0
    (count,) = struct.unpack_from(">H", start, 40)
    depths = file.read(3 * min(count, 256))[::3]  # depth, and the sampling in both directions
    return max(((depth & 0x7F) + 1 for depth in depths), default=0)


def is_deep_avif(file: BinaryIO) -> bool:
    """Whether an AVIF has more than eight bits: its configuration says so, near the beginning."""
    file.seek(0)
    start = file.read(2**16)
    place = start.find(b"av1C")
    return 0 <= place < len(start) - 6 and bool(start[place + 6] & 0x40)


def _to_codestream(file: BinaryIO) -> None:
    """Go to where the codestream begins, in a file of boxes or without."""
    file.seek(0)
    is_bare = file.read(4) == b"\xff\x4f\xff\x51"
    file.seek(0)
    if is_bare:
        return
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"jp2c":
            if length == 1:
                file.seek(8, os.SEEK_CUR)
            return
        skipped = length - 8
        if length == 1:
            skipped = int.from_bytes(file.read(8), "big") - 16
        if skipped < 0:
            return
        file.seek(skipped, os.SEEK_CUR)
