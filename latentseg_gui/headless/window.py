"""Whether the window is installed, and opening it: the one way from the command line into Qt."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

WINDOW_ADVICE: Final = 'pip install "latentseg[gui]" adds it'
_PARTS: Final = ("PySide6", "shiboken6", "pyqtgraph")


def is_window_installed() -> bool:
    """Whether the packages of the extra "gui" are there; they are not imported for this."""
    return all(find_spec(name) is not None for name in _PARTS)


def open_window(arguments: Sequence[str]) -> int:
    """Open the window and return its exit code when it is closed; 2 where it cannot open, said on stderr."""
    if not is_window_installed():
        return _refused(
            "The window is not installed, only the library and the subcommands: "
            f"{WINDOW_ADVICE}. What works without it: latentseg --help."
        )
    try:
        from latentseg_gui.app.main import main
    except ImportError as error:
        # Qt is there, but a library of the system that it loads is not ("libGL.so.1: cannot open ...").
        return _refused(f"The window cannot open: {error}. “latentseg doctor” lists what is missing.")
    return main(arguments)


def _refused(sentence: str) -> int:
    print(f"latentseg: {sentence}", file=sys.stderr)
    return 2
