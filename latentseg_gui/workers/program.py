"""How this program starts itself again in another process, from wherever it was started: installed or bundled."""

from __future__ import annotations

import sys
from typing import Final

_SOURCE: Final = (
    "import sys; sys.path[:] = {paths!r}; from latentseg_gui.cli import main; sys.exit(main({arguments!r}))"
)


def is_bundled() -> bool:
    """Whether this is the bundle that needs no Python: its executable is the program, not an interpreter."""
    return bool(getattr(sys, "frozen", False))


def own_command(*arguments: str) -> list[str]:
    """The command that runs latentseg with ``arguments``, such as ``own_command("doctor", "--device", "cpu")``.

    An interpreter looks modules up exactly where this process does, whatever lies in the present folder.
    """
    if is_bundled():
        return [sys.executable, *arguments]
    return [sys.executable, "-c", _SOURCE.format(paths=sys.path, arguments=list(arguments))]
