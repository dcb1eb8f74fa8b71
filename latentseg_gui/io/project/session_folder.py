"""A folder for one window: two windows never write over each other's files, and what a dead one left goes."""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import uuid4

from latentseg_gui.io.lock import ProjectLock
from latentseg_gui.io.storage import StorageError, make_folder

_LOCK = ".lock"


class SessionFolder:
    """A folder of its own below ``parent``, for as long as this process lives.

    Nothing in it is the only copy of something: what is to be kept lies in a project, too. So the folders of
    processes that have ended without a word are removed when the next one makes its own.

    Args:
        parent: where the folders of all windows are.
    """

    def __init__(self, parent: Path) -> None:
        self.folder = parent / uuid4().hex
        self._lock = ProjectLock(self.folder / _LOCK)
        try:
            make_folder(self.folder)
            self._lock.acquire()
        except StorageError:  # said where something is to be written there
            return
        self._remove_abandoned(parent)

    def remove(self) -> None:
        """The window ends."""
        self._lock.release()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_abandoned(self, parent: Path) -> None:
        try:
            others = [each for each in parent.iterdir() if (each / _LOCK).is_file()]
        except OSError:
            return
        for other in others:
            lock = ProjectLock(other / _LOCK)
            try:
                is_abandoned = other != self.folder and lock.acquire()
            except StorageError:
                continue
            if is_abandoned:
                lock.release()
                shutil.rmtree(other, ignore_errors=True)
