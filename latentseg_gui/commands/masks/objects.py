"""Edits of whole objects: choose, merge, give another class."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from scipy import ndimage

from latentseg_gui.commands.masks.patch import (
    Ink,
    MaskPatch,
    area_patch,
    protected,
    provenance_of,
    values_patch,
)
from latentseg_gui.commands.masks.rectangles import relative_to
from latentseg_gui.commands.source import LayerSource, MaskSource, next_instance
from latentseg_gui.document.coords import is_inside
from latentseg_gui.document.masks.layers import Instances
from latentseg_gui.document.masks.regions import component_at, components, flood_fill
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Mask, Provenance, Rect

_FEW: Final = 8
"""More areas without number than that are not looked for one by one."""

_DENSE: Final = 1 << 24
"""A table of object numbers is not made larger than this."""


def object_at(source: MaskSource, image_id: str, rc: tuple[int, int]) -> tuple[Rect, Mask]:
    """The object that the pixel belongs to: all pixels of its number, else the connected area of its class.

    Empty outside the image and where nobody has labelled.
    """
    layer = source.masks.layer(image_id)
    if not is_inside(rc, layer.shape) or layer.labels[rc] == UNLABELLED:
        return Rect(0, 0, 0, 0), np.zeros((0, 0), np.bool_)
    number = layer.instances[rc]
    if number == 0:
        return _area_at(layer, rc)
    area: Mask = layer.instances == number
    rect = Rect.around(area)
    return rect, area[rect.slices].copy()


def _area_at(layer: LayerSource, rc: tuple[int, int]) -> tuple[Rect, Mask]:
    """The connected area of a class without number; it ends where a numbered object begins."""
    rect, mask = flood_fill(layer.labels, rc)
    if not layer.has_instances or not layer.instances[rect.slices][mask].any():
        return rect, mask
    free = mask & (layer.instances[rect.slices] == 0)
    inner, part = component_at(free, (rc[0] - rect.row0, rc[1] - rect.col0))
    row, col = rect.row0, rect.col0
    return Rect(inner.row0 + row, inner.col0 + col, inner.row1 + row, inner.col1 + col), part


def is_object(source: MaskSource, image_id: str, rc: tuple[int, int]) -> bool:
    """Whether the pixel belongs to anything but the background."""
    layer = source.masks.layer(image_id)
    return is_inside(rc, layer.shape) and layer.labels[rc] not in (BACKGROUND, UNLABELLED)


def objects_at(
    source: MaskSource, image_id: str, pixels: Sequence[tuple[int, int]]
) -> list[tuple[Rect, Mask]]:
    """`object_at` each of the pixels, in their order; numbered ones, however many, are looked for once."""
    layer = source.masks.layer(image_id)
    numbers = [
        int(layer.instances[rc]) if is_object(source, image_id, rc) and layer.has_instances else 0
        for rc in pixels
    ]
    places = _places(layer.instances, numbers) if any(numbers) else {}
    bare = [rc for rc, number in zip(pixels, numbers, strict=True) if number == 0]
    areas = _areas_at(layer, bare) if len(bare) > _FEW else {}
    found = []
    for rc, number in zip(pixels, numbers, strict=True):
        rect = places.get(number)
        if rect is None:
            found.append(areas.get(rc) or object_at(source, image_id, rc))
        else:
            found.append((rect, np.asarray(layer.instances[rect.slices] == number, np.bool_)))
    return found


def _areas_at(
    layer: LayerSource, pixels: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], tuple[Rect, Mask]]:
    """Many areas without number by their pixels, found in one pass for each class."""
    found = {}
    inside = [rc for rc in pixels if is_inside(rc, layer.shape)]
    for class_id in {int(layer.labels[rc]) for rc in inside} - {BACKGROUND, UNLABELLED}:
        parts, _ = components((layer.labels == class_id) & (layer.instances == 0))
        boxes = ndimage.find_objects(parts)
        for rc in inside:
            part = int(parts[rc])
            if part:
                rows, cols = boxes[part - 1]
                rect = Rect(rows.start, cols.start, rows.stop, cols.stop)
                found[rc] = rect, np.asarray(parts[rect.slices] == part, np.bool_)
    return found


def _places(instances: Instances, numbers: Collection[int]) -> dict[int, Rect]:
    """The bounding boxes of numbered objects."""
    wanted = np.setdiff1d(np.array(list(numbers), np.uint32), 0)
    highest = int(wanted[-1])
    if highest > _DENSE:
        return {int(number): Rect.around(instances == number) for number in wanted}
    place = np.zeros(highest + 2, np.int32)
    place[wanted] = np.arange(1, len(wanted) + 1)
    ids = place[np.minimum(instances, highest + 1)]  # int32 [H, W]
    boxes = ndimage.find_objects(ids, len(wanted))
    return {
        int(number): Rect(rows.start, cols.start, rows.stop, cols.stop)
        for number, (rows, cols) in zip(wanted, boxes, strict=True)
    }


def set_object_class(
    source: MaskSource, image_id: str, rc: tuple[int, int], class_id: int
) -> MaskPatch | None:
    """The step that gives the object at the pixel another class; it keeps its number."""
    return set_objects_class(source, image_id, [rc], class_id)


def set_objects_class(
    source: MaskSource, image_id: str, pixels: Sequence[tuple[int, int]], class_id: int
) -> MaskPatch | None:
    """The one step that gives the objects at the pixels another class; they stay as many objects as they are.

    Background and `UNLABELLED` take them away. Objects without a number get one. Locked objects stay, and pixels
    of locked classes.
    """
    parts = [part for part in objects_at(source, image_id, pixels) if not part[0].is_empty]
    if not parts:
        return None
    is_gone, layer = class_id in (BACKGROUND, UNLABELLED), source.masks.layer(image_id)
    box, number = _box_of(parts), next_instance(source, image_id)
    labels, provenance = layer.labels[box.slices].copy(), layer.provenance[box.slices].copy()
    instances = layer.instances[box.slices].copy()
    ink = Ink(class_id, Provenance.PAINTED)
    for rect, mask in parts:
        inner = relative_to(rect, box).slices
        stays = protected(labels[inner], class_id, source.classes.locked_ids, protect_others=False)
        where = mask if stays is None else mask & ~stays
        if not where.any():
            continue
        labels[inner][where], provenance[inner][where] = class_id, provenance_of(ink)
        if is_gone:
            instances[inner][where] = 0
        elif not instances[inner][mask].any():
            instances[inner][where] = number
            number += 1
    label = "Delete objects" if is_gone else "Change class of objects"
    if len(parts) == 1:
        label = "Delete object" if is_gone else "Change class of object"
    return values_patch(source, image_id, box, labels, provenance, instances, label)


def number_objects(
    source: MaskSource, image_id: str, pixels: Sequence[tuple[int, int]], label: str
) -> tuple[MaskPatch | None, range]:
    """The step that gives the objects at the pixels numbers where they have none, and these numbers."""
    parts = [part for part in objects_at(source, image_id, pixels) if not part[0].is_empty]
    first = number = next_instance(source, image_id)
    if not parts:
        return None, range(first, first)
    layer, box = source.masks.layer(image_id), _box_of(parts)
    instances = layer.instances[box.slices].copy()
    for rect, mask in parts:
        inner = relative_to(rect, box).slices
        if not instances[inner][mask].any():
            instances[inner][mask] = number
            number += 1
    labels, provenance = layer.labels[box.slices], layer.provenance[box.slices]
    return values_patch(source, image_id, box, labels, provenance, instances, label), range(first, number)


def merge_objects(source: MaskSource, image_id: str, pixels: Sequence[tuple[int, int]]) -> MaskPatch | None:
    """The step that makes one object of those at the given pixels, with the class of the first."""
    parts = [part for part in objects_at(source, image_id, pixels) if not part[0].is_empty]
    if len(parts) < 2:
        return None
    box = _box_of(parts)
    together = np.zeros(box.shape, np.bool_)
    for rect, mask in parts:
        together[relative_to(rect, box).slices] |= mask
    class_id = int(source.masks.layer(image_id).labels[pixels[0]])
    number = int(source.masks.layer(image_id).instances[pixels[0]]) or next_instance(source, image_id)
    ink = Ink(class_id, Provenance.PAINTED, 0 if class_id in (BACKGROUND, UNLABELLED) else number)
    return area_patch(source, image_id, box, together, ink, "Merge objects")


def _box_of(parts: Sequence[tuple[Rect, Mask]]) -> Rect:
    box = Rect(0, 0, 0, 0)
    for rect, _ in parts:
        box = box.union(rect)
    return box
