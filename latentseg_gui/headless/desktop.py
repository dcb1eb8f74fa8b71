"""`latentseg desktop`: an entry with an icon in the menu of the desktop, for this user only."""

from __future__ import annotations

import argparse
import os
import sys
import sysconfig
from pathlib import Path
from typing import Final

from assets import asset_path
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.storage import atomic_write, make_folder, remove_file
from latentseg_gui.workers.program import is_bundled

_NAME: Final = "latentseg"
_RESERVED: Final = " \t\n\"'\\><~|&;$*?#()`"
"""What must stand in quotes in a command of a desktop entry."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--remove", action="store_true", help="remove the entry from the menu")


def run(options: argparse.Namespace) -> int:
    """Write or remove the entry and its icon, and say where they are."""
    if not sys.platform.startswith("linux"):
        raise LatentsegError(
            "Entries of this kind are for the desktops of Linux.",
            action=f"Make a shortcut to {program()[0]} instead.",
        )
    files = entry_files()
    if options.remove:
        there = [path for path in files if path.exists()]
        for path in there:
            remove_file(path)
        print("\n".join(f"removed {path}" for path in there) or "There was no entry.")
        return 0
    for path, content in files.items():
        make_folder(path.parent)
        atomic_write(path, content)
        print(f"written {path}")
    return 0


def entry_files() -> dict[Path, bytes]:
    """The files of the entry, and what is to stand in each."""
    shared = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    template = asset_path("desktop", f"{_NAME}.desktop").read_text(encoding="utf-8")
    command = " ".join(quoted(each) for each in program())
    entry = template.replace(f"Exec={_NAME} ", f"Exec={command} ")
    icon = asset_path("desktop", f"{_NAME}.svg").read_bytes()
    return {
        shared / "applications" / f"{_NAME}.desktop": entry.encode(),
        shared / "icons" / "hicolor" / "scalable" / "apps" / f"{_NAME}.svg": icon,
    }


def program() -> list[str]:
    """What starts this installation from anywhere: the bundle, the script beside the interpreter, or a module."""
    if is_bundled():
        return [sys.executable]
    name = f"{_NAME}.exe" if sys.platform == "win32" else _NAME
    script = Path(sysconfig.get_path("scripts")) / name
    return [str(script)] if script.is_file() else [sys.executable, "-m", "latentseg_gui"]


def quoted(word: str) -> str:
    """A word of the command of a desktop entry.

    Inside the quotes a backslash stands before what a shell would read; entries unescape backslashes once more.
    """
    word = word.replace("%", "%%")
    if not any(letter in _RESERVED for letter in word):
        return word
    inside = "".join(f"\\{letter}" if letter in '"`$\\' else letter for letter in word)
    return f'"{inside}"'.replace("\\", "\\\\")
