"""Edits that give an object of the mask another shape, or make several of it. Its neighbours keep their pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.commands.masks.objects import object_at
from latentseg_gui.commands.masks.patch import MaskPatch, planes_of, values_patch
from latentseg_gui.commands.masks.rectangles import common_part, relative_to
from latentseg_gui.commands.source import LayerSource, MaskSource, next_instance
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.dividing import XY, Parts, Waists, parts_along, parts_around, waists_of
from latentseg_gui.document.masks.object_rules import keep_objects_whole, window_of
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Mask, Provenance, Rect

RC = tuple[int, int]
Area = tuple[Rect, Mask]
"""A rectangle of the image, and what of it is meant: bool of its shape."""


def reshaped(source: MaskSource, image_id: str, rc: RC, shape: Area, label: str) -> MaskPatch | None:
    """The step that gives the object at a pixel another shape.

    What it loses becomes what `left_behind` says. What it gains it takes from what
    is not labelled and from the background, never from other objects, areas of other classes or locked classes. A
    piece that comes off is an object of its own if it is large enough to be one.

    Args:
        source: what is edited.
        image_id: the image.
        rc: a pixel of the object.
        shape: all of the object, as it shall be; what lies outside the image is left out.
        label: for the history.

    Raises:
        LatentsegError: it is locked, or its class is.
    """
    old_rect, old = object_at(source, image_id, rc)
    if old_rect.is_empty:
        return None
    layer = source.masks.layer(image_id)
    class_id, number = int(layer.labels[rc]), int(layer.instances[rc])
    check_unlocked(source, image_id, rc)
    rect = old_rect.union(shape[0]).clipped(layer.shape)
    before, wanted = placed((old_rect, old), rect), placed(shape, rect)
    gained = wanted & ~before & free_for(layer, rect, number)
    lost = before & ~wanted
    if not gained.any() and not lost.any():
        return None
    window = (window_of(rect, layer.labels, layer.instances) if number else None) or rect
    was = planes_of(layer, window)
    made, inner = was.copy(), relative_to(rect, window).slices
    left = left_behind(layer, class_id)
    made.labels[inner][gained], made.labels[inner][lost] = class_id, left
    made.provenance[inner][gained] = Provenance.PAINTED
    made.provenance[inner][lost] = Provenance.NONE if left == UNLABELLED else Provenance.PAINTED
    made.instances[inner][gained], made.instances[inner][lost] = number, 0
    if number:
        made = keep_objects_whole(
            was,
            made,
            next_number=next_instance(source, image_id),
            locked=source.classes.locked_ids,
            fixed=layer.marks.locked,
        )
    return values_patch(source, image_id, window, made.labels, made.provenance, made.instances, label)


def left_behind(layer: LayerSource, class_id: int) -> int:
    """What is left where a class is taken away.

    Background, in an image that says what background is. Elsewhere nothing: rims that were cut off objects would be all
    the background that there is, and whoever learns from it would not be asked about the rest.
    """
    if class_id == BACKGROUND or not bool((layer.labels == BACKGROUND).any()):
        return UNLABELLED
    return BACKGROUND


def reworked(
    source: MaskSource, image_id: str, rc: RC, operation: Callable[[Mask], Mask], margin: float, label: str
) -> MaskPatch | None:
    """The step that gives the object at a pixel the shape that an operation makes of its own.

    Args:
        source: what is edited.
        image_id: the image.
        rc: a pixel of the object.
        operation: from bool [h, w] to the same shape.
        margin: how far, in pixels, it may reach beyond the object.
        label: for the history.
    """
    rect, area = object_at(source, image_id, rc)
    if rect.is_empty:
        return None
    wide = widened(rect, ceil(margin) + 1, source.masks.layer(image_id).shape)
    return reshaped(source, image_id, rc, (wide, operation(placed((rect, area), wide))), label)


def split_apart(source: MaskSource, image_id: str, rect: Rect, parts: Parts, label: str) -> MaskPatch | None:
    """The step that makes an object of each part of one: the largest keeps the number, the others get new ones.

    Args:
        source: what is edited.
        image_id: the image.
        rect: where the parts lie.
        parts: int32 of the shape of ``rect``: 0 outside the object, 1..n inside.
        label: for the history.

    Raises:
        LatentsegError: the object is locked, or its class is.
    """
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    if np.count_nonzero(sizes) < 2:
        return None
    row, col = np.argwhere(parts)[0].tolist()
    check_unlocked(source, image_id, (row + rect.row0, col + rect.col0))
    layer = source.masks.layer(image_id)
    area = rect.slices
    numbers = layer.instances[area].copy()
    largest, free = int(sizes.argmax()), next_instance(source, image_id)
    kept = int(numbers[parts == largest][0])
    for part in np.flatnonzero(sizes).tolist():
        if part == largest and kept:
            continue
        numbers[parts == part] = free
        free += 1
    return values_patch(source, image_id, rect, layer.labels[area], layer.provenance[area], numbers, label)


def split_along(source: MaskSource, image_id: str, rc: RC, line: Sequence[XY]) -> MaskPatch | None:
    """The step that cuts the object at a pixel where a line was drawn; None if the line does not cross it."""
    rect, area = object_at(source, image_id, rc)
    if rect.is_empty:
        return None
    parts = parts_along(area, [(x - rect.col0, y - rect.row0) for x, y in line])
    return None if parts is None else split_apart(source, image_id, rect, parts, "Split object")


def split_between(
    source: MaskSource, image_id: str, seeds: Sequence[RC], pixels: NDArray[np.uint8]
) -> MaskPatch | None:
    """The step that divides an object between pixels of it, by its shape and the picture (uint8 [H, W, 3]).

    None if they do not lie in the same object.
    """
    rect, area = object_at(source, image_id, seeds[0])
    if rect.is_empty:
        return None
    places = [(row - rect.row0, col - rect.col0) for row, col in seeds]
    parts = parts_around(area, places, pixels[rect.slices])
    return None if parts is None else split_apart(source, image_id, rect, parts, "Split object")


def waists_at(source: MaskSource, image_id: str, rc: RC) -> tuple[Rect, Waists]:
    """Where the object at a pixel could come apart, and where it lies."""
    rect, area = object_at(source, image_id, rc)
    return rect, waists_of(area)


def split_into(source: MaskSource, image_id: str, rc: RC, count: int) -> MaskPatch | None:
    """The step that divides an object at its waists into so many parts, or as many as there can be."""
    if object_at(source, image_id, rc)[0].is_empty:
        return None
    rect, waists = waists_at(source, image_id, rc)
    return split_apart(source, image_id, rect, waists.parts(count), "Split object")


def placed(area: Area, rect: Rect) -> Mask:
    """An area as bool of the shape of another rectangle; what lies outside that is left out."""
    where, mask = area
    made = np.zeros(rect.shape, np.bool_)
    common = common_part(where, rect)
    if common.row0 < common.row1 and common.col0 < common.col1:
        made[relative_to(common, rect).slices] = mask[relative_to(common, where).slices]
    return made


def widened(rect: Rect, margin: int, shape: tuple[int, int]) -> Rect:
    """A rectangle with so many pixels more on every side, inside the image."""
    return Rect(rect.row0 - margin, rect.col0 - margin, rect.row1 + margin, rect.col1 + margin).clipped(shape)


def free_for(layer: LayerSource, rect: Rect, number: int) -> Mask:
    """What an object of this number may grow into: nothing that somebody else owns."""
    labels = layer.labels[rect.slices]
    instances = layer.instances[rect.slices]
    is_free: Mask = (labels == BACKGROUND) | (labels == UNLABELLED)
    return is_free & ((instances == 0) | (instances == number)) if layer.has_instances else is_free


def check_unlocked(source: MaskSource, image_id: str, rc: RC) -> None:
    """Say so where the object at a pixel must not change its shape.

    Raises:
        LatentsegError: it is locked, or its class is.
    """
    layer = source.masks.layer(image_id)
    class_id = int(layer.labels[rc])
    if int(layer.instances[rc]) in layer.marks.locked:
        raise LatentsegError("This object is locked.", action="Unlock it to change its shape.")
    if class_id != UNLABELLED and source.classes[class_id].is_locked:
        name = source.classes[class_id].name
        raise LatentsegError(f"The class “{name}” is locked.", action="Unlock it to change its objects.")
