"""Reading COCO's JSON: one file for many images, as strict or as lenient as its writers are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from latentseg_gui.document.types import Mask
from latentseg_gui.io.masks import rle
from latentseg_gui.io.masks.annotations import (
    Annotation,
    Points,
    ShapeError,
    box_of,
    flat_points,
    gathered,
    outline,
    pieces_of,
    points_of,
    polygon,
)
from latentseg_gui.io.masks.drawing import Drawing
from latentseg_gui.io.masks.long_json import split
from latentseg_gui.io.masks.naming import KnownClasses
from latentseg_gui.io.masks.spans import RingGroup
from latentseg_gui.io.masks.values import ImportContext, ImportedMask, MaskError

KEY = "latentseg"
_SHOWN = 3
_AT_ONCE = 1000
_MAX_SIDE = 2**20


@dataclass(frozen=True, slots=True)
class DatasetImage:
    """An image of a file: its key there, name, and shape (rows, columns) where the file tells it."""

    key: object
    name: str
    shape: tuple[int, int] | None
    about: object


@dataclass(frozen=True, slots=True)
class Dataset:
    """A file of many images, kept as text: as objects it would take ten times the memory.

    Attributes:
        images: those that it lists.
        names: of the classes by the key of their category, in the order of the file.
        notes: what belongs to none of the images.
        doubled: keys that several images of different names have.
    """

    images: tuple[DatasetImage, ...]
    names: dict[object, str]
    notes: tuple[str, ...] = ()
    doubled: frozenset[object] = frozenset()
    _annotations: dict[object, list[tuple[int, bytes]]] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Self | None:
        """What a file says; None if it is not one of COCO's, with images listed.

        Raises:
            ValueError: if it is not JSON.
        """
        annotations: dict[object, list[tuple[int, bytes]]] = {}
        count = 0

        def take(entry: Any, text: str) -> None:
            nonlocal count
            count += 1
            owner = key_of(entry.get("image_id")) if isinstance(entry, dict) else None
            annotations.setdefault(owner, []).append((count, text.encode()))

        document = split(text, "annotations", take)
        if not isinstance(document, dict) or "annotations" not in document:
            return None
        entries = document.get("images")
        if not isinstance(entries, list) or not entries:
            return None
        if not isinstance(document["annotations"], list):
            raise MaskError("The annotations of the file are not a list.", action="Export it once more.")
        images = tuple(image_of(entry) for entry in entries if isinstance(entry, dict))
        notes = _strays(annotations, images)
        return cls(images, names_of(document), notes, _doubled(images), annotations)

    def read(
        self, image: DatasetImage, context: ImportContext
    ) -> tuple[tuple[int, ...], ImportedMask | None]:
        """The shape of an image of the file, and its mask unless that shape is wrong.

        Raises:
            MaskError: if another image has its number, so that it is not clear whose annotations these are.
        """
        if image.key in self.doubled:
            raise MaskError(
                f"“{image.name}” and another image of the file have the same number ({image.key}).",
                action="Give every image a number of its own there, and its annotations that number.",
            )
        found = self._annotations.get(image.key, ())
        return _read(image, _decoded(found), self.names, context)


def _decoded(found: Sequence[tuple[int, bytes]]) -> list[tuple[int, Any]]:
    """Annotations with their places; many at once, for one by one a million takes several times as long."""
    entries: list[tuple[int, Any]] = []
    for first in range(0, len(found), _AT_ONCE):
        some = found[first : first + _AT_ONCE]
        values = json.loads(b"[" + b",".join(text for _, text in some) + b"]")
        entries += [(place, value) for (place, _), value in zip(some, values, strict=True)]
    return entries


def _doubled(images: tuple[DatasetImage, ...]) -> frozenset[object]:
    """The keys of more than one image."""
    first: dict[object, str] = {}
    return frozenset(each.key for each in images if first.setdefault(each.key, each.name) != each.name)


def _strays(
    annotations: dict[object, list[tuple[int, bytes]]], images: tuple[DatasetImage, ...]
) -> tuple[str, ...]:
    """What to say of annotations whose image is not listed."""
    known = {each.key for each in images}
    strays = [places for key, places in annotations.items() if key not in known]
    numbers = sorted(place for places in strays for place, _ in places)
    if not numbers:
        return ()
    few = ", ".join(f"#{number}" for number in numbers[:_SHOWN]) + (", ..." if len(numbers) > _SHOWN else "")
    return (f"{len(numbers)} annotations belong to an image that the file does not list ({few}); left out.",)


def key_of(value: object) -> object:
    """An id as it is compared: 1, 1.0 and "1" are the same image."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.strip().removeprefix("-").isdecimal() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int | float | str) else str(value)


def image_of(entry: dict[str, Any]) -> DatasetImage:
    """An entry of the list of images."""
    key = key_of(entry.get("id"))
    return DatasetImage(key, str(entry.get("file_name") or key), _shape(entry), entry.get(KEY))


