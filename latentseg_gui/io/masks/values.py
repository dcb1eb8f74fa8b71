"""What goes out to mask files and what comes in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.layers import Instances
from latentseg_gui.document.masks.object_rules import drop_rims
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Labels, Mask, Provenance, Rect
from latentseg_gui.io.masks.parts import connected_parts
from latentseg_gui.io.paths import shown

_DENSE = 2**25
_SLICE = 2**18


class MaskError(LatentsegError):
    """A mask that cannot be read, or not be written in the chosen format."""


_CARRIED: Final = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
"""Files that all tools read alike; of others the picture that is shown is what can be learned from."""

CLICK_MODEL: Final = "click_model"
"""Key and column for the click model of others that made an object."""


@dataclass(frozen=True, slots=True)
class PairedImage:
    """The image that goes along with its mask, in formats that hold both.

    Attributes:
        path: its file; None where it has none.
        frame: which page of it.
        is_linked: whether a link to the file is enough.
    """

    path: Path | None
    frame: int = 0
    is_linked: bool = False

    @property
    def file(self) -> Path | None:
        """The file that is taken as it is; None where its pixels are written as PNG instead."""
        is_plain = self.path is not None and not self.frame and self.path.suffix.lower() in _CARRIED
        return self.path if is_plain else None

    @property
    def suffix(self) -> str:
        """The ending of what is written."""
        return ".png" if self.file is None else self.file.suffix.lower()


@dataclass(frozen=True, slots=True)
class StoredValues:
    """What an image measures, in its own numbers.

    Attributes:
        values: as in the file, upright, [H, W] or [H, W, channels].
        channels: a name for every channel; one empty name where there is only one.
        pixel_size: (height, width) of a pixel in ``unit``; None where the file does not say.
        unit: of lengths, as the file states it.
    """

    values: NDArray[np.generic]
    channels: tuple[str, ...]
    pixel_size: tuple[float, float] | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class MaskItem:
    """The mask of one image as it is exported.

    Attributes:
        stem: name of the files, without ending.
        labels: class ids, uint8 [H, W]; `UNLABELLED` is allowed.
        instances: object numbers, uint32 [H, W]; None where no object has one.
        provenance: `Provenance` values, uint8 [H, W]; None where unknown.
        pixels: the image, uint8 [H, W, 3]; only overlays and data sets for training need it.
        confidence: of the prediction, uint8 [H, W]; only the confidence map needs it.
        image_name: file name of the image.
        version: the version of the weights that predicted the predicted part.
        probabilities: of every class, uint16 [C, H, W], 65535 for 1; only probability maps need them.
        picture: the file of the image, where it goes along with the mask.
        stored: what the image measures; only tables need it.
        is_completed: whether a prediction was put where nobody has labelled; its rims are no objects.
        stuff: classes whose objects are not counted: all of such a class is one area.
        makers: title of the click model by object number, of objects that one of others has made.
    """

    stem: str
    labels: Labels
    instances: Instances | None = None
    provenance: NDArray[np.uint8] | None = None
    pixels: NDArray[np.uint8] | None = None
    confidence: NDArray[np.uint8] | None = None
    image_name: str = ""
    version: str = ""
    probabilities: NDArray[np.uint16] | None = None
    picture: PairedImage | None = None
    stored: StoredValues | None = None
    is_completed: bool = False
    stuff: frozenset[int] = frozenset()
    makers: Mapping[int, str] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return int(self.labels.shape[0]), int(self.labels.shape[1])


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of the objects that a file lists came in."""

    taken: int
    total: int

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.taken + other.taken, self.total + other.total)


class Numbers(StrEnum):
    """What whole numbers in masks are: the numbers of classes, or of objects."""

    CLASSES = "classes"
    OBJECTS = "objects"


