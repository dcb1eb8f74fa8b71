"""Opening files from outside: ordinary files only, and never more of them than is wanted.

A name in a folder may be a pipe that nobody writes to, a device without an end, or a text of one endless
line. Opening or reading any of these the plain way waits for ever or takes all memory.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

MAX_LINE: Final = 2**24
"""Bytes of one line of a text; a line of YOLO with fifty thousand corners has one million."""

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


def lines_of(path: Path, *, max_line: int = MAX_LINE, max_bytes: int | None = None) -> Iterator[bytes]:
    """The lines of an ordinary file, one after the other, with their ends.

    Args:
        path: the file.
        max_line: the most bytes a line may have.
        max_bytes: the most bytes of all lines; None for any number.

    Raises:
        TooLongError: at a line that is longer, or where the bytes become more; what came before was given.
        OSError: as `open_regular`, and if reading fails.
    """
    total = 0
    with open_regular(path) as file:
        while line := file.readline(max_line + 1):
            total += len(line)
            if len(line) > max_line or (max_bytes is not None and total > max_bytes):
                raise _too_long(path, max_line if len(line) > max_line else total)
            yield line


def read_json(path: Path, limit: int) -> Any:
    """What a JSON file says, with or without a byte order mark.

    Args:
        path: the file.
        limit: the most bytes it may have; parsed, they take about ten times as much memory.

    Raises:
        OSError: as `read_regular`.
        ValueError: if it is not JSON, or nested too deeply.
    """
    data = read_regular(path, limit)
    try:
        return json.loads(data.decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _too_long(path: Path, limit: int) -> TooLongError:
    return TooLongError(errno.EFBIG, f"it has more than {limit:,} bytes at a stretch", os.fspath(path))