def _shape(entry: dict[str, Any]) -> tuple[int, int] | None:
    try:
        rows, cols = int(entry["height"]), int(entry["width"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return (rows, cols) if 0 < rows <= _MAX_SIDE and 0 < cols <= _MAX_SIDE else None


def names_of(document: dict[str, Any]) -> dict[object, str]:
    """The names of the categories by their keys, by number where these are numbers."""
    entries = document.get("categories")
    found: dict[object, str] = {}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and "id" in entry:
            key = key_of(entry["id"])
            found[key] = str(entry.get("name") or f"class {key}")
    if all(isinstance(key, int) for key in found):
        return dict(sorted(found.items(), key=lambda item: int(str(item[0]))))
    return found


def read_coco(
    document: dict[str, Any], context: ImportContext
) -> tuple[tuple[int, ...], ImportedMask | None]:
    """The mask of one image of a file: the one with the name asked for, or the only one."""
    images = [image_of(entry) for entry in document.get("images") or [] if isinstance(entry, dict)]
    image = _chosen(images, context)
    entries = document.get("annotations")
    if not isinstance(entries, list):
        raise MaskError("The annotations of the file are not a list.", action="Export it once more.")
    found = [
        (place, each)
        for place, each in enumerate(entries, 1)
        if isinstance(each, dict) and key_of(each.get("image_id")) == image.key
    ]
    return _read(image, found, names_of(document), context)


def _read(
    image: DatasetImage,
    entries: list[tuple[int, Any]],
    names: dict[object, str],
    context: ImportContext,
) -> tuple[tuple[int, ...], ImportedMask | None]:
    shape = image.shape or context.shape
    if shape != context.shape:
        return shape, None
    known = KnownClasses(context)
    known.expect(names.values())
    drawing = Drawing(context, known)
    drawing.take(*gathered(_entries(entries, names, shape)))
    return shape, drawing.finish(_unlabelled(image.about, shape))


def _entries(
    entries: list[tuple[int, Any]], names: dict[object, str], shape: tuple[int, int]
) -> Iterator[tuple[str, str | None, Callable[[], Annotation]]]:
    for place, entry in entries:
        key = key_of(entry.get("category_id")) if isinstance(entry, dict) else None
        name = _name_of(key, names)
        where = f"annotation #{place}"
        yield where, name, partial(_annotation, where, name, entry, shape)


def _name_of(key: object, names: dict[object, str]) -> str | None:
    """The class of an annotation by the key of its category, which some write as its name."""
    if key is None:
        return None
    return names.get(key) or (key if isinstance(key, str) and key in names.values() else f"class {key}")


def _annotation(where: str, name: str | None, entry: dict[str, Any], shape: tuple[int, int]) -> Annotation:
    about = entry.get(KEY)
    number = about.get("object") if isinstance(about, dict) else None
    if not isinstance(number, int) or not 0 <= number < 2**32:
        number = None
    try:
        return _drawable(where, name, entry.get("segmentation"), shape, number)
    except ShapeError as error:
        raise ShapeError(error.reason, box_of(entry.get("bbox")) or error.box) from error
    except Exception as error:
        reason = f"its segmentation is damaged ({error})"[:120]
        raise ShapeError(reason, box_of(entry.get("bbox"))) from error


def _drawable(
    where: str, name: str | None, code: object, shape: tuple[int, int], number: int | None
) -> Annotation:
    if isinstance(code, str) and code.lstrip()[:1] in ("[", "{"):  # tables write lists as text
        code = json.loads(code)
    if isinstance(code, list) and len(code) == 1 and isinstance(code[0], dict):
        code = code[0]
    if isinstance(code, dict):
        size = rle.size_of(code, shape)  # decoded when it is drawn: hundreds may be as large as the image
        return Annotation(where, name, (), partial(rle.part_from_dict, code, shape), size, number)
    if not isinstance(code, list) or not code:
        raise ShapeError("it has no outline, at most a box")
    if isinstance(code[0], int | float | str):
        return outline(where, name, [polygon(flat_points(code))], number)
    if all(isinstance(part, list) and part and isinstance(part[0], list) for part in code):
        return outline(where, name, _parts_of(points_of, code), number)
    return outline(where, name, _parts_of(flat_points, code), number)


def _parts_of(corners: Callable[[object], Points], parts: list[Any]) -> list[RingGroup]:
    if len(parts) == 1:
        return _piece(corners, parts[0])
    return pieces_of(partial(_piece, corners, part) for part in parts)


def _piece(corners: Callable[[object], Points], part: object) -> list[RingGroup]:
    return [polygon(corners(part))]


def _chosen(images: list[DatasetImage], context: ImportContext) -> DatasetImage:
    """The image asked for: the one whose name agrees with its path in most folders, or the only one."""
    ours = _parts(context.image_name)
    agreement = [_agreement(_parts(image.name), ours) for image in images]
    best = max(agreement, default=0)
    named = [image for image, degree in zip(images, agreement, strict=True) if degree == best > 0]
    chosen = named or images
    if len(chosen) != 1:
        raise MaskError(
            f"The file does not say which of its {len(images)} images “{context.image_name}” is.",
            action="Rename the image as in the file, or choose a file for this image only.",
        )
    return chosen[0]


def _parts(name: str) -> list[str]:
    return [part for part in name.replace("\\", "/").split("/") if part]


def _agreement(theirs: list[str], ours: list[str]) -> int:
    """How many of the last parts of two paths are the same."""
    count = 0
    for one, other in zip(reversed(theirs), reversed(ours), strict=False):
        if one != other:
            break
        count += 1
    return count


def _unlabelled(about: object, shape: tuple[int, int]) -> Mask | None:
    if isinstance(about, dict) and isinstance(about.get("unlabelled"), dict):
        return rle.mask_from_dict(about["unlabelled"], shape)
    return None
