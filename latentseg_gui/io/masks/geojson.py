"""GeoJSON as QuPath writes and reads it: annotations with a classification, polygons with holes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.io.masks import rle
from latentseg_gui.io.masks.annotations import (
    Annotation,
    Points,
    ShapeError,
    box_around,
    gathered,
    outline,
    pieces_of,
    points_of,
)
from latentseg_gui.io.masks.drawing import Drawing
from latentseg_gui.io.masks.polygons import Ring, outlines_of
from latentseg_gui.io.masks.spans import RingGroup
from latentseg_gui.io.masks.values import ImportContext, ImportedMask, MaskItem, made_by, object_areas, origin

_AREAS = ("Polygon", "MultiPolygon", "GeometryCollection")
_BARE = ("Point", "MultiPoint", "LineString", "MultiLineString")

_KEY = "latentseg"


def is_geojson(content: object) -> bool:
    """Whether this is GeoJSON, in any of its outer shapes."""
    if isinstance(content, list):
        return any(isinstance(each, dict) and is_geojson(each) for each in content[:3])
    if not isinstance(content, dict):
        return False
    kind = content.get("type")
    is_geometry = kind in _AREAS and ("coordinates" in content or "geometries" in content)
    return kind in ("FeatureCollection", "Feature") or is_geometry


def read_geojson(content: Any, context: ImportContext) -> ImportedMask:
    """The mask; features without an area are named and left without label."""
    drawing = Drawing(context)
    drawing.take(*gathered(_entries(_features(content))))
    about = content.get(_KEY) if isinstance(content, dict) else None
    code = about.get("unlabelled") if isinstance(about, dict) else None
    return drawing.finish(rle.mask_from_dict(code, context.shape) if isinstance(code, dict) else None)


def _features(content: Any) -> list[Any]:
    if isinstance(content, list):
        return [feature for each in content for feature in (_features(each) if is_geojson(each) else [each])]
    if content.get("type") == "FeatureCollection":
        features = content.get("features")
        if not isinstance(features, list):
            raise ValueError("features are not a list")
        return features
    if content.get("type") == "Feature":
        return [content]
    parts = content.get("geometries") if content.get("type") == "GeometryCollection" else [content]
    return [{"type": "Feature", "geometry": each} for each in parts or ()]


def _entries(features: list[Any]) -> Iterator[tuple[str, str | None, Callable[[], Annotation]]]:
    for index, feature in enumerate(features, 1):
        where, name = f"feature #{index}", _name(feature)
        yield where, name, partial(_annotation, where, name, feature)


def _name(feature: Any) -> str | None:
    """The class: QuPath's classification, in either of its spellings; None where it has none."""
    properties = feature.get("properties") if isinstance(feature, dict) else None
    classification = properties.get("classification") if isinstance(properties, dict) else None
    if isinstance(classification, str):
        return classification or None
    if not isinstance(classification, dict):
        return None
    names = classification.get("names")
    if isinstance(names, list) and names:
        return ": ".join(map(str, names))
    return str(classification.get("name") or "") or None


def _annotation(where: str, name: str | None, feature: dict[str, Any]) -> Annotation:
    properties = feature.get("properties") or {}
    about = properties.get(_KEY)
    number = about.get("object") if isinstance(about, dict) else None
    if not isinstance(number, int) or not 0 <= number < 2**32:
        number = None
    return outline(where, name, _pieces(feature.get("geometry")), number)


def _pieces(geometry: Any) -> list[RingGroup]:
    if not isinstance(geometry, dict):
        raise ShapeError("it has no geometry")
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind == "Polygon":
        return [_polygon(coordinates)]
    if kind == "MultiPolygon" and isinstance(coordinates, list) and coordinates:
        return pieces_of(partial(_pieces, {"type": "Polygon", "coordinates": each}) for each in coordinates)
    if kind == "GeometryCollection" and isinstance(geometry.get("geometries"), list):
        return pieces_of(partial(_pieces, each) for each in geometry["geometries"])
    reason = f"a {kind or 'geometry without a kind'} has no area"
    raise ShapeError(reason, _place(coordinates), is_bare=kind in _BARE)


def _polygon(rings: Any) -> RingGroup:
    if not isinstance(rings, list) or not rings:
        raise ShapeError("a polygon without corners")
    corners = [points_of(ring) for ring in rings]
    if len(corners[0]) < 3:
        raise ShapeError("a polygon of fewer than three corners", box_around(corners[0]), is_bare=True)
    return RingGroup(tuple(corners), is_evenodd=True)


def _place(coordinates: Any) -> tuple[float, float, float, float] | None:
    """The box around the corners of a line or point, however deep they are."""
    flat: list[Points] = []
    waiting = [coordinates]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list) and value and not isinstance(value[0], list):
            flat.append(points_of([value]))
        elif isinstance(value, list):
            waiting += value
    return box_around(np.concatenate(flat)) if flat else None


def collection(item: MaskItem, classes: ClassTable) -> dict[str, Any]:
    """The file: one feature per object, a MultiPolygon where it has several parts."""
    features = []
    for found in object_areas(item):
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
                    _KEY: {"object": found.number if found.is_numbered else 0, **made_by(item, found)},
                },
            }
        )
    about = origin(item, classes)
    about["unlabelled"] = rle.rle_dict(item.labels == UNLABELLED)
    return {"type": "FeatureCollection", "features": features, _KEY: about}


def _closed(ring: Ring) -> list[list[float]]:
    return [list(point) for point in (*ring, ring[0])]
