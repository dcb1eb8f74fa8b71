"""Reading a mask file of any of the formats, recognised by its contents."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.io.images import display
from latentseg_gui.io.images.folders import SUFFIXES
from latentseg_gui.io.masks import coco_reading, foreign, geojson, labelme, raster_reading, yolo
from latentseg_gui.io.masks.encodings import text_of
from latentseg_gui.io.masks.files import UNKNOWN_ACTION, contents, readable
from latentseg_gui.io.masks.values import ImportContext, ImportedMask, MaskError, check_size
from latentseg_gui.io.paths import shown

PICTURES = SUFFIXES
"""Endings of masks that are pictures: what opens as an image opens as a mask."""

IMPORT_SUFFIXES = (*PICTURES, ".npy", ".npz", ".json", ".geojson", ".xml", ".txt")
"""Endings of files that `import_mask` can read."""

_ASIDE = (5, 6, 7, 8)
"""Orientations that change the size of a picture that is no square."""

Found = tuple[tuple[int, ...], ImportedMask | None]


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
    data = contents(path)
    return fitted(path, lambda given: _read(path, data, given), context)


def fitted(path: Path, read: Callable[[ImportContext], Found], context: ImportContext) -> ImportedMask:
    """Read a mask as the image is shown, or as it was before it was turned by its EXIF data.

    Args:
        path: of the mask, for the user.
        read: gives the shape found, and the mask unless it is another one than that of the context.
        context: what is known of the image.

    Raises:
        MaskError: if there is no mask, or it is of another size than the image.
    """
    stored = replace(context, shape=stored_shape(context.shape, context.orientation), is_turned=False)
    with readable(path):
        if context.is_turned and context.orientation != 1:
            return _turned(_checked(path, *read(stored), stored), context)
        found, mask = read(context)
        if mask is None and context.orientation in _ASIDE and found == stored.shape:
            return _turned(_checked(path, *read(stored), stored), context)
    return _checked(path, found, mask, context)


def stored_shape(shape: tuple[int, int], orientation: int) -> tuple[int, int]:
    """The shape that an image of ``shape`` has in its file, before it is turned."""
    return (shape[1], shape[0]) if orientation in _ASIDE else shape


def _turned(mask: ImportedMask, context: ImportContext) -> ImportedMask:
    """The mask [H, W] turned upright, as the image is shown."""
    instances, provenance = mask.instances, mask.provenance
    return replace(
        mask,
        labels=_upright(mask.labels, context.orientation).astype(np.uint8),
        instances=None if instances is None else _upright(instances, context.orientation).astype(np.uint32),
        provenance=None if provenance is None else _upright(provenance, context.orientation).astype(np.uint8),
        notes=(*mask.notes, "It was made before the image was turned by its EXIF data, and was turned, too."),
    )


def _upright(values: NDArray[np.generic], orientation: int) -> NDArray[np.generic]:
    return np.ascontiguousarray(display.upright(values, orientation))


def _checked(
    path: Path, found: tuple[int, ...], mask: ImportedMask | None, context: ImportContext
) -> ImportedMask:
    """The mask that was read; MaskError if there is none, or it is of another size than the image."""
    check_size(path, found, context.shape)
    if len(found) > 2:
        said = f"“{shown(path.name)}” has {' x '.join(map(str, found[2:]))} values per pixel, and a mask has one."
        raise MaskError(said, action="Save one number per pixel: that of its class.")
    if mask is None:
        raise MaskError(f"“{shown(path.name)}” holds no mask.", action="Choose a file with a mask.")
    return mask


def parsed(path: Path, data: bytes) -> Any:
    """What a JSON file says; MaskError if it is none.

    The hook does nothing but let other threads have their turn: without it the window stands still for as
    long as a large file is parsed.
    """
    with readable(path):
        text = text_of(data, path.name)
        if not text.strip():
            raise MaskError(f"“{shown(path.name)}” is empty.", action="Export it once more.")
        return json.loads(text, object_hook=_same)


def _same(entry: dict[str, Any]) -> dict[str, Any]:
    return entry


def _read(path: Path, data: bytes, context: ImportContext) -> Found:
    suffix = path.suffix.lower()
    if data.startswith(b"\x93NUMPY"):
        return raster_reading.read_npy(data, context)
    if data.startswith(b"PK\3\4"):
        return raster_reading.read_npz(data, context)
    if suffix in (".json", ".geojson"):
        return _read_json(path, parsed(path, data), context)
    if suffix == ".xml":
        return _the_image(path, foreign.of_xml(text_of(data, path.name)), context)
    if suffix == ".txt":
        return context.shape, yolo.read_yolo(data, context, *yolo.names_near(path))
    return raster_reading.read_picture(data, context, path)


def _read_json(path: Path, content: Any, context: ImportContext) -> Found:
    if isinstance(content, dict) and "shapes" in content:
        return labelme.read_labelme(content, context)
    if geojson.is_geojson(content):
        return context.shape, geojson.read_geojson(content, context)
    if isinstance(content, dict) and "annotations" in content and "images" in content:
        return coco_reading.read_coco(content, context)
    file = foreign.of_json(content)
    if isinstance(content, list) and content and isinstance(content[0], dict) and "image_id" in content[0]:
        raise MaskError(
            f"“{shown(path.name)}” is a list of COCO results, which names neither images nor classes.",
            action="Put it into the file that lists the images, as its “annotations”, and import that.",
        )
    if file is None:
        raise MaskError(
            f"“{shown(path.name)}” is JSON of a kind that is not known (COCO, labelme, GeoJSON, ISAT, VIA and "
            "Label Studio are).",
            action=UNKNOWN_ACTION,
        )
    return _the_image(path, file, context)


def _the_image(path: Path, file: foreign.ForeignFile, context: ImportContext) -> Found:
    """The image that is asked for, or the only one."""
    name = context.image_name.replace("\\", "/").rsplit("/", 1)[-1]
    named = [image for image in file.images if image.name.rsplit("/", 1)[-1] == name] or list(file.images)
    if len(named) != 1:
        raise MaskError(
            f"“{shown(path.name)}” does not say which of its {len(named)} images “{context.image_name}” is.",
            action="Rename the image as in the file.",
        )
    return named[0].read(context)
