"""labelme's JSON: polygons where an object has no hole and masks where it has, or masks throughout.

Polygons can be edited there; masks are the area to the pixel, while labelme fills a polygon with its border.
"""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from latentseg_gui.document.masks.brush import polygon_mask
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED, Mask, Rect
from latentseg_gui.io.masks import rle
from latentseg_gui.io.masks.polygons import Outline, outlines_of
from latentseg_gui.io.masks.values import MaskItem, objects_of, origin

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
