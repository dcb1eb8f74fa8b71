"""The skeleton of a TIFF: where its pages are, looked up before a library is let at what they say."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO, Final

MAX_PAGES: Final = 100_000

_TYPE_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_MAX_TAGS: Final = 4096
_ROOM: Final = 4
"""How often the bytes of a file may be named by the tags of one page; parsed, each takes up to ten times."""


def page_offsets(file: BinaryIO) -> tuple[int, ...]:
    """Where the pages begin, in order; a chain that comes back to itself ends there.

    Raises:
        ValueError: if it is no TIFF, has no page, or more than `MAX_PAGES`.
    """
    layout = _Layout.of(file)
    found: dict[int, None] = {}
    offset = layout.first
    while offset and offset not in found:
        following = layout.after(file, offset)
        if following is None:
            break
        found[offset] = None
        if len(found) > MAX_PAGES:
            raise ValueError(f"more than {MAX_PAGES} pages")
        offset = following
    if not found:
        raise ValueError("no page")
    return tuple(found)


def check_tags(file: BinaryIO, offset: int) -> None:
    """Refuse a page whose tags name far more bytes than the file has: parsed one by one, they take gigabytes.

    Raises:
        ValueError: if that is so.
    """
    layout = _Layout.of(file)
    size = file.seek(0, os.SEEK_END)
    file.seek(offset)
    (count,) = struct.unpack(layout.count_format, file.read(struct.calcsize(layout.count_format)))
    if count > _MAX_TAGS:
        raise ValueError(f"{count} tags")
    data = file.read(count * layout.tag_bytes)
    named = 0
    for _, kind, values, _ in struct.iter_unpack(
        layout.tag_format, data[: len(data) // layout.tag_bytes * layout.tag_bytes]
    ):
        wanted = values * _TYPE_BYTES.get(kind, 8)
        named += wanted if wanted <= size else 0  # what the file cannot hold is not read
    if named > _ROOM * size + 2**16:
        raise ValueError(f"the tags of a page name {named} bytes of a file of {size}")


class _Layout:
    """The formats of numbers of a TIFF or BigTIFF."""

    def __init__(self, order: str, is_big: bool, first: int) -> None:
        self.first = first
        self.count_format = order + ("Q" if is_big else "H")
        self.next_format = order + ("Q" if is_big else "I")
        self.tag_format = order + ("HHQQ" if is_big else "HHII")
        self.tag_bytes = struct.calcsize(self.tag_format)

    @classmethod
    def of(cls, file: BinaryIO) -> _Layout:
        """What the first bytes say; ValueError if they are not those of a TIFF."""
        file.seek(0)
        start = file.read(16)
        order = {b"II": "<", b"MM": ">"}.get(start[:2])
        if order is None or len(start) < 8:
            raise ValueError("no TIFF")
        (version,) = struct.unpack_from(order + "H", start, 2)
        if version == 43 and len(start) == 16:
            return cls(order, True, struct.unpack_from(order + "Q", start, 8)[0])
        return cls(order, False, struct.unpack_from(order + "I", start, 4)[0])

    def after(self, file: BinaryIO, offset: int) -> int | None:
        """Where the page after the one at ``offset`` begins; 0: it is the last; None: it is no page itself."""
        try:
            file.seek(offset)
            (count,) = struct.unpack(self.count_format, file.read(struct.calcsize(self.count_format)))
            if not 0 < count <= _MAX_TAGS:
                return None
            file.seek(offset + struct.calcsize(self.count_format) + count * self.tag_bytes)
            following = file.read(struct.calcsize(self.next_format))
        except (struct.error, OverflowError, ValueError):
            return None
        if len(following) < struct.calcsize(self.next_format):
            return 0
        return int(struct.unpack(self.next_format, following)[0])
