"""GeoJSON as QuPath reads and writes it: annotations with a classification, polygons with holes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latentseg_gui.document.brush import rings_mask
from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED, Mask, Rect
from latentseg_gui.io.masks import rle
from latentseg_gui.io.masks.polygons import Ring, outlines_of
from latentseg_gui.io.masks.values import Canvas, ImportContext, ImportedMask, MaskItem, objects_of, origin

_KEY = "latentseg"


def collection(item: MaskItem, classes: ClassTable) -> dict[str, Any]:
    """The file: one feature per object, a MultiPolygon where it has several parts."""
    features = []
    for found in objects_of(item):
        polygons = [
            [_closed(ring) for ring in (outline.outer, *outline.holes)]
            for outline in outlines_of(found.mask, found.rect)
        ]
        is_one = len(polygons) == 1
        kind = "Polygon" if is_one else "MultiPolygon"
        entry = classes[found.class_id]
        colour = classes.rgb[found.class_id].tolist()
        features.append(
            {
                "type": "Feature",
                "id": f"object-{found.number}-{found.class_id}",
                "geometry": {"type": kind, "coordinates": polygons[0] if is_one else polygons},
                "properties": {
                    "objectType": "annotation",
                    "classification": {"name": entry.name, "color": colour},
                    _KEY: {"object": found.number if found.is_numbered else 0},
                },
            }
        )
    about = origin(item, classes)
    about["unlabelled"] = rle.rle_dict(item.labels == UNLABELLED)
    return {"type": "FeatureCollection", "features": features, _KEY: about}


def _closed(ring: Ring) -> list[list[float]]:
    return [list(point) for point in (*ring, ring[0])]


def read(content: dict[str, Any], context: ImportContext) -> ImportedMask:
    """The mask again; features without an area are reported."""
    canvas = Canvas(context)
    lost = 0
    for feature in content["features"]:
        area = _area(feature.get("geometry") or {}, context.shape)
        if area is None:
            lost += 1
            continue
        properties = feature.get("properties") or {}
        classification = properties.get("classification") or {}
        name = str(classification.get("name") or context.classes[context.default_class].name)
        about = properties.get(_KEY)
        number = about.get("object") if isinstance(about, dict) else None
        is_number = isinstance(number, int) and 0 <= number < 2**32
        canvas.put(*area, canvas.class_id(name), number if is_number else None)
    if lost:
        canvas.notes.append(f"{lost} features have no area and were left out.")
    about = content.get(_KEY)
    code = about.get("unlabelled") if isinstance(about, dict) else None
    return canvas.finish(rle.mask_from_dict(code, context.shape) if isinstance(code, dict) else None)


def _area(geometry: dict[str, Any], shape: tuple[int, int]) -> tuple[Rect, Mask] | None:
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind == "Polygon":
        return _rings(coordinates or [], shape)
    if kind != "MultiPolygon":
        return None
    whole = np.zeros(shape, np.bool_)
    for polygon in coordinates or []:
        rect, mask = _rings(polygon, shape)
        whole[rect.slices] |= mask
    rect = Rect.around(whole)
    return rect, whole[rect.slices]


def _rings(polygon: Sequence[Sequence[Sequence[float]]], shape: tuple[int, int]) -> tuple[Rect, Mask]:
    return rings_mask([[(float(point[0]), float(point[1])) for point in ring] for ring in polygon], shape)
