"""Work that has no project yet: kept in the state folder, so that a crash does not take it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import numpy as np
from PIL import Image

from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.paths import safe_stem
from latentseg_gui.io.project.manifest import MANIFEST
from latentseg_gui.io.project.saving import ProjectSession, create_project
from latentseg_gui.io.regular_files import read_regular
from latentseg_gui.io.storage import atomic_write, make_folder

IMAGES = "images"
_MAX_BYTES = 2**32


def keep_pasted(document: Document, folder: Path, temporary: Path) -> None:
    """Writes pictures that are nowhere else into the folder of a project.

    Args:
        document: whose images they are; it is told where they are now.
        folder: of the project.
        temporary: what lies in this folder is going to be removed, and so is copied too.

    Raises:
        LatentsegError: if one cannot be written.
    """
    images = folder / IMAGES
    for image_id in document.images.ids:
        data = _only_copy(document, image_id, images, temporary)
        if data is not None:
            make_folder(images)
            target = _free(images, safe_stem(image_id))
            atomic_write(target, data if isinstance(data, bytes) else _PngOf(data))
            document.images.set_path(image_id, target)


def _only_copy(document: Document, image_id: str, images: Path, temporary: Path) -> bytes | np.ndarray | None:
    """The picture, if it is kept nowhere for good: as a file, or as pixels."""
    path = document.images.path(image_id)
    if path is None:
        record = document.records.of(image_id)
        return None if record is None else record.pixels
    if path.is_relative_to(images) or not path.is_relative_to(temporary):
        return None
    try:
        return read_regular(path, _MAX_BYTES)
    except OSError:
        return None


def _free(folder: Path, stem: str) -> Path:
    path, number = folder / f"{stem}.png", 1
    while path.exists():
        number += 1
        path = folder / f"{stem} ({number}).png"
    return path


class _PngOf:
    """Writes pixels as PNG."""

    def __init__(self, pixels: np.ndarray) -> None:
        self._pixels = pixels

    def __call__(self, file: BinaryIO) -> None:
        Image.fromarray(self._pixels).save(file, "PNG")


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
                "The unsaved work could not be discarded.",
                action="It is offered again next time.",
                detail=str(error),
            ) from error
        for old in kept[:-_KEPT_DISCARDED]:
            shutil.rmtree(old, ignore_errors=True)
