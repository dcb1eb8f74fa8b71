"""Finding the images of a project that was moved, and knowing whether a file is the same."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from latentseg_gui.io.images import ImageError, list_images
from latentseg_gui.io.project_file import ImageEntryModel, places

_PIECE = 2**20
_MAX_SEARCHED = 100_000


def hash_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits.

    Raises:
        OSError: if it cannot be read.
    """
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def located(entry: ImageEntryModel, folder: Path) -> Path | None:
    """The file of an image where it should be: relative to the project first; None if it is not there."""
    return next((place for place in places(entry, folder) if _is_file(place)), None)


def is_changed(entry: ImageEntryModel, path: Path) -> bool:
    """Whether the file is not the one that the mask was made for, as far as is known."""
    if entry.sha256 is None:
        return False
    try:
        status = path.stat()
        if status.st_size == entry.size and status.st_mtime_ns == entry.mtime_ns:
            return False
        return status.st_size != entry.size or hash_of(path) != entry.sha256
    except OSError:
        return False


def search(entries: Iterable[ImageEntryModel], roots: Iterable[Path]) -> dict[str, Path]:
    """Look for missing images below some folders, by size and hash; found files by image id."""
    wanted: dict[int, list[ImageEntryModel]] = {}
    for entry in entries:
        if entry.sha256 is not None and entry.size is not None:
            wanted.setdefault(entry.size, []).append(entry)
    found: dict[str, Path] = {}
    for path in _candidates(roots):
        try:
            same_size = wanted.get(os.stat(path).st_size)
            digest = hash_of(path) if same_size else ""
        except OSError:
            continue
        for entry in same_size or ():
            if entry.sha256 == digest:
                found.setdefault(entry.id, path)
    return found


def _candidates(roots: Iterable[Path]) -> Iterable[Path]:
    count = 0
    for root in roots:
        try:
            paths = list_images(root)
        except ImageError:
            continue
        for path in paths:
            count += 1
            if count > _MAX_SEARCHED:
                return
            yield path


def _is_file(path: Path) -> bool:
    """Whether it is an ordinary file; names that the system does not take are none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
