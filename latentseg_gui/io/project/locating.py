"""Finding the images of a project that was moved, and knowing whether a file is the same."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from latentseg_gui.io.images.reading import SUFFIXES, ImageError, list_images, probe
from latentseg_gui.io.project.manifest import ImageEntryModel, MaskFiles, place_names
from latentseg_gui.io.regular_files import open_regular

_PIECE = 2**20
_MAX_SEARCHED = 100_000
_SURELY_SMALL = 2**22
_SURELY_LARGE = 2**28


def hash_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits.

    Raises:
        OSError: if it cannot be read, or is not a regular file.
    """
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def is_sound(shape: tuple[int, int], path: Path | None) -> bool:
    """Whether a mask is no larger than its image: nobody has made such a one, and it might fill the memory.

    Args:
        shape: rows and columns of the mask, as a project or journal says.
        path: the image; where it cannot be read, what nearly every image is smaller than is the limit.
    """
    area = shape[0] * shape[1]
    if area <= _SURELY_SMALL:
        return True
    own = None if path is None else _area_of(path)
    return area <= (_SURELY_LARGE if own is None else own)


def _area_of(path: Path) -> int | None:
    try:
        header = probe(path)
    except ImageError:
        return None
    return header.width * header.height


def located(entry: ImageEntryModel, folder: Path) -> Path | None:
    """The file of an image where it should be: relative to the project first; None if it is not there."""
    # Names as text and one call each: with a hundred thousand images that is the better half of opening.
    place = next((place for place in place_names(entry, os.fspath(folder)) if _is_file(place)), None)
    return None if place is None else Path(place)


def is_changed(entry: ImageEntryModel, path: Path) -> bool:
    """Whether the file is not the one that the mask was made for, as far as is known."""
    if entry.sha256 is None:
        return False
    try:
        status = path.stat()
        if status.st_size == entry.size and status.st_mtime_ns == entry.mtime_ns:
            return False
        # A project may name any file of this machine: what is no image is not read.
        is_image = path.suffix.lower() in SUFFIXES
        return status.st_size != entry.size or (is_image and hash_of(path) != entry.sha256)
    except OSError:
        return False


def completed(entry: ImageEntryModel, names: dict[str, MaskFiles], paths: dict[str, Path]) -> ImageEntryModel:
    """The entry with the new names of its mask, and with the hash of its image if it has a mask."""
    changes: dict[str, Any] = {}
    if entry.id in names:
        changes["mask"] = names[entry.id]
    path = paths.get(entry.id)
    if (entry.mask is not None or changes) and entry.sha256 is None and path is not None:
        try:
            status = path.stat()
            digest = hash_of(path)
            changes |= {"sha256": digest, "size": status.st_size, "mtime_ns": status.st_mtime_ns}
        except OSError:  # the image is missing; its mask is saved all the same
            return entry.model_copy(update=changes)
    return entry.model_copy(update=changes)


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


def _is_file(place: str) -> bool:
    """Whether it is an ordinary file; names that the system does not take are none."""
    try:
        return os.path.isfile(place)
    except (OSError, ValueError):
        return False
