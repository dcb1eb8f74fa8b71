"""Pascal VOC's two folders: the classes of an image in one, its objects in the other."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentseg_gui.document.types import BACKGROUND, UNLABELLED
from latentseg_gui.io.masks.files import contents
from latentseg_gui.io.masks.naming import KnownClasses
from latentseg_gui.io.masks.raster_reading import read_picture
from latentseg_gui.io.masks.values import ImportContext, ImportedMask, Reading

CLASSES, OBJECTS, NAMES = "SegmentationClass", "SegmentationObject", "labelmap.txt"
_LINE: Final = re.compile(r"(.*):" + ",".join([r"[ \t]*([0-9]{1,3})[ \t]*"] * 3) + "(?::[^:]*){0,2}")
"""Name, colour, and two fields that mean nothing here."""
_VOID = 0xE0E0C0
_MAX_NAMES = 2**20


@dataclass(frozen=True, slots=True)
class Place:
    """Where the masks are.

    Attributes:
        classes: the folder of class pictures.
        objects: the folder of object pictures; None where there is none.
        names: class name by colour 0xRRGGBB, from "labelmap.txt"; empty where there is none.
    """

    classes: Path
    objects: Path | None
    names: dict[int, str]


def place_of(folder: Path) -> Place | None:
    """The masks of a folder that is laid out so, or that is the one of its classes; None for any other."""
    classes = folder if folder.name == CLASSES else folder / CLASSES
    if not classes.is_dir():
        return None
    objects, names = classes.parent / OBJECTS, classes.parent / NAMES
    is_named = names.is_file() and names.stat().st_size <= _MAX_NAMES
    table = dict(_names(contents(names, _MAX_NAMES).decode("utf-8", errors="replace"))) if is_named else {}
    return Place(classes, objects if objects.is_dir() else None, table)


def _names(text: str) -> Iterator[tuple[int, str]]:
    """Of lines such as "leaf:86,180,233::"; there may be colons in a name, and a "#" before it."""
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found is not None and all(int(part) <= 255 for part in found.groups()[1:]):
            name, *parts = found.groups()
            yield _code([int(part) for part in parts]), name.strip()


def read_voc(path: Path, place: Place, context: ImportContext) -> tuple[tuple[int, ...], ImportedMask | None]:
    """The mask of an image: its classes, with the numbers of its objects where there is a picture of them.

    Args:
        path: the picture of the classes.
        place: where it is.
        context: what is known of the image.

    Returns:
        The shape found, and the mask unless that shape is wrong.
    """
    # Here 255 is void, whatever else is in the picture.
    context = replace(context, reading=Reading())
    data = contents(path)
    found, mask = _by_colour(data, place, context) if place.names else read_picture(data, context, path)
    beside = None if place.objects is None else place.objects / path.relative_to(place.classes)
    if mask is None or beside is None or not beside.is_file():
        return found, mask
    numbers = _numbers(contents(beside), mask.labels.shape)
    if numbers is None:
        notes = (*mask.notes, "The picture of the objects has another size and was left out.")
        return found, ImportedMask(mask.labels, mask.classes, None, None, notes)
    numbers[(mask.labels == BACKGROUND) | (mask.labels == UNLABELLED)] = 0
    return found, ImportedMask(
        mask.labels, mask.classes, numbers if numbers.any() else None, None, mask.notes
    )


def _by_colour(
    data: bytes, place: Place, context: ImportContext
) -> tuple[tuple[int, ...], ImportedMask | None]:
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        shape = (image.height, image.width)
        if shape != context.shape:
            return shape, None
        codes, inverse = _codes(image)
    names = KnownClasses(context)
    names.expect(place.names.values())
    ids = np.full(len(codes), UNLABELLED, np.uint8)
    lost = []
    for index, code in enumerate(codes.tolist()):
        if code in place.names:
            ids[index] = names.class_id(place.names[code])
        elif code != _VOID:
            lost.append(index)
    labels = ids[inverse]
    count = int(np.isin(inverse, lost).sum()) if lost else 0
    notes = (
        (f"{count} pixels have a colour that {NAMES} does not name; they are unlabelled.",) if count else ()
    )
    return shape, ImportedMask(labels, names.classes, None, None, notes)


def _codes(image: Image.Image) -> tuple[NDArray[np.uint32], NDArray[np.intp]]:
    """The colours of a picture as 0xRRGGBB, and which of them every pixel has."""
    rgb = np.asarray(image.convert("RGB")).astype(np.uint32)
    codes = (rgb[:, :, 0] << 16) | (rgb[:, :, 1] << 8) | rgb[:, :, 2]
    known, inverse = np.unique(codes, return_inverse=True)
    return known, inverse.reshape(codes.shape)


def _numbers(data: bytes, shape: tuple[int, ...]) -> NDArray[np.uint32] | None:
    """Object numbers: the indices of a palette, else a number for every colour but black and void.

    None if the picture has another shape than (rows, columns); it is not decoded then.
    """
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        if (image.height, image.width) != shape:
            return None
        if image.mode in ("P", "L"):
            numbers = np.asarray(image, np.uint8).astype(np.uint32)
            numbers[numbers == UNLABELLED] = 0
            return numbers
        codes, inverse = _codes(image)
    table = np.zeros(len(codes), np.uint32)
    objects = (codes != 0) & (codes != _VOID)
    table[objects] = np.arange(1, np.count_nonzero(objects) + 1)
    return table[inverse]


def _code(rgb: list[int]) -> int:
    return rgb[0] << 16 | rgb[1] << 8 | rgb[2]
