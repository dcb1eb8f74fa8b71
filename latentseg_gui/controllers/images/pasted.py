"""Pictures that came from the clipboard have no file; a project gives them one."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from latentseg_gui.document.document import Document
from latentseg_gui.io.paths import safe_stem
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
