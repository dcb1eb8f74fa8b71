"""Which files latentseg wrote itself: those alone may it replace without being told to.

For every folder that was written to there is a small record in the state folder of the user, a line for each
file: its name, and size and hash of what was written. The line is there before the file is: after a crash the
record knows at least as much as the folder. A file that is not exactly what one of its lines says belongs to
somebody else; so does one in a folder that was moved or copied: in doubt the user is asked.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import platformdirs

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.paths import shown
from latentseg_gui.io.regular_files import open_regular
from latentseg_gui.io.storage import (
    StorageError,
    append_whole,
    atomic_write,
    make_folder,
    make_link,
    remove_file,
)

ASK: Final = "Choose another folder, or allow in the dialog that they are replaced."
_SHOWN: Final = 5
_BLOCK: Final = 1 << 20
_MAX_RECORD: Final = 1 << 28

_Marks = dict[str, set[str]]
"""By the name of a file: what it may be, each as "size:hash" or "link:target"."""


class ForeignFileError(LatentsegError):
    """Files would be replaced that latentseg did not write, or that changed since; nothing was touched.

    Attributes:
        paths: those files.
    """

    def __init__(self, paths: Iterable[Path], action: str) -> None:
        self.paths = tuple(paths)
        folder = shown(self.paths[0].parent.name or self.paths[0].parent)
        names = ", ".join(f"“{shown(path.name)}”" for path in self.paths[:_SHOWN])
        more = len(self.paths) - _SHOWN
        listed = names + (f" and {more} more" if more > 0 else "")
        what = (
            f"{listed} in “{folder}” would be replaced, but latentseg did not write it, or it has changed since."
            if len(self.paths) == 1
            else f"{len(self.paths)} files in “{folder}” would be replaced, but latentseg did not write them, "
            f"or they have changed since: {listed}."
        )
        super().__init__(what, action=action, detail="\n".join(shown(path) for path in self.paths))


class Ledger:
    """Writes files, and refuses to take the place of foreign ones. Safe to be used by several threads.

    Args:
        may_replace: whether the user has allowed that foreign files are replaced.
        action: what a refusal advises.
    """

    def __init__(self, *, may_replace: bool = False, action: str = ASK) -> None:
        self.may_replace = may_replace
        self._action = action
        self._known: dict[Path, _Marks] = {}
        self._lock = threading.Lock()

    def is_own(self, path: Path) -> bool:
        """Whether a file is as latentseg wrote it; true also of one that is not there."""
        if not os.path.lexists(path):
            return True
        marks = self._marks(path.parent).get(path.name)
        return marks is not None and _mark_of(path, marks) in marks

    def foreign(self, paths: Iterable[Path]) -> list[Path]:
        """Those that are there and that somebody else wrote or changed; slow where there are many."""
        return [path for path in paths if not self.is_own(path)]

    def check(self, paths: Iterable[Path]) -> None:
        """Raise `ForeignFileError` if writing ``paths`` would replace what the user has not given away."""
        if not self.may_replace and (foreign := self.foreign(paths)):
            raise ForeignFileError(foreign, self._action)

    def has_written(self, path: Path) -> bool:
        """Whether a file is there under a name, and as, latentseg wrote it."""
        return os.path.lexists(path) and self.is_own(path)

    def write(self, path: Path, data: bytes) -> None:
        """Write a file completely, or leave what is there; folders are made where they are missing.

        Raises:
            ForeignFileError: if a file of somebody else is there.
            StorageError: if it cannot be written.
        """
        self.check([path])
        make_folder(path.parent)
        is_own_link = path.is_symlink() and self.is_own(path)
        self._note(path, f"{len(data)}:{hashlib.sha256(data).hexdigest()}")
        if is_own_link:
            remove_file(path)  # what it points to is no file of ours
        atomic_write(path, data)

    def adopt(self, path: Path) -> None:
        """Remember a file as ours that another part of latentseg has just written."""
        with contextlib.suppress(OSError):
            self._note(path, f"{path.stat().st_size}:{_hash_of(path)}")

    def link(self, path: Path, target: Path) -> None:
        """Write a link to ``target``, relative where both are on one disk; raises as `write` does."""
        self.check([path])
        make_folder(path.parent)
        try:
            place = os.path.relpath(os.path.realpath(target), os.path.realpath(path.parent))
        except ValueError:  # another drive
            place = os.path.realpath(target)
        self._note(path, f"link:{place}")
        make_link(path, place)

    def _note(self, path: Path, mark: str) -> None:
        line = json.dumps({"name": path.name, "mark": mark}, ensure_ascii=True)
        with self._lock:
            _remember(path.parent, line)
            self._known.get(path.parent, {}).setdefault(path.name, set()).add(mark)

    def _marks(self, folder: Path) -> _Marks:
        with self._lock:
            if folder not in self._known:
                self._known[folder] = _read(_record_of(folder))
            return self._known[folder]


def _record_of(folder: Path) -> Path:
    """The record of a folder; it names neither the folder nor anything above it."""
    key = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()
    return Path(platformdirs.user_state_dir("latentseg", appauthor=False)) / "written" / f"{key}.log"


def _remember(folder: Path, line: str) -> None:
    record = _record_of(folder)
    try:
        make_folder(record.parent)
        # A line that a crash cut in two must not take the next one with it.
        append_whole(record, f"\n{line}\n".encode("ascii"))
    except StorageError:
        # Without a home that can be written to, results are written all the same: they are only not
        # replaced the next time before the user has said so.
        return


def _read(path: Path) -> _Marks:
    """What the record of a folder says; what cannot be understood says nothing."""
    marks: _Marks = {}
    for entry in _entries(path):
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            marks.setdefault(entry["name"], set()).add(str(entry.get("mark")))
    return marks


def _entries(path: Path) -> Iterator[object]:
    try:
        if not path.is_file():
            return
        with open_regular(path) as file:
            lines = file.read(_MAX_RECORD).splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            continue


def _mark_of(path: Path, marks: set[str]) -> str:
    """What a file is; it is read only if its size is one of those in question."""
    try:
        if path.is_symlink() and (link := f"link:{os.readlink(path)}") in marks:
            return link
        if not path.is_file():
            return ""
        size = path.stat().st_size
        if not any(mark.startswith(f"{size}:") for mark in marks):
            return ""
        digest = _hash_of(path)
    except OSError:
        return ""
    return f"{size}:{digest}"


def _hash_of(path: Path) -> str:
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
