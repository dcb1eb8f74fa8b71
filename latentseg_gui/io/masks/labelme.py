"""labelme's JSON: polygons where an object has no hole and masks where it has, or masks throughout.

Polygons can be edited there; masks are the area to the pixel, while labelme fills a polygon with its border.
"""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from latentseg_gui.document.brush import polygon_mask, stroke_mask
from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED, Mask, Rect
from latentseg_gui.io.masks import rle
from latentseg_gui.io.masks.polygons import Outline, outlines_of
from latentseg_gui.io.masks.values import Canvas, ImportContext, ImportedMask, MaskItem, objects_of, origin

_KEY = "latentseg"


def document(item: MaskItem, classes: ClassTable, *, as_masks: bool = False) -> dict[str, Any]:
    """The file; parts of one object share a group number."""
    shapes = []
    for found in objects_of(item):
        for outline in outlines_of(found.mask, found.rect):
            shape = _shape(outline, as_mask=as_masks or bool(outline.holes))
            shape["label"] = classes[found.class_id].name
            shape["group_id"] = found.number if found.is_numbered else None
            shapes.append(shape)
    about = origin(item, classes)
    about["unlabelled"] = rle.rle_dict(item.labels == UNLABELLED)
    return {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": item.image_name or item.stem,
        "imageData": None,
        "imageHeight": item.shape[0],
        "imageWidth": item.shape[1],
        _KEY: about,
    }


def _shape(outline: Outline, *, as_mask: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"description": "", "flags": {}, "mask": None}
    if not as_mask:
        return entry | {"shape_type": "polygon", "points": [list(point) for point in outline.outer]}
    xs, ys = zip(*outline.outer, strict=True)
    left, top, right, bottom = (int(value) for value in (min(xs), min(ys), max(xs), max(ys)))
    area = _holed(outline, Rect(top, left, bottom, right))
    buffer = io.BytesIO()
    Image.fromarray(area).save(buffer, "PNG")
    code = base64.b64encode(buffer.getvalue()).decode()
    points = [[float(left), float(top)], [float(right - 1), float(bottom - 1)]]
    return entry | {"shape_type": "mask", "points": points, "mask": code}


def _holed(outline: Outline, box: Rect) -> Mask:
    whole = np.zeros(box.shape, np.bool_)
    for ring in (outline.outer, *outline.holes):
        rect, mask = polygon_mask([(x - box.col0, y - box.row0) for x, y in ring], box.shape)
        whole[rect.slices] ^= mask
    return whole


def read(content: dict[str, Any], context: ImportContext) -> tuple[tuple[int, ...], ImportedMask | None]:
    """The mask again; lines and points, which have no area, are reported."""
    shape = (int(content["imageHeight"]), int(content["imageWidth"]))
    if shape != context.shape:
        return shape, None
    canvas = Canvas(context)
    about = content.get(_KEY)
    is_ours = isinstance(about, dict)
    lost: dict[str, int] = {}
    for entry in content["shapes"]:
        area = _area(entry, shape)
        if area is None:
            kind = str(entry.get("shape_type"))
            lost[kind] = lost.get(kind, 0) + 1
            continue
        group = entry.get("group_id")
        number = group if isinstance(group, int) and 0 < group < 2**32 else (0 if is_ours else None)
        canvas.put(*area, canvas.class_id(str(entry["label"])), number)
    canvas.notes += [f"{count} shapes of the kind “{kind}” have no area." for kind, count in lost.items()]
    code = about.get("unlabelled") if isinstance(about, dict) else None
    return shape, canvas.finish(rle.mask_from_dict(code, shape) if isinstance(code, dict) else None)


def _area(entry: dict[str, Any], shape: tuple[int, int]) -> tuple[Rect, Mask] | None:
    kind = entry.get("shape_type") or "polygon"
    points = [(float(x), float(y)) for x, y in entry["points"]]
    if kind == "polygon":
        return polygon_mask(points, shape)
    if kind == "rectangle" and len(points) == 2:
        (x0, y0), (x1, y1) = points
        return polygon_mask([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], shape)
    if kind == "circle" and len(points) == 2:
        (x0, y0), (x1, y1) = points
        radius = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        return stroke_mask(points[0], points[0], 2 * radius, shape)
    if kind == "mask" and entry.get("mask"):
        return _placed(entry["mask"], points[0], shape)
    return None


def _placed(code: str, corner: tuple[float, float], shape: tuple[int, int]) -> tuple[Rect, Mask]:
    with Image.open(io.BytesIO(base64.b64decode(code, validate=True)), formats=("PNG",)) as image:
        if image.width > shape[1] or image.height > shape[0]:
            raise ValueError("a mask larger than the image")
        mask = np.asarray(image.convert("L")) > 0
    row, col = round(corner[1]), round(corner[0])
    rect = Rect(row, col, row + mask.shape[0], col + mask.shape[1])
    inside = rect.clipped(shape)
    part = mask[inside.row0 - row : inside.row1 - row, inside.col0 - col : inside.col1 - col]
    return inside, part
