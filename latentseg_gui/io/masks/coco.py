"""COCO's JSON: one file for many images, objects as run lengths or polygons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED, Mask, Rect
from latentseg_gui.io.masks import rle
from latentseg_gui.io.masks.polygons import keyhole, outlines_of
from latentseg_gui.io.masks.values import MaskItem, made_by, object_areas, origin

_KEY = "latentseg"


def dataset(items: Iterable[MaskItem], classes: ClassTable, *, as_polygons: bool) -> dict[str, Any]:
    """The whole file. Category ids are class ids; the background is no category.

    What COCO has no place for (unlabelled pixels, where labels come from) goes into fields named
    "latentseg", which other readers skip.
    """
    parts = [image_entries(item, classes, as_polygons=as_polygons) for item in items]
    return whole_file(parts, classes)


def image_entries(item: MaskItem, classes: ClassTable, *, as_polygons: bool) -> dict[str, Any]:
    """What one image adds to the file: its entry and those of its objects, numbered by `whole_file`."""
    annotations = []
    for found in object_areas(item):
        annotation = _annotation(found.rect, found.mask, item.shape, as_polygons)
        annotation |= {"id": 0, "image_id": 0, "category_id": found.class_id}
        annotation[_KEY] = {"object": found.number if found.is_numbered else 0, **made_by(item, found)}
        annotations.append(annotation)
    return {"image": _image(item, classes), "annotations": annotations}


def whole_file(parts: Iterable[dict[str, Any]], classes: ClassTable) -> dict[str, Any]:
    """The whole file from what its images add to it, in this order."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, each in enumerate(parts, 1):
        images.append({**each["image"], "id": number})
        for annotation in each["annotations"]:
            annotations.append({**annotation, "id": len(annotations) + 1, "image_id": number})
    categories = [
        {
            "id": class_id,
            "name": entry.name,
            "supercategory": "",
            "color": entry.colour,
            "isthing": int(entry.is_thing),
        }
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
