"""Objects that are carried from one image to another: the same place, new numbers, and what is there stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from latentseg_gui.commands.masks.objects import objects_at
from latentseg_gui.commands.masks.patch import MaskPatch, values_patch
from latentseg_gui.commands.masks.rectangles import relative_to
from latentseg_gui.commands.source import LayerSource, MaskSource, next_instance
from latentseg_gui.document.masks.object_rules import without_crumbs
from latentseg_gui.document.masks.object_table import object_table
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Mask, Provenance, Rect

_STAYS: Final = (Provenance.CLICKED, Provenance.IMPORTED)
"""Who says so on the other image, too."""


@dataclass(frozen=True, slots=True, eq=False)
class CarriedObject:
    """An object without its image.

    Attributes:
        class_id: its class.
        rect: where it lay.
        mask: bool, of the shape of ``rect``.
        provenance: who says so on the other image: whoever carries a predicted object there has painted it.
        number: that it had on its own image; 0 where it had none.
        made_by: title of the click model of others that made it; "" for the model itself or a hand.
    """

    class_id: int
    rect: Rect
    mask: Mask
    provenance: int = Provenance.PAINTED
    number: int = 0
    made_by: str = ""


def taken_along(
    source: MaskSource, image_id: str, pixels: Sequence[tuple[int, int]]
) -> tuple[CarriedObject, ...]:
    """The objects at the pixels, to be put down elsewhere; of two pixels in one object, once."""
    layer = source.masks.layer(image_id)
    found: dict[tuple[int, int, Rect], CarriedObject] = {}
    for rc, (rect, mask) in zip(pixels, objects_at(source, image_id, pixels), strict=True):
        if rect.is_empty:
            continue
        class_id, said = int(layer.labels[rc]), int(layer.provenance[rc])
        provenance = said if said in _STAYS else Provenance.PAINTED
        number = int(layer.instances[rc])
        found.setdefault(
            (class_id, number, rect), CarriedObject(class_id, rect, mask, provenance, number=number)
        )
    return tuple(found.values())


def all_taken_along(source: MaskSource, image_id: str) -> tuple[CarriedObject, ...]:
    """All objects of an image that are counted."""
    layer = source.masks.layer(image_id)
    instances = layer.instances if layer.has_instances else None
    whole = Rect.whole(layer.shape)
    table = object_table(layer.labels, layer.provenance, instances, at=whole, width=layer.shape[1])
    rows = np.flatnonzero(np.isin(table.classes, source.classes.thing_ids))
    return taken_along(source, image_id, [table.pixel(int(row)) for row in rows])


def put_down(
    source: MaskSource, image_id: str, objects: Sequence[CarriedObject], label: str = "Paste objects"
) -> MaskPatch | None:
    """The one step that adds objects to a mask where nothing but background lies; None where there is no room.

    They are cut to the image and get new numbers. Objects of classes that are gone are left out.
    """
    layer, classes = source.masks.layer(image_id), source.classes
    known = [
        each for each in objects if each.class_id in classes.ids and each.class_id not in classes.locked_ids
    ]
    box = Rect(0, 0, 0, 0)
    for each in known:
        box = box.union(each.rect.clipped(layer.shape))
    if box.is_empty:
        return None
    labels, provenance = layer.labels[box.slices].copy(), layer.provenance[box.slices].copy()
    instances = layer.instances[box.slices].copy()
    is_free = labels == UNLABELLED
    if BACKGROUND not in classes.locked_ids:
        is_free |= labels == BACKGROUND
    number = next_instance(source, image_id)
    for each in known:
        rect = each.rect.clipped(layer.shape)
        if rect.is_empty:
            continue
        row, col = each.rect.row0, each.rect.col0
        mask = each.mask[rect.row0 - row : rect.row1 - row, rect.col0 - col : rect.col1 - col]
        inner = relative_to(rect, box).slices
        where = mask & is_free[inner]
        if not where.any():
            continue
        if not where[mask].all():
            where = without_crumbs(where)
        labels[inner][where], provenance[inner][where] = each.class_id, each.provenance
        instances[inner][where] = number
        is_free[inner][where] = False
        number += 1
    return values_patch(source, image_id, box, labels, provenance, instances, label)


def number_put_down(layer: LayerSource, carried: CarriedObject, first: int) -> int:
    """The number that an object has got; 0 where there was no room for any of it.

    Args:
        layer: the mask that it was put down in.
        carried: the object.
        first: the lowest number that is new since.
    """
    rect = carried.rect.clipped(layer.shape)
    if rect.is_empty:
        return 0
    mask = carried.mask[relative_to(rect, carried.rect).slices]
    numbers = layer.instances[rect.slices][mask]
    found, counts = np.unique(numbers[numbers >= first], return_counts=True)
    return int(found[counts.argmax()]) if len(found) else 0
