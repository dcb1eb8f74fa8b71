"""COCO's JSON: one file for many images, objects as run lengths or polygons."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from latentseg_gui.document.brush import polygon_mask
from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED, Mask, Rect
from latentseg_gui.io.masks import rle
from latentseg_gui.io.masks.long_json import split
from latentseg_gui.io.masks.polygons import keyhole, outlines_of
from latentseg_gui.io.masks.values import (
    Canvas,
    ImportContext,
    ImportedMask,
    MaskError,
    MaskItem,
    objects_of,
    origin,
)

_KEY = "latentseg"


def dataset(items: Iterable[MaskItem], classes: ClassTable, *, as_polygons: bool) -> dict[str, Any]:
    """The whole file. Category ids are class ids; the background is no category.

    What COCO has no place for (unlabelled pixels, where labels come from) goes into fields named
    "latentseg", which other readers skip.
    """
    parts = [part(item, classes, as_polygons=as_polygons) for item in items]
    return joined(parts, classes)


def part(item: MaskItem, classes: ClassTable, *, as_polygons: bool) -> dict[str, Any]:
    """What one image adds to the file: its entry and those of its objects, numbered by `joined`."""
    annotations = []
    for found in objects_of(item):
        annotation = _annotation(found.rect, found.mask, item.shape, as_polygons)
        annotation |= {"id": 0, "image_id": 0, "category_id": found.class_id}
        annotation[_KEY] = {"object": found.number if found.is_numbered else 0}
        annotations.append(annotation)
    return {"image": _image(item, classes), "annotations": annotations}


def joined(parts: Iterable[dict[str, Any]], classes: ClassTable) -> dict[str, Any]:
    """The whole file from what its images add to it, in this order."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, each in enumerate(parts, 1):
        images.append({**each["image"], "id": number})
        for annotation in each["annotations"]:
            annotations.append({**annotation, "id": len(annotations) + 1, "image_id": number})
    categories = [
        {"id": class_id, "name": entry.name, "supercategory": "", "color": entry.colour}
        for class_id, entry in enumerate(classes)
        if class_id
    ]
    return {
        "info": {"description": "Exported by latentseg"},
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": categories,
    }


def _image(item: MaskItem, classes: ClassTable) -> dict[str, Any]:
    about = origin(item, classes)
    about["unlabelled"] = rle.rle_dict(item.labels == UNLABELLED)
    return {
        "id": 0,
        "file_name": item.image_name or item.stem,
        "width": item.shape[1],
        "height": item.shape[0],
        _KEY: about,
    }