@dataclass(frozen=True, slots=True)
class Reading:
    """What the pictures of one import mean; `latentseg_gui.io.masks.looks.decide` finds it out from all of them.

    Attributes:
        is_white_object: whether the only bright value of a black-and-white picture is the object; else it is
            a pixel without label, as in Pascal VOC.
        is_white_class: whether, in pictures of several greys, white is one of them and not "no label".
        lone: the only value besides 0 that occurs in any of them; 0 where there are several.
        numbers: what small numbers are.
        is_sure: whether these could not as well be the other.
    """

    is_white_object: bool = False
    is_white_class: bool = False
    lone: int = 0
    numbers: Numbers = Numbers.CLASSES
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class ImportedMask:
    """A mask that was read.

    Attributes:
        labels: class ids of ``classes``, uint8 [H, W].
        classes: the table given, with the classes that only the file knows at its end.
        instances: object numbers, uint32 [H, W]; None if the file has none.
        provenance: `Provenance` values; None if the file has none.
        notes: what could not be represented, and what had to be assumed.
        tally: how many of the objects of the file came in; None where the file does not list objects.
    """

    labels: Labels
    classes: ClassTable
    instances: Instances | None = None
    provenance: NDArray[np.uint8] | None = None
    notes: tuple[str, ...] = ()
    tally: Tally | None = None


@dataclass(frozen=True, slots=True)
class ImportContext:
    """What a reader is told besides the file.

    Attributes:
        shape: (rows, columns) of the image.
        classes: the table of the document.
        image_name: which image of a file with many is meant.
        default_class: the class of objects that do not say.
        outside: what pixels outside all objects are: `BACKGROUND` or `UNLABELLED`.
        is_outside_chosen: whether somebody has said so, who then needs no note about it.
        reading: what pictures of this import mean; None: what this one alone tells.
        orientation: the EXIF tag by which the image was turned; 1 where it was not.
        is_turned: whether the mask was made before that, so that it is to be turned, too. Where sizes leave
            no doubt, this is seen without being told.
    """

    shape: tuple[int, int]
    classes: ClassTable
    image_name: str = ""
    default_class: int = 1
    outside: int = BACKGROUND
    is_outside_chosen: bool = False
    reading: Reading | None = None
    orientation: int = 1
    is_turned: bool = False


@dataclass(frozen=True, slots=True)
class ObjectArea:
    """One object: its number (new ones for areas without), class, bounding box and area in it."""

    number: int
    class_id: int
    rect: Rect
    mask: Mask
    is_numbered: bool


def object_areas(item: MaskItem) -> Iterator[ObjectArea]:
    """All objects but the background: numbered ones, then connected areas of a class without number, then stuff.

    Pixels of one number but of two classes make two objects with that number. What a prediction leaves round an
    object that somebody has made is none.
    """
    item = _without_rims(item)
    highest = 0
    if item.instances is not None:
        highest = int(item.instances.max(initial=0))
        numbered = (item.labels != BACKGROUND) & (item.labels != UNLABELLED) & (item.instances > 0)
        if item.stuff:
            numbered &= ~np.isin(item.labels, list(item.stuff))
        yield from _numbered(item, numbered)
        del numbered  # a hundred megapixels are a hundred megabytes
    for class_id in _unnumbered(item):

        def band(rows: slice, class_id: int = class_id) -> Mask:
            where: Mask = item.labels[rows] == class_id
            if item.instances is not None:
                where &= item.instances[rows] == 0
            return where

        for rect, mask in connected_parts(band, item.shape):
            highest += 1
            yield ObjectArea(highest, class_id, rect, mask, False)
    yield from _areas_of_stuff(item, highest + 1)


def _areas_of_stuff(item: MaskItem, number: int) -> Iterator[ObjectArea]:
    """An area for each class that is not counted, with numbers from ``number`` on."""
    for class_id in sorted(item.stuff):
        where = item.labels == class_id
        rect = Rect.around(where)
        if not rect.is_empty:
            yield ObjectArea(number, class_id, rect, where[rect.slices].copy(), False)
            number += 1


