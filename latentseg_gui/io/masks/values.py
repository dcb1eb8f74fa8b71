"""What goes out to mask files and what comes in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentseg_gui.document.classes import MAX_CLASSES, ClassTable
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.layers import Instances
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Labels, Mask, Provenance, Rect
from latentseg_gui.io.masks.parts import connected_parts
from latentseg_gui.io.paths import shown

_DENSE = 2**25
_SLICE = 2**18
_NUMBERED = re.compile(r"class \d+")
_BACKGROUND_NAMES = ("background", "_background_", "__background__", "__ignore__")


class MaskError(LatentsegError):
    """A mask that cannot be read, or not be written in the chosen format."""


@dataclass(frozen=True, slots=True)
class MaskItem:
    """The mask of one image as it is exported.

    Attributes:
        stem: name of the files, without ending.
        labels: class ids, uint8 [H, W]; `UNLABELLED` is allowed.
        instances: object numbers, uint32 [H, W]; None where no object has one.
        provenance: `Provenance` values, uint8 [H, W]; None where unknown.
        pixels: the image, uint8 [H, W, 3]; only overlays and intensities need it.
        confidence: of the prediction, uint8 [H, W]; only the confidence map needs it.
        image_name: file name of the image.
        version: the version of the weights that predicted the predicted part.
        probabilities: of every class, uint16 [C, H, W], 65535 for 1; only probability maps need them.
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

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return int(self.labels.shape[0]), int(self.labels.shape[1])


@dataclass(frozen=True, slots=True)
class ImportedMask:
    """A mask that was read.

    Attributes:
        labels: class ids of ``classes``, uint8 [H, W].
        classes: the table given, with the classes that only the file knows at its end.
        instances: object numbers, uint32 [H, W]; None if the file has none.
        provenance: `Provenance` values; None if the file has none.
        notes: what could not be represented, and what had to be assumed.
    """

    labels: Labels
    classes: ClassTable
    instances: Instances | None = None
    provenance: NDArray[np.uint8] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportContext:
    """What a reader is told besides the file.

    Attributes:
        shape: (rows, columns) of the image.
        classes: the table of the document.
        image_name: which image of a file with many is meant.
        default_class: the class of objects that do not say.
        outside: what pixels outside all objects are: `BACKGROUND` or `UNLABELLED`.
        is_white_object: whether 255 in a grey picture of nothing but 0 and 255 is the object; else it is, as
            everywhere, a pixel without label.
    """

    shape: tuple[int, int]
    classes: ClassTable
    image_name: str = ""
    default_class: int = 1
    outside: int = BACKGROUND
    is_white_object: bool = False


@dataclass(frozen=True, slots=True)
class ObjectArea:
    """One object: its number (new ones for areas without), class, bounding box and area in it."""

    number: int
    class_id: int
    rect: Rect
    mask: Mask
    is_numbered: bool


def objects_of(item: MaskItem) -> Iterator[ObjectArea]:
    """All objects but the background: numbered ones, then connected areas of a class without number.

    Pixels of one number but of two classes make two objects with that number.
    """
    highest = 0
    if item.instances is not None:
        highest = int(item.instances.max(initial=0))
        numbered = (item.labels != BACKGROUND) & (item.labels != UNLABELLED) & (item.instances > 0)
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


def _unnumbered(item: MaskItem) -> list[int]:
    """The classes of the objects without a number."""
    counts = np.zeros(256, np.int64)
    rows = max(1, _SLICE // max(1, item.shape[1]))
    for top in range(0, item.shape[0], rows):
        labels = item.labels[top : top + rows]
        if item.instances is not None:
            labels = labels[item.instances[top : top + rows] == 0]
        counts += np.bincount(labels.reshape(-1), minlength=256)
    counts[[BACKGROUND, UNLABELLED]] = 0
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


@dataclass(slots=True)
class Canvas:
    """A mask that is put together from the objects of a file."""

    context: ImportContext
    classes: ClassTable = field(init=False)
    labels: Labels = field(init=False)
    instances: Instances = field(init=False)
    notes: list[str] = field(default_factory=list)
    overlap: int = 0
    highest: int = 0

    def __post_init__(self) -> None:
        self.classes = self.context.classes
        self.labels = np.full(self.context.shape, UNLABELLED, np.uint8)
        self.instances = np.zeros(self.context.shape, np.uint32)

    def class_id(self, name: str) -> int:
        """The id of a class named in the file; one the document does not have is added."""
        if name.casefold() in _BACKGROUND_NAMES:
            return BACKGROUND
        known = self.classes.index_of(name)
        if known is not None:
            return known
        if len(self.classes) >= MAX_CLASSES:
            raise MaskError(
                f"The file has more than {MAX_CLASSES} classes.", action="Leave out classes not needed."
            )
        self.classes = self.classes.added(name)
        return len(self.classes) - 1

    def numbered_class(self, number: int) -> int:
        """The id of a class that the file only numbers: that of the document with this number.

        One that has no counterpart is added as "class 7", and known by that name from then on: whatever else
        was added before, two files that mean the same get the same.
        """
        name = f"class {number}"
        known = self.classes.index_of(name)
        if known is not None:
            return known
        has_number = number < len(self.classes)
        if has_number and not _NUMBERED.fullmatch(self.classes[number].name):
            return number
        return self.class_id(name)

    def put(self, rect: Rect, mask: Mask, class_id: int, number: int | None) -> None:
        """Add an object; ``number`` 0: belongs to none, None: the next free one."""
        part = self.labels[rect.slices]
        self.overlap += int(np.count_nonzero(mask & (part != UNLABELLED)))
        if number is None:
            number = self.highest + 1
        self.highest = max(self.highest, number)
        part[mask] = class_id
        self.instances[rect.slices][mask] = 0 if class_id == BACKGROUND else number

    def finish(self, unlabelled: Mask | None = None) -> ImportedMask:
        """The mask; what no object covers is ``outside``, or as the file says."""
        rest = self.labels == UNLABELLED
        if unlabelled is None:
            self.labels[rest] = self.context.outside
            if rest.any() and self.context.outside == BACKGROUND:
                self.notes.append("Pixels outside all objects are taken as background.")
        else:
            self.labels[rest & ~unlabelled] = BACKGROUND
        if self.overlap:
            self.notes.append(f"Objects overlap in {self.overlap} pixels; the later one was taken there.")
        instances = self.instances if self.instances.any() else None
        return ImportedMask(self.labels, self.classes, instances, None, tuple(self.notes))


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


def origin(item: MaskItem, classes: ClassTable) -> dict[str, Any]:
    """Where a mask comes from, for formats that can carry it along."""
    about: dict[str, Any] = {
        "classes": [{"name": entry.name, "colour": entry.colour} for entry in classes],
        "weights": item.version,
    }
    if item.provenance is not None:
        counts = counts_of(item.provenance)
        about["pixels"] = {kind.name.lower(): int(counts[kind]) for kind in Provenance}
    return about
