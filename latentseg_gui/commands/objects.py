"""Edits of whole objects: choose, merge, split, give another class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from latentseg_gui.commands.patch import Ink, MaskPatch, area_patch, values_patch
from latentseg_gui.commands.source import MaskSource, next_instance
from latentseg_gui.document.coords import is_inside
from latentseg_gui.document.regions import flood_fill
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Mask, Provenance, Rect


def object_at(source: MaskSource, image_id: str, rc: tuple[int, int]) -> tuple[Rect, Mask]:
    """The object that the pixel belongs to: all pixels of its number, else the connected area of its class.

    Empty outside the image and where nobody has labelled.
    """
    layer = source.masks.layer(image_id)
    if not is_inside(rc, layer.shape) or layer.labels[rc] == UNLABELLED:
        return Rect(0, 0, 0, 0), np.zeros((0, 0), np.bool_)
    number = layer.instances[rc]
    if number == 0:
        return flood_fill(layer.labels, rc)
    area: Mask = layer.instances == number
    rect = Rect.around(area)
    return rect, area[rect.slices].copy()


def is_object(source: MaskSource, image_id: str, rc: tuple[int, int]) -> bool:
    """Whether the pixel belongs to anything but the background."""
    layer = source.masks.layer(image_id)
    return is_inside(rc, layer.shape) and layer.labels[rc] not in (BACKGROUND, UNLABELLED)


def set_object_class(
    source: MaskSource, image_id: str, rc: tuple[int, int], class_id: int
) -> MaskPatch | None:
    """The step that gives the object at the pixel another class; it keeps its number."""
    rect, mask = object_at(source, image_id, rc)
    if rect.is_empty:
        return None
    number = int(source.masks.layer(image_id).instances[rc])
    instance = 0 if class_id in (BACKGROUND, UNLABELLED) else number
    ink = Ink(class_id, Provenance.PAINTED, instance)
    return area_patch(source, image_id, rect, mask, ink, "Change class of object")


def merge_objects(source: MaskSource, image_id: str, pixels: Sequence[tuple[int, int]]) -> MaskPatch | None:
    """The step that makes one object of those at the given pixels, with the class of the first."""
    parts = [object_at(source, image_id, rc) for rc in pixels]
    parts = [part for part in parts if not part[0].is_empty]
    if len(parts) < 2:
        return None
    box = parts[0][0]
    for rect, _ in parts[1:]:
        box = box.union(rect)
    together = np.zeros(box.shape, np.bool_)
    for rect, mask in parts:
        place = Rect(rect.row0 - box.row0, rect.col0 - box.col0, rect.row1 - box.row0, rect.col1 - box.col0)
        together[place.slices] |= mask
    class_id = int(source.masks.layer(image_id).labels[pixels[0]])
    number = int(source.masks.layer(image_id).instances[pixels[0]]) or next_instance(source, image_id)
    ink = Ink(class_id, Provenance.PAINTED, 0 if class_id in (BACKGROUND, UNLABELLED) else number)
    return area_patch(source, image_id, box, together, ink, "Merge objects")


def split_object(
    source: MaskSource,
    image_id: str,
    rc: tuple[int, int],
    xy_from: tuple[float, float],
    xy_to: tuple[float, float],
) -> MaskPatch | None:
    """The step that cuts the object at the pixel along a straight line.

    The part to the right of the line (seen from its start) gets a number of its own; the other keeps
    the old one, or gets one if it had none. None if the line leaves everything on one side.
    """
    rect, mask = object_at(source, image_id, rc)
    if rect.is_empty:
        return None
    rows, cols = np.ogrid[rect.row0 : rect.row1, rect.col0 : rect.col1]
    dx, dy = xy_to[0] - xy_from[0], xy_to[1] - xy_from[1]
    is_right = dx * (rows + 0.5 - xy_from[1]) - dy * (cols + 0.5 - xy_from[0]) > 0
    right, left = mask & is_right, mask & ~is_right
    if not right.any() or not left.any():
        return None
    layer = source.masks.layer(image_id)
    old = layer.instances[rect.slices]
    number = next_instance(source, image_id)
    kept = int(layer.instances[rc]) or number + 1
    instances = np.where(right, np.uint32(number), np.where(left, np.uint32(kept), old))
    area = rect.slices
    return values_patch(
        source, image_id, rect, layer.labels[area], layer.provenance[area], instances, "Split object"
    )
