"""Reading a mask file of any of the formats, recognised by its contents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.masks import coco, geojson, labelme, raster_reading, yolo
from latentseg_gui.io.masks.values import ImportContext, ImportedMask, MaskError, check_size
from latentseg_gui.io.paths import shown

_MAX_BYTES = 2**30

IMPORT_SUFFIXES = (".png", ".tif", ".tiff", ".npy", ".npz", ".json", ".geojson", ".txt")
"""Endings of files that `import_mask` can read."""


def import_mask(path: Path, context: ImportContext) -> ImportedMask:
    """Read a mask for an image.

    Args:
        path: the file; what it is follows from its contents and ending.
        context: what is known of the image and of the document's classes.

    Returns:
        The mask in terms of the document's classes, new ones at the end, with a note for everything
        that could not be represented.

    Raises:
        MaskError: if the file cannot be read, or is not for an image of this size.
    """
    with readable(path):
        found, mask = _read(path, contents(path), context)
    return checked(path, found, mask, context)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Whatever a damaged file makes a reader raise becomes a MaskError."""
    try:
        yield
    except LatentsegError:
        raise
    except Exception as error:  # a damaged file makes the readers raise nearly everything
        raise MaskError(
            f"“{shown(path.name)}” cannot be read as a mask.",
            action="Choose a mask in one of the formats that can be exported.",
            detail=f"{shown(path)}: {error!r}",
        ) from error


def checked(
    path: Path, found: tuple[int, ...], mask: ImportedMask | None, context: ImportContext
) -> ImportedMask:
    """The mask that was read; MaskError if there is none, or it is of another size than the image."""
    check_size(path, found, context.shape)
    if mask is None:
        raise MaskError(f"“{shown(path.name)}” holds no mask.")
    return mask


def contents(path: Path) -> bytes:
    """All bytes of a file; MaskError if it cannot be opened, or is far too large."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise MaskError(
            f"“{shown(path.name)}” cannot be opened: {error.strerror or 'the system refused it'}.",
            action="Check that it exists and that you may read it.",
            detail=f"{shown(path)}: {error!r}",
        ) from error
    if len(data) > _MAX_BYTES:
        raise MaskError(f"“{shown(path.name)}” is too large for a mask.", action="Choose another file.")
    return data


def parsed(path: Path, data: bytes) -> Any:
    """What a JSON file says; MaskError if it is none.

    The hook does nothing but let other threads have their turn: without it the window stands still for as
    long as a large file is parsed.
    """
    with readable(path):
        return json.loads(data, object_hook=_same)


def _same(entry: dict[str, Any]) -> dict[str, Any]:
    return entry


def _read(path: Path, data: bytes, context: ImportContext) -> tuple[tuple[int, ...], ImportedMask | None]:
    if data.startswith(b"\x89PNG"):
        return raster_reading.read_picture(data, context)
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return raster_reading.read_tiff(data, context)
    if data.startswith(b"\x93NUMPY"):
        return raster_reading.read_npy(data, context)
    if data.startswith(b"PK\3\4"):
        return raster_reading.read_npz(data, context)
    if data.lstrip()[:1] == b"{":
        return _read_json(parsed(path, data), context)
    if path.suffix.lower() == ".txt":
        return context.shape, yolo.read(data, context, yolo.names_near(path))
    raise ValueError("no known format")


def _read_json(
    content: dict[str, Any], context: ImportContext
) -> tuple[tuple[int, ...], ImportedMask | None]:
    if "shapes" in content:
        return labelme.read(content, context)
    if content.get("type") == "FeatureCollection":
        return context.shape, geojson.read(content, context)
    if "annotations" in content:
        return coco.read(content, context)
    raise ValueError("JSON of an unknown kind")
