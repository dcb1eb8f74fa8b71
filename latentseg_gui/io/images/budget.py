"""How much memory decoding one image may take: asked before every decode, whatever the file is for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from latentseg_gui.io.images.image_errors import ImageTooLargeError

BYTES_PER_PIXEL: Final = 10
"""What an 8-bit picture takes at most: as decoded, as copied into an array, and as shown."""

_LARGEST: Final = 2 * 2**30
_SMALLEST: Final = 256 * 2**20


def default_budget() -> int:
    """Bytes that decoding one image may take without asking: a quarter of the memory, 2 GiB at most."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return _LARGEST
    return max(_SMALLEST, min(_LARGEST, memory // 4))


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """The limit for one file, and the name to refuse it by.

    Attributes:
        path: the file, for the message.
        limit: bytes; None for no limit.
        action: what the user can do about a refusal; None for the advice that images come with.
    """

    path: Path
    limit: int | None
    action: str | None = None

    @classmethod
    def of(cls, path: Path, limit: int | None = -1, *, action: str | None = None) -> MemoryLimit:
        """A budget of ``limit`` bytes; None for no limit, -1 for `default_budget`."""
        return cls(path, default_budget() if limit == -1 else limit, action)

    def admit(self, width: int, height: int, needed: int | None = None) -> None:
        """Call this with what the header says, before a decoder is let at the pixels.

        Args:
            width: in pixels.
            height: in pixels.
            needed: bytes that decoding takes at most; None: `BYTES_PER_PIXEL` for each pixel.

        Raises:
            ImageTooLargeError: if it takes more than the limit.
        """
        wanted = width * height * BYTES_PER_PIXEL if needed is None else needed
        if self.limit is not None and wanted > self.limit:
            raise ImageTooLargeError(self.path, (width, height), wanted, self.limit, action=self.action)
