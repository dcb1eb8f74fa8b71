"""GeoJSON as QuPath reads and writes it: annotations with a classification, polygons with holes."""

from __future__ import annotations

from typing import Any

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.io.masks import rle
from latentseg_gui.io.masks.polygons import Ring, outlines_of
from latentseg_gui.io.masks.values import MaskItem, objects_of, origin

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
