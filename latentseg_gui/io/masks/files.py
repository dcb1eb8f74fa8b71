"""The bytes of mask files: regular files only, and never more than a mask can have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.masks.values import MaskError
from latentseg_gui.io.paths import shown
from latentseg_gui.io.regular_files import TooLongError, open_regular, read_regular

_MAX_BYTES = 2**30
UNKNOWN_ACTION = (
    "Export it from the program that wrote it as COCO JSON, or as PNG with class numbers, and import that."
)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Whatever a damaged file makes a reader raise becomes a MaskError."""
    try:
        yield
    except LatentsegError:
        raise
    except Exception as error:  # a damaged file makes the readers raise nearly everything
        raise MaskError(
            f"“{shown(path.name)}” cannot be read as a mask.",
            action="Choose a mask in one of the formats that can be exported.",
            detail=f"{shown(path)}: {error!r}",
        ) from error


def contents(path: Path, limit: int = _MAX_BYTES) -> bytes:
    """All bytes of a file.

    Raises:
        MaskError: if it cannot be opened, is no regular file (a pipe may never end), or is far too large.
    """
    with _opened(path):
        return read_regular(path, limit)


def head(path: Path, count: int) -> bytes:
    """The first bytes of a file; MaskError as for `contents`."""
    with _opened(path), open_regular(path) as file:
        return file.read(count)


@contextmanager
def _opened(path: Path) -> Iterator[None]:
    """What the system says becomes a MaskError."""
    try:
        yield
    except TooLongError as error:
        raise MaskError(
            f"“{shown(path.name)}” is too large for a mask.", action="Choose another file."
        ) from error
    except OSError as error:
        raise MaskError(
            f"“{shown(path.name)}” cannot be opened: {error.strerror or 'the system refused it'}.",
            action="Check that it exists and that you may read it.",
            detail=f"{shown(path)}: {error!r}",
        ) from error