def _without_rims(item: MaskItem) -> MaskItem:
    """The item as objects are read from it."""
    if not item.is_completed or item.provenance is None:
        return item
    labels = item.labels.copy()
    drop_rims(labels, item.provenance, item.instances)
    return replace(item, labels=labels)


def _unnumbered(item: MaskItem) -> list[int]:
    """The classes of the objects without a number."""
    counts = np.zeros(256, np.int64)
    rows = max(1, _SLICE // max(1, item.shape[1]))
    for top in range(0, item.shape[0], rows):
        labels = item.labels[top : top + rows]
        if item.instances is not None:
            labels = labels[item.instances[top : top + rows] == 0]
        counts += np.bincount(labels.reshape(-1), minlength=256)
    counts[[BACKGROUND, UNLABELLED, *item.stuff]] = 0
    return np.flatnonzero(counts).tolist()


def _numbered(item: MaskItem, where: Mask) -> Iterator[ObjectArea]:
    if item.instances is None or not where.any():
        return
    known, index_of = _distinct(item.instances[where].astype(np.uint64) * 256 + item.labels[where])
    parts = np.zeros(item.shape, np.int32)
    parts[where] = index_of
    for index, place in enumerate(ndimage.find_objects(parts), 1):
        if place is not None:
            number, class_id = divmod(int(known[index - 1]), 256)
            rect = Rect(place[0].start, place[1].start, place[0].stop, place[1].stop)
            yield ObjectArea(number, class_id, rect, parts[place] == index, True)


def _distinct(keys: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """The values that occur, in order, and for every key the place of its value among them, from 1."""
    size = int(keys.max()) + 1
    if size > _DENSE:
        known, inverse = np.unique(keys, return_inverse=True)
        return known, (inverse + 1).astype(np.int32)
    table = np.zeros(size, np.int32)  # a table instead of sorting: a hundred megapixels take a second
    table[keys] = 1
    known = np.flatnonzero(table).astype(np.uint64)
    table[known] = np.arange(1, len(known) + 1)
    return known, table[keys]


def counts_of(values: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each value 0..255 occurs, int64 [256]; in slices, for numpy would take eight times the memory."""
    counts = np.zeros(256, np.int64)
    flat = values.reshape(-1)
    for start in range(0, flat.size, _SLICE):
        counts += np.bincount(flat[start : start + _SLICE], minlength=256)
    return counts


def check_size(path: Path, found: tuple[int, ...], shape: tuple[int, int]) -> None:
    """Raise MaskError unless the mask has the size of the image."""
    if tuple(found[:2]) != shape or len(found) < 2:
        size = " x ".join(str(side) for side in reversed(found[:2]))
        raise MaskError(
            f"The mask “{shown(path.name)}” is {size} pixels, the image {shape[1]} x {shape[0]}.",
            action="Choose the mask that was made for this image.",
        )


def made_by(item: MaskItem, found: ObjectArea) -> dict[str, str]:
    """Title of the click model of others that made an object; nothing for all else, as where it was painted over."""
    title = item.makers.get(found.number, "") if found.is_numbered else ""
    if not title:
        return {}
    if item.provenance is not None:
        clicked = item.provenance[found.rect.slices][found.mask] == Provenance.CLICKED
        if 2 * np.count_nonzero(clicked) < clicked.size:
            return {}
    return {CLICK_MODEL: title}


def origin(item: MaskItem, classes: ClassTable) -> dict[str, Any]:
    """Where a mask comes from, for formats that can carry it along."""
    about: dict[str, Any] = {
        "classes": [{"name": entry.name, "colour": entry.colour} for entry in classes],
        "weights": item.version,
    }
    if item.makers:
        about["click_models"] = {str(number): title for number, title in item.makers.items()}
    if item.provenance is not None:
        counts = counts_of(item.provenance)
        about["pixels"] = {kind.name.lower(): int(counts[kind]) for kind in Provenance}
    return about
