"""labelme's JSON, and that of programs which write it with other shapes (X-AnyLabeling, AnyLabeling).

Polygons can be edited there; masks are the area to the pixel, while labelme fills a polygon with its border.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from latentseg_gui.document.masks.brush import polygon_mask
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED, Mask, Rect
from latentseg_gui.io.masks import rle
from latentseg_gui.io.masks.annotations import (
    Annotation,
    ShapeError,
    box_around,
    ellipse,
    gathered,
    outline,
    points_of,
    polygon,
    rectangle,
)
from latentseg_gui.io.masks.drawing import Drawing
from latentseg_gui.io.masks.polygons import Outline, outlines_of
from latentseg_gui.io.masks.values import (
    CLICK_MODEL,
    ImportContext,
    ImportedMask,
    MaskItem,
    made_by,
    object_areas,
    origin,
)

_KEY = "latentseg"
_LINES = {"line", "linestrip", "point", "points", "polyline"}


def image_name(content: dict[str, Any]) -> str:
    """The image that the file says it is for; "" where it does not."""
    name = str(content.get("imagePath") or "").replace("\\", "/")
    return PurePosixPath(name).name if name else ""


def read_labelme(
    content: dict[str, Any], context: ImportContext
) -> tuple[tuple[int, ...], ImportedMask | None]:
    """The mask; shapes that have no area, or are damaged, are named and left without label."""
    shape = _size_of(content, context.shape)
    if shape != context.shape:
        return shape, None
    about = content.get(_KEY)
    shapes = content["shapes"]
    if not isinstance(shapes, list):
        raise ValueError("shapes are not a list")
    drawing = Drawing(context)
    drawing.take(*gathered(_entries(shapes, shape, is_ours=isinstance(about, dict))))
    code = about.get("unlabelled") if isinstance(about, dict) else None
    return shape, drawing.finish(rle.mask_from_dict(code, shape) if isinstance(code, dict) else None)


def _size_of(content: dict[str, Any], default: tuple[int, int]) -> tuple[int, int]:
    rows, cols = content.get("imageHeight"), content.get("imageWidth")
    if rows is None or cols is None:
        return default
    return int(rows), int(cols)


def _entries(
    shapes: list[Any], shape: tuple[int, int], *, is_ours: bool
) -> Iterator[tuple[str, str | None, Callable[[], Annotation]]]:
    for index, entry in enumerate(shapes, 1):
        where = f"shape #{index}"
        name = str(entry["label"]) if isinstance(entry, dict) and entry.get("label") is not None else None
        yield where, name, partial(_annotation, where, name, entry, shape, is_ours)


def _annotation(
    where: str, name: str | None, entry: dict[str, Any], shape: tuple[int, int], is_ours: bool
) -> Annotation:
    group = entry.get("group_id")
    number = group if isinstance(group, int) and 0 < group < 2**32 else (0 if is_ours else None)
    kind = str(entry.get("shape_type") or "polygon")
    points = points_of(entry["points"])
    if kind == "mask" and entry.get("mask"):
        rect, mask = _placed(entry["mask"], points.tolist()[0], shape)
        return Annotation(where, name, (), lambda: (rect, mask), float(mask.sum()), number)
    if kind == "polygon":
        return outline(where, name, [polygon(points)], number)
    if kind in ("rectangle", "rotation", "quadrilateral"):
        return outline(where, name, [rectangle(points)], number)
    if kind == "circle" and len(points) == 2:
        radius = float(np.hypot(*(points[1] - points[0])))
        x, y = points[0].tolist()
        return outline(where, name, [ellipse(x, y, radius, radius)], number)
    if kind in _LINES:
        raise ShapeError(f"a {kind} has no area", box_around(points))
    raise ShapeError(f"shapes of the kind “{kind}” are not known", box_around(points))


def _placed(code: str, corner: list[float], shape: tuple[int, int]) -> tuple[Rect, Mask]:
    with Image.open(io.BytesIO(base64.b64decode(code, validate=True)), formats=("PNG",)) as image:
        if image.width > shape[1] or image.height > shape[0]:
            raise ShapeError("its mask is larger than the image")
        mask = np.asarray(image.convert("L")) > 0
    row, col = round(corner[1]), round(corner[0])
    rect = Rect(row, col, row + mask.shape[0], col + mask.shape[1])
    inside = rect.clipped(shape)
    part = mask[inside.row0 - row : inside.row1 - row, inside.col0 - col : inside.col1 - col]
    return inside, part


def document(item: MaskItem, classes: ClassTable, *, as_masks: bool = False) -> dict[str, Any]:
    """The file; parts of one object share a group number."""
    shapes = []
    for found in object_areas(item):
        for drawn in outlines_of(found.mask, found.rect):
            shape = _shape(drawn, as_mask=as_masks or bool(drawn.holes))
            shape["label"] = classes[found.class_id].name
            shape["group_id"] = found.number if found.is_numbered else None
            shape["description"] = made_by(item, found).get(CLICK_MODEL, "")
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
