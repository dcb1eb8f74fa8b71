"""Reading with a limit of time: a damaged file can keep a decoder busy for ever, and must not keep the others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

from latentseg_gui.io.images.image_errors import ImageError
from latentseg_gui.io.paths import shown

SECONDS: Final = 20.0
"""For any file; what is large gets more."""

BYTES_PER_SECOND: Final = 5_000_000
"""The slowest disk that is waited for."""

Answer = TypeVar("Answer")


def in_time(path: Path, read: Callable[[], Answer], seconds: float | None = None) -> Answer:
    """What ``read`` returns or raises. All that reads from outside goes through here.

    Args:
        path: the file that is read.
        read: does it; left alone in a thread of its own when its time is up.
        seconds: the limit; None for one that suits the size of the file.

    Raises:
        ImageError: if its time is up.
    """
    limit = _limit(path) if seconds is None else seconds
    reading = _Reading(read)
    # A daemon: one that never ends must not keep the program alive.
    threading.Thread(target=reading.run, name="read", daemon=True).start()
    if not reading.done.wait(limit):
        raise ImageError(
            f"“{shown(path.name)}” cannot be read: the decoder was still busy after {limit:.0f} seconds.",
            action="The file is probably damaged: save it again with another program.",
            detail=shown(path),
        )
    return reading.answer()


def _limit(path: Path) -> float:
    try:
        return SECONDS + path.stat().st_size / BYTES_PER_SECOND
    except (OSError, ValueError):  # no such file, or no such name
        return SECONDS


class _Reading(Generic[Answer]):
    """One call, and what became of it."""

    def __init__(self, read: Callable[[], Answer]) -> None:
        self._read = read
        self._answers: list[Answer] = []
        self._error: BaseException | None = None
        self.done = threading.Event()

    def run(self) -> None:
        """Calls; runs in the thread of its own."""
        try:
            self._answers.append(self._read())
        except BaseException as error:  # handed on to the thread that waits
            self._error = error
        finally:
            self.done.set()

    def answer(self) -> Answer:
        """What was returned; raises what was raised."""
        if self._error is not None:
            raise self._error
        return self._answers.pop()
