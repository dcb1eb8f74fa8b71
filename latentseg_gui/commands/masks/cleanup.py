"""Clean-up of a class in one image: holes, specks, rough edges, size."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import numpy as np

from latentseg_gui.commands.masks.patch import MaskPatch, protected, values_patch
from latentseg_gui.commands.masks.shapes import left_behind
from latentseg_gui.commands.source import MaskSource
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks import regions
from latentseg_gui.document.masks.layers import Instances
from latentseg_gui.document.types import UNLABELLED, Labels, Mask, Provenance, Rect

Selection = tuple[Rect, Mask]
"""A rectangle of the image and the area inside it."""


def fill_class_holes(
    source: MaskSource,
    image_id: str,
    class_id: int,
    *,
    max_area: int | None = None,
    selection: Selection | None = None,
) -> MaskPatch | None:
    """The step that fills what the class encloses (holes up to ``max_area`` pixels, or all)."""

    def operation(mask: Mask) -> Mask:
        return regions.fill_holes(mask, max_area)

    return _cleaned(source, image_id, class_id, operation, 1, selection, "Fill holes")


def remove_class_specks(
    source: MaskSource, image_id: str, class_id: int, min_area: int, *, selection: Selection | None = None
) -> MaskPatch | None:
    """The step that takes away connected parts of the class smaller than ``min_area`` pixels."""

    def operation(mask: Mask) -> Mask:
        return regions.remove_specks(mask, min_area)

    return _cleaned(source, image_id, class_id, operation, 1, selection, "Remove specks")


def smooth_class(
    source: MaskSource, image_id: str, class_id: int, radius: float, *, selection: Selection | None = None
) -> MaskPatch | None:
    """The step that rounds off the edges of the class."""

    def operation(mask: Mask) -> Mask:
        return regions.smooth(mask, radius)

    return _cleaned(source, image_id, class_id, operation, ceil(3 * radius), selection, "Smooth")


def grow_class(
    source: MaskSource, image_id: str, class_id: int, radius: float, *, selection: Selection | None = None
) -> MaskPatch | None:
    """The step that widens the class by ``radius`` pixels."""

    def operation(mask: Mask) -> Mask:
        return regions.grow(mask, radius)

    return _cleaned(source, image_id, class_id, operation, ceil(radius) + 1, selection, "Grow")


def shrink_class(
    source: MaskSource, image_id: str, class_id: int, radius: float, *, selection: Selection | None = None
) -> MaskPatch | None:
    """The step that narrows the class by ``radius`` pixels."""

    def operation(mask: Mask) -> Mask:
        return regions.shrink(mask, radius)

    return _cleaned(source, image_id, class_id, operation, ceil(radius) + 1, selection, "Shrink")


def _cleaned(
    source: MaskSource,
    image_id: str,
    class_id: int,
    operation: Callable[[Mask], Mask],
    margin: int,
    selection: Selection | None,
    label: str,
) -> MaskPatch | None:
    """Replace the area of the class by what ``operation`` makes of it.

    What the class gains is taken from classes that are not locked; what it loses becomes what `left_behind` says,
    and belongs to no object.
    """
    _check_unlocked(source, class_id)
    layer = source.masks.layer(image_id)
    area = _area_of(layer.labels, class_id, selection)
    box = Rect.around(area)
    if box.is_empty:
        return None
    rect = Rect(box.row0 - margin, box.col0 - margin, box.row1 + margin, box.col1 + margin).clipped(
        layer.shape
    )
    before = area[rect.slices]
    after = operation(before)
    labels = layer.labels[rect.slices]
    gained = after & (labels != class_id)
    stays = protected(labels, class_id, source.classes.locked_ids, protect_others=False)
    if stays is not None:
        gained &= ~stays
    lost = before & ~after
    rest = left_behind(layer, class_id)
    rest_provenance = Provenance.NONE if rest == UNLABELLED else Provenance.PAINTED
    new_labels = np.where(gained, np.uint8(class_id), np.where(lost, np.uint8(rest), labels))
    provenance = np.where(gained, np.uint8(Provenance.PAINTED), layer.provenance[rect.slices])
    provenance = np.where(lost, np.uint8(rest_provenance), provenance)
    instances = None
    if layer.has_instances:
        instances = np.where(gained | lost, np.uint32(0), layer.instances[rect.slices])
        number = _only_number(layer.instances[rect.slices][before])
        instances[gained] = number
    return values_patch(source, image_id, rect, new_labels, provenance, instances, label)


def _area_of(labels: Labels, class_id: int, selection: Selection | None) -> Mask:
    area: Mask = labels == class_id
    if selection is None:
        return area
    chosen = np.zeros_like(area)
    rect, mask = selection
    chosen[rect.slices] = area[rect.slices] & mask
    return chosen


def _only_number(numbers: Instances) -> int:
    """The object number, if all pixels belong to one object; else 0."""
    return int(numbers[0]) if numbers.size and (numbers == numbers[0]).all() else 0


def _check_unlocked(source: MaskSource, class_id: int) -> None:
    entry = source.classes[class_id]
    if entry.is_locked:
        raise LatentsegError(f"The class “{entry.name}” is locked.", action="Unlock it to change its area.")
