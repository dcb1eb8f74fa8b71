"""Tables of the objects: places, shapes, and what the image measures in them; and how many there are. As CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import BACKGROUND
from latentseg_gui.io.masks.values import (
    CLICK_MODEL,
    MaskItem,
    ObjectArea,
    StoredValues,
    counts_of,
    made_by,
    object_areas,
)

NAMES: Final = ("objects.csv", "counts.csv")
"""Of the files of many images: a line for every object, and a line for every image and class."""

COLUMNS: Final = (
    "image",
    "object",
    "class",
    "area",
    "centroid_x",
    "centroid_y",
    "left",
    "top",
    "width",
    "height",
    "perimeter",
    "equivalent_diameter",
    "major_axis",
    "minor_axis",
    "eccentricity",
    "orientation_degrees",
    "solidity",
)
"""Lengths are in pixels; positions have their origin in the upper left corner of the image. The orientation is
the angle from the vertical to the major axis, counted towards the right going down: 45 for an object that runs
from the upper left to the lower right, -45 for one from the upper right to the lower left."""

SCALED: Final = (
    "unit",
    "pixel_width",
    "pixel_height",
    "area_in_unit",
    "perimeter_in_unit",
    "equivalent_diameter_in_unit",
    "major_axis_in_unit",
    "minor_axis_in_unit",
)
"""The same in the unit that the file states (area in its square); empty where it states none."""

MEASURES: Final = ("mean", "min", "max", "sum")
"""Of the stored values of every channel; pixels without a finite value are left out."""

_COUNTS: Final = ("image", "class", "objects", "area", "share_of_image", "unit", "area_in_unit")

Row = dict[str, str]


def rows(item: MaskItem, classes: ClassTable) -> bytes:
    """The table of one image, one object per line, in UTF-8."""
    return whole_tables([json.dumps(table_lines(item, classes)).encode()], classes)[0]


def table_lines(item: MaskItem, classes: ClassTable) -> dict[str, Any]:
    """What one image adds to the tables, as JSON: lines of both, and the names of what was measured."""
    objects: list[Row] = []
    counts = dict.fromkeys(range(1, len(classes)), 0)
    for found in object_areas(item):
        counts[found.class_id] = counts.get(found.class_id, 0) + 1
        objects.append(_line(item, found, _class_name(classes, found.class_id)))
    return {
        "measured": _measured(item.stored),
        "objects": objects,
        "counts": list(_count_lines(item, counts, classes)),
    }


def whole_tables(parts: Iterable[bytes], classes: ClassTable) -> list[bytes]:
    """Both tables from what the images add, in their order.

    Images with other channels bring columns of their own, which are empty for the rest; so do click models of others.
    """
    measured: dict[str, None] = {}
    objects: list[Row] = []
    counts: list[Row] = []
    for each in parts:
        found = json.loads(each)
        measured |= dict.fromkeys(found["measured"])
        objects += found["objects"]
        counts += found["counts"]
    told = (CLICK_MODEL,) if any(CLICK_MODEL in line for line in objects) else ()
    return [_csv((*COLUMNS, *measured, *SCALED, *told), objects), _csv(_COUNTS, counts)]


def _csv(columns: Iterable[str], lines: Iterable[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns), restval="")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode("utf-8", errors="replace")


def _class_name(classes: ClassTable, class_id: int) -> str:
    return classes[class_id].name if class_id < len(classes) else f"class {class_id}"


def _count_lines(item: MaskItem, counts: dict[int, int], classes: ClassTable) -> Iterator[Row]:
    pixels = counts_of(item.labels)
    for class_id, count in counts.items():
        if class_id == BACKGROUND:
            continue
        area = int(pixels[class_id])
        line = {
            "image": item.image_name or item.stem,
            "class": _class_name(classes, class_id),
            "objects": str(count),
            "area": str(area),
            "share_of_image": f"{area / item.labels.size:.6g}",
        }
        size = None if item.stored is None else item.stored.pixel_size
        if item.stored is not None and size is not None:
            line |= {"unit": item.stored.unit, "area_in_unit": f"{area * size[0] * size[1]:.10g}"}
        yield line


def _line(item: MaskItem, found: ObjectArea, class_name: str) -> Row:
    numbers = _shape(found)
    line = {
        "image": item.image_name or item.stem,
        "object": str(found.number),
        "class": class_name,
        "area": str(int(found.mask.sum())),
        **{name: f"{value:.6g}" for name, value in numbers.items()},
        **made_by(item, found),
    }
    if item.stored is not None:
        line |= _intensities(item.stored, found) | _scaled(item.stored, found, numbers)
    return line


def _shape(found: ObjectArea) -> dict[str, float]:
    from skimage import measure  # takes a quarter of a second, which only this needs

    rect = found.rect
    (shape,) = measure.regionprops(found.mask.astype(np.uint8))
    row, col = shape.centroid
    return {
        "centroid_x": col + rect.col0 + 0.5,
        "centroid_y": row + rect.row0 + 0.5,
        "left": rect.col0,
        "top": rect.row0,
        "width": rect.shape[1],
        "height": rect.shape[0],
        "perimeter": shape.perimeter,
        "equivalent_diameter": shape.equivalent_diameter_area,
        "major_axis": shape.axis_major_length,
        "minor_axis": shape.axis_minor_length,
        "eccentricity": shape.eccentricity,
        "orientation_degrees": float(np.degrees(shape.orientation)),
        "solidity": _solidity(found),
    }


def _measured(stored: StoredValues | None) -> list[str]:
    channels = () if stored is None else stored.channels
    return [_measure(measure, channel) for channel in channels for measure in MEASURES]


def _measure(measure: str, channel: str) -> str:
    return f"{measure}_{channel}" if channel else measure


def _intensities(stored: StoredValues, found: ObjectArea) -> Row:
    values = stored.values[found.rect.slices][found.mask]  # [n] or [n, channels]
    columns = values.reshape(len(values), -1).T
    line: Row = {}
    for channel, each in zip(stored.channels, columns, strict=False):
        line |= {_measure(name, channel): text for name, text in _statistics(each).items()}
    return line


def _statistics(values: NDArray[np.generic]) -> Row:
    """Mean, extremes and sum of the values [n] of one channel; whole numbers stay whole."""
    if values.dtype.kind not in "biuf":
        return {}
    if values.dtype.kind == "f":
        finite = values[np.isfinite(values)].astype(np.float64)
        if not finite.size:
            return {}
        numbers = (finite.mean(), finite.min(), finite.max(), finite.sum())
        return {name: f"{value:.9g}" for name, value in zip(MEASURES, numbers, strict=True)}
    is_wide = values.dtype.itemsize == 8
    total = sum(map(int, values.tolist())) if is_wide else int(values.sum(dtype=np.int64))
    whole = (int(values.min()), int(values.max()), total)
    return {"mean": f"{total / len(values):.10g}", **dict(zip(MEASURES[1:], map(str, whole), strict=True))}


def _scaled(stored: StoredValues, found: ObjectArea, numbers: dict[str, float]) -> Row:
    """Lengths in the unit of the file; those that need square pixels are left out where there are none."""
    if stored.pixel_size is None:
        return {}
    from skimage import measure

    high, wide = stored.pixel_size
    area = int(found.mask.sum()) * high * wide
    (shape,) = measure.regionprops(found.mask.astype(np.uint8), spacing=(high, wide))
    lengths = {
        "pixel_width": wide,
        "pixel_height": high,
        "area_in_unit": area,
        "equivalent_diameter_in_unit": 2 * float(np.sqrt(area / np.pi)),
        "major_axis_in_unit": shape.axis_major_length,
        "minor_axis_in_unit": shape.axis_minor_length,
    }
    if np.isclose(high, wide, rtol=1e-6):
        lengths["perimeter_in_unit"] = numbers["perimeter"] * high
    return {"unit": stored.unit, **{name: f"{value:.10g}" for name, value in lengths.items()}}


def _solidity(found: ObjectArea) -> float:
    """The share of its convex hull that the object fills; 1 for what is too thin to have one."""
    from scipy.spatial import ConvexHull, QhullError

    rows, cols = np.nonzero(found.mask)
    corners = np.concatenate([np.stack([rows + dy, cols + dx], axis=1) for dy in (0, 1) for dx in (0, 1)])
    try:
        return float(found.mask.sum() / ConvexHull(corners).volume)
    except QhullError:
        return 1.0
