"""A table of the objects: areas, places and shapes, as CSV."""

from __future__ import annotations

import csv
import io

import numpy as np

from latentseg_gui.document.classes import ClassTable
from latentseg_gui.io.masks.values import MaskItem, ObjectArea, objects_of

COLUMNS = (
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
    "mean_red",
    "mean_green",
    "mean_blue",
)
"""Lengths are in pixels; positions have their origin in the upper left corner of the image."""


def rows(item: MaskItem, classes: ClassTable) -> bytes:
    """The table, one object per line, in UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for found in objects_of(item):
        names = [item.image_name or item.stem, str(found.number), classes[found.class_id].name]
        writer.writerow([*names, *_values(item, found)])
    return text.getvalue().encode("utf-8", errors="replace")


def _values(item: MaskItem, found: ObjectArea) -> list[str]:
    from skimage import measure  # takes a quarter of a second, which only this needs

    rect = found.rect
    (shape,) = measure.regionprops(found.mask.astype(np.uint8))
    row, col = shape.centroid
    means = ["", "", ""]
    if item.pixels is not None:
        means = [f"{value:.2f}" for value in item.pixels[rect.slices][found.mask].mean(axis=0)]
    numbers = (
        col + rect.col0 + 0.5,
        row + rect.row0 + 0.5,
        rect.col0,
        rect.row0,
        rect.shape[1],
        rect.shape[0],
        shape.perimeter,
        shape.equivalent_diameter_area,
        shape.axis_major_length,
        shape.axis_minor_length,
        shape.eccentricity,
        np.degrees(shape.orientation),
        _solidity(found),
    )
    return [str(int(found.mask.sum())), *(f"{number:.6g}" for number in numbers), *means]


def _solidity(found: ObjectArea) -> float:
    """The share of its convex hull that the object fills; 1 for what is too thin to have one."""
    from scipy.spatial import ConvexHull, QhullError

    rows, cols = np.nonzero(found.mask)
    corners = np.concatenate([np.stack([rows + dy, cols + dx], axis=1) for dy in (0, 1) for dx in (0, 1)])
    try:
        return float(found.mask.sum() / ConvexHull(corners).volume)
    except QhullError:
        return 1.0