def _annotation(rect: Rect, mask: Mask, shape: tuple[int, int], as_polygons: bool) -> dict[str, Any]:
    box = [float(rect.col0), float(rect.row0), float(rect.shape[1]), float(rect.shape[0])]
    entry: dict[str, Any] = {"area": int(mask.sum()), "bbox": box, "iscrowd": 0}
    if as_polygons:
        rings = [keyhole(outline) for outline in outlines_of(mask, rect)]
        entry["segmentation"] = [[value for point in ring for value in point] for ring in rings]
    else:
        entry["segmentation"] = rle.rle_dict_of_part(rect, mask, shape)
    return entry


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
    """

    images: tuple[DatasetImage, ...]
    _names: dict[object, str]
    _annotations: dict[object, list[bytes]]

    @classmethod
    def of(cls, text: str) -> Self | None:
        """What a file says; None if it is not one of COCO's, with images listed.

        Raises:
            ValueError: if it is no JSON.
        """
        annotations: dict[object, list[bytes]] = {}

        def take(entry: Any, text: str) -> None:
            annotations.setdefault(entry.get("image_id"), []).append(text.encode())

        document = split(text, "annotations", take)
        if not isinstance(document, dict) or "annotations" not in document or not document.get("images"):
            return None
        images = tuple(
            DatasetImage(
                entry["id"], str(entry.get("file_name") or entry["id"]), _shape(entry), entry.get(_KEY)
            )
            for entry in document["images"]
        )
        return cls(images, _names_of(document), annotations)

    def read(
        self, image: DatasetImage, context: ImportContext
    ) -> tuple[tuple[int, ...], ImportedMask | None]:
        """The shape of an image of the file, and its mask unless that shape is wrong."""
        annotations = [json.loads(text) for text in self._annotations.get(image.key, ())]
        return _read(image, annotations, self._names, context)


def read(document: dict[str, Any], context: ImportContext) -> tuple[tuple[int, ...], ImportedMask | None]:
    """The mask of one image of a file: the one with the name asked for, or the only one."""
    entry = _chosen(document["images"], context)
    image = DatasetImage(entry["id"], str(entry.get("file_name")), _shape(entry), entry.get(_KEY))
    annotations = [each for each in document.get("annotations", []) if each.get("image_id") == image.key]
    return _read(image, annotations, _names_of(document), context)


def _read(
    image: DatasetImage,
    annotations: list[dict[str, Any]],
    names: dict[object, str],
    context: ImportContext,
) -> tuple[tuple[int, ...], ImportedMask | None]:
    shape = image.shape or context.shape
    if shape != context.shape:
        return shape, None
    canvas = Canvas(context)
    lost = 0
    for entry in annotations:
        area = _area(entry.get("segmentation"), shape)
        if area is None:
            lost += 1
            continue
        name = names.get(entry.get("category_id"), f"class {entry.get('category_id')}")
        about = entry.get(_KEY)
        number = about.get("object") if isinstance(about, dict) else None
        is_number = isinstance(number, int) and 0 <= number < 2**32
        canvas.put(*area, canvas.class_id(name), number if is_number else None)
    if lost:
        canvas.notes.append(f"{lost} annotations have no area (boxes or key points only) and were left out.")
    return shape, canvas.finish(_unlabelled(image.about, shape))


def _shape(entry: dict[str, Any]) -> tuple[int, int] | None:
    rows, cols = entry.get("height"), entry.get("width")
    return None if not rows or not cols else (int(rows), int(cols))


def _names_of(document: dict[str, Any]) -> dict[object, str]:
    return {entry["id"]: str(entry["name"]) for entry in document.get("categories", [])}


def _chosen(images: list[dict[str, Any]], context: ImportContext) -> dict[str, Any]:
    """The image asked for: the one whose name agrees with its path in most folders, or the only one."""
    ours = _parts(context.image_name)
    agreement = [_agreement(_parts(str(image.get("file_name"))), ours) for image in images]
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


def _area(segmentation: object, shape: tuple[int, int]) -> tuple[Rect, Mask] | None:
    """The area of an annotation: run lengths, or polygons that are laid over each other."""
    if isinstance(segmentation, dict):
        return rle.part_from_dict(segmentation, shape)
    if not isinstance(segmentation, list) or not segmentation:
        return None
    parts = [_polygon(flat, shape) for flat in segmentation]
    box = parts[0][0]
    for rect, _ in parts[1:]:
        box = box.union(rect)
    whole = np.zeros(box.shape, np.bool_)
    for rect, mask in parts:
        if not rect.is_empty:
            row, col = rect.row0 - box.row0, rect.col0 - box.col0
            whole[row : row + rect.shape[0], col : col + rect.shape[1]] |= mask
    return box, whole


def _polygon(flat: list[float], shape: tuple[int, int]) -> tuple[Rect, Mask]:
    points = [(float(x), float(y)) for x, y in zip(flat[::2], flat[1::2], strict=True)]
    return polygon_mask(points, shape)


def _unlabelled(about: object, shape: tuple[int, int]) -> Mask | None:
    if isinstance(about, dict) and isinstance(about.get("unlabelled"), dict):
        return rle.mask_from_dict(about["unlabelled"], shape)
    return None
