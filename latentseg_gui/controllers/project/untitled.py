"""Work that has no project yet: kept in the state folder, so that a crash does not take it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from uuid import uuid4

from latentseg_gui.controllers.images.pasted import keep_pasted
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.project.manifest import MANIFEST
from latentseg_gui.io.project.saving import ProjectSession, create_project
from latentseg_gui.io.storage import make_folder

_KEPT_DISCARDED = 5


class UntitledProjects:
    """Projects that latentseg makes for itself, one per window.

    Args:
        folder: where they are; what was discarded is kept beside it for a while.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._discarded = folder.with_name(folder.name + "-discarded")

    def make(self, document: Document) -> ProjectSession:
        """A project with all that the document holds now, and a journal for what follows.

        Raises:
            LatentsegError: if it cannot be written.
        """
        session = create_project(self._folder / uuid4().hex, document)
        try:
            self.keep_pasted(document, session.folder)
            session.write(session.snapshot(document))
        except BaseException:
            self.remove(session)
            raise
        return session

    def keep_pasted(self, document: Document, folder: Path) -> None:
        """Has pictures without a file, or with one of an untitled project only, in the folder of a project.

        Raises:
            LatentsegError: if one cannot be written.
        """
        keep_pasted(document, folder, self._folder)

    def found(self) -> list[Path]:
        """Those of windows that are open elsewhere, and of those that ended without a word; newest first."""
        try:
            folders = [each for each in self._folder.iterdir() if (each / MANIFEST).is_file()]
            return sorted(folders, key=lambda each: (each / MANIFEST).stat().st_mtime_ns, reverse=True)
        except OSError:
            return []

    def remove(self, session: ProjectSession) -> None:
        """The work was saved elsewhere, or there is none."""
        session.close()
        if session.folder.parent == self._folder:
            shutil.rmtree(session.folder, ignore_errors=True)

    def discard(self, session: ProjectSession) -> None:
        """The user does not want it; the last few are kept all the same.

        Raises:
            LatentsegError: if it cannot be moved.
        """
        session.abandon()
        make_folder(self._discarded)
        try:
            os.replace(session.folder, self._discarded / session.folder.name)
            kept = sorted(self._discarded.iterdir(), key=lambda each: each.stat().st_mtime_ns)
        except OSError as error:
            raise LatentsegError(
                "The recovered work cannot be put aside.",
                action="It is offered again next time.",
                detail=str(error),
            ) from error
        for old in kept[:-_KEPT_DISCARDED]:
            shutil.rmtree(old, ignore_errors=True)
