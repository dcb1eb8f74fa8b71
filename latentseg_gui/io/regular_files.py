"""Opening files from outside: ordinary files only, and never more of them than is wanted.

A name in a folder may be a pipe that nobody writes to, a device without an end, or a text of one endless
line. Opening or reading any of these the plain way waits for ever or takes all memory.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

_FLAGS: Final = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY", "O_NOINHERIT")
)


class NotRegularError(OSError):
    """A pipe, a socket or a device where a file was expected."""


class TooLongError(OSError):
    """A file, or a line of it, is longer than anything that is meant to be read there."""


def open_regular(path: Path) -> BinaryIO:
    """Open an ordinary file for reading; returns at once whatever the name stands for.

    Raises:
        NotRegularError: if it is a pipe, a socket or a device.
        OSError: if it cannot be opened; names that the system does not take included.
    """
    try:
        return open(path, "rb", opener=_opener)
    except ValueError as error:  # a name with a NUL in it
        raise OSError(errno.EINVAL, "no file can have this name", os.fspath(path)) from error


def _opener(path: str, _: int) -> int:
    # Without O_NONBLOCK, a pipe would be waited for here.
    descriptor = os.open(path, _FLAGS)
    try:
        mode = os.fstat(descriptor).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # folders are refused by `open` itself
            raise NotRegularError(errno.EINVAL, "it is a pipe, a socket or a device, not a file", path)
        if os.name == "posix":
            os.set_blocking(descriptor, True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_regular(path: Path, limit: int) -> bytes:
    """All bytes of an ordinary file.

    Args:
        path: the file.
        limit: the most bytes it may have.

    Raises:
        TooLongError: if it has more; they are not read.
        OSError: as `open_regular`, and if reading fails.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise _too_long(path, limit)
        data = file.read(size + 1)  # room is made for as much as is asked for
    limit = min(limit, size)
    if len(data) > limit:  # it grew meanwhile
        raise _too_long(path, limit)
    return data


def _too_long(path: Path, limit: int) -> TooLongError:
    return TooLongError(errno.EFBIG, f"it has more than {limit:,} bytes at a stretch", os.fspath(path))
