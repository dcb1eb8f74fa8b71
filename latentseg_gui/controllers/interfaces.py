"""What controllers need of the outside, as narrow as they need it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from latentseg_gui.document.errors import LatentsegError


class ErrorSink(Protocol):
    """Where a controller says what the user must know."""

    def report(self, error: LatentsegError) -> None:
        """Shows an error with what to do about it."""

    def inform(self, sentence: str) -> None:
        """Shows a sentence that needs no action."""


class Offers(Protocol):
    """Where a controller says what went wrong and offers to do something about it."""

    def offer(self, error: LatentsegError, button: str, act: Callable[[], None]) -> None:
        """Shows an error with a button that calls ``act``."""

    def suggest(self, error: LatentsegError, button: str, act: Callable[[], None]) -> None:
        """Shows what is no error, what may be done, and a button that calls ``act``."""


class Dialogs(Protocol):
    """Questions to the user. Every answer may be "nothing": an empty list, None or False."""

    def choose_images(self, folder: str) -> list[Path]:
        """Image files to open."""

    def choose_folder(self, title: str, folder: str) -> Path | None:
        """An existing folder."""

    def choose_new_folder(self, title: str, suggestion: Path) -> Path | None:
        """A folder that is made for this, or an empty one."""

    def choose_file(self, title: str, folder: str, patterns: str) -> Path | None:
        """One existing file."""

    def choose_target(self, title: str, suggestion: Path, patterns: str) -> Path | None:
        """A file to write."""

    def choose_one(self, title: str, text: str, choices: Sequence[tuple[str, str]]) -> str | None:
        """One of (key, what the user reads)."""

    def choose_action(self, title: str, text: str, actions: Sequence[tuple[str, str]]) -> str | None:
        """What to do, as (key, text of the button), the first by default; None to do nothing."""

    def confirm(self, title: str, text: str, action: str) -> bool:
        """Whether to do ``action``, which cannot be undone or takes something away."""


class Window(Protocol):
    """The few lines of the window that controllers write."""

    def set_hint(self, sentence: str) -> None:
        """What to do next."""

    def set_cursor_text(self, text: str) -> None:
        """What is under the cursor."""

    def set_timing_text(self, text: str) -> None:
        """How long the last operation took."""

    def set_version_text(self, text: str) -> None:
        """Which weights are in use."""
