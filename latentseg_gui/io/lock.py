"""One writer per project: a lock that the system takes back when its owner ends, however it ends."""

from __future__ import annotations

import getpass
import json
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from latentseg_gui.io import storage
from latentseg_gui.io.regular_files import open_regular

_OWNER_AT = 16
_OWNER_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a lock."""

    user: str
    host: str
    pid: int

    def __str__(self) -> str:
        return f"{self.user} on {self.host} (process {self.pid})"


class ProjectLock:
    """A lock on a file. `acquire` it, and `release` it; a process that dies releases its locks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor >= 0

    def acquire(self) -> bool:
        """Take the lock if nobody has it; whether it is held now.

        Raises:
            StorageError: if the file cannot be made.
        """
        if self.is_held:
            return True
        try:
            descriptor = storage.disk.open_append(self._path)
        except OSError as error:
            raise storage.storage_error(self._path, error) from error
        if not _try_lock(descriptor):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        self._say_who()
        return True

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        if self.is_held:
            descriptor, self._descriptor = self._descriptor, -1
            _unlock(descriptor)
            os.close(descriptor)

    def owner(self) -> Owner | None:
        """Who took the lock last; None if that cannot be read."""
        try:
            with open_regular(self._path) as file:
                file.seek(_OWNER_AT)
                content = json.loads(file.read(_OWNER_BYTES))
            return Owner(str(content["user"])[:100], str(content["host"])[:100], int(content["pid"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _say_who(self) -> None:
        """Write the owner behind the locked bytes; the lock holds even if that fails."""
        content = {"user": _user(), "host": platform.node(), "pid": os.getpid()}
        try:
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, _OWNER_AT, os.SEEK_SET)
            storage.disk.write(self._descriptor, memoryview(json.dumps(content).encode()))
        except OSError:
            return


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "someone"


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        """Lock the first byte."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        """Lock the whole file."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
