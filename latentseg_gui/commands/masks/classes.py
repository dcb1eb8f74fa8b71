"""Edits of the table of classes, with what they do to the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.commands.source import LayerSource, MasksSource
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.layers import Delta
from latentseg_gui.document.project.changes import Change, ClassesChange, MaskChange
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Provenance, Rect

_TILE = 512
_NO_DELTAS: tuple[MaskChange, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassEdit:
    """A new table of classes, perhaps after some pixels have changed class.

    Attributes:
        label: for the history.
        before: the table to go back to.
        after: the table to go to.
        masks: what happens to pixels first: none of a class that goes has it then.
        left_alone: what was not changed since it is locked, as a sentence; "" where nothing was in the way.
    """

    label: str
    before: ClassesChange
    after: ClassesChange
    masks: tuple[MaskChange, ...] = _NO_DELTAS
    left_alone: str = ""

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        return self.before.nbytes + self.after.nbytes + sum(change.nbytes for change in self.masks)

    @property
    def image_id(self) -> None:
        """It may touch every image."""
        return None

    @property
    def changes(self) -> tuple[Change, ...]:
        """What happens when it is applied."""
        return (*self.masks, self.after)

    @property
    def undo_changes(self) -> tuple[Change, ...]:
        """What happens when it is taken back."""
        return (self.before, *reversed(self.masks))

    @property
    def is_about_pixels(self) -> bool:
        """Whether masks or predictions change too, be it applied or taken back."""
        return bool(self.masks or self.after.replaced)

    def apply(self, document: Document) -> None:
        """Change pixels, then the table."""
        for change in self.changes:
            change.apply(document)

    def revert(self, document: Document) -> None:
        """Change the table back, then the pixels."""
        for change in self.undo_changes:
            change.apply(document)


@dataclass(frozen=True, slots=True)
class ClassUse:
    """How much is labelled with a class: what the user is told before it is deleted or merged."""

    pixels: int
    images: int


def class_use(source: MasksSource, class_id: int) -> ClassUse:
    """How many pixels in how many images have the class."""
    counts = [
        int(np.count_nonzero(source.masks.layer(image_id).labels == class_id))
        for image_id in source.masks.labelled_ids()
    ]
    return ClassUse(sum(counts), sum(count > 0 for count in counts))


def add_class(document: Document, name: str, colour: str | None = None) -> ClassEdit:
    """The step that appends a class; the colour defaults to one that is not taken."""
    return _table_edit(document, document.classes.added(name, colour), f"Add class {name}")


def rename_class(document: Document, class_id: int, name: str) -> ClassEdit:
    """The step that gives a class another name."""
    return _table_edit(document, document.classes.replaced(class_id, name=name), f"Rename class to {name}")


def recolour_class(document: Document, class_id: int, colour: str) -> ClassEdit:
    """The step that gives a class another colour "#rrggbb"."""
    name = document.classes[class_id].name
    return _table_edit(document, document.classes.replaced(class_id, colour=colour), f"Recolour {name}")


def lock_class(document: Document, class_id: int, is_locked: bool) -> ClassEdit:
    """The step that protects the pixels of a class from being painted over, or no longer."""
    label = f"{'Lock' if is_locked else 'Unlock'} {document.classes[class_id].name}"
    return _table_edit(document, document.classes.replaced(class_id, is_locked=is_locked), label)


def count_class(document: Document, class_id: int, is_thing: bool, smallest: int) -> ClassEdit:
    """The step that says whether objects of a class are counted, and how many pixels the smallest has."""
    label = f"{'Count' if is_thing else 'Do not count'} {document.classes[class_id].name}"
    table = document.classes.replaced(class_id, is_thing=is_thing, smallest=max(0, smallest))
    return _table_edit(document, table, label)


def show_class(document: Document, class_id: int, is_visible: bool) -> ClassEdit:
    """The step that shows or hides a class in the overlay."""
    label = f"{'Show' if is_visible else 'Hide'} {document.classes[class_id].name}"
    return _table_edit(document, document.classes.replaced(class_id, is_visible=is_visible), label)


def move_class(document: Document, class_id: int, to_number: int) -> ClassEdit:
    """The step that gives a class another place in the table; no pixel changes."""
    after = document.classes.moved(class_id, to_number)
    return _table_edit(document, after, f"Move class {document.classes[class_id].name}")


def delete_class(source: MasksSource, class_id: int, to_id: int = UNLABELLED) -> ClassEdit:
    """The step that deletes a class; its pixels get the class ``to_id`` or become unlabelled.

    Locked objects stay, and their class with them.

    Raises:
        LatentsegError: all of its pixels belong to locked objects.
    """
    name = source.classes[class_id].name
    return _without(source, class_id, to_id, f"Delete class {name}")


def merge_classes(source: MasksSource, class_id: int, into_id: int) -> ClassEdit:
    """The step that makes one class of two: pixels of ``class_id`` become ``into_id``.

    Locked objects stay, and their class with them.

    Raises:
        LatentsegError: all of its pixels belong to locked objects.
    """
    one, other = source.classes[class_id].name, source.classes[into_id].name
    return _without(source, class_id, into_id, f"Merge class {one} into {other}")


def set_classes(document: Document, classes: ClassTable, label: str = "Change classes") -> ClassEdit:
    """The step that takes another table whose ids mean the same (taken from weights or a file).

    Classes in use that the new table does not have lose their pixels to unlabelled.
    """
    masks: list[MaskChange] = []
    gone = [each for each in document.classes.ids if each not in classes.ids]
    for image_id in document.masks.labelled_ids() if gone else ():  # else no mask needs to be looked at
        masks += _relabelled(document, image_id, gone, UNLABELLED)
    replaced = tuple((each, BACKGROUND) for each in gone)
    return ClassEdit(label, ClassesChange(document.classes), ClassesChange(classes, replaced), tuple(masks))


def _table_edit(document: Document, after: ClassTable, label: str) -> ClassEdit:
    return ClassEdit(label, ClassesChange(document.classes), ClassesChange(after))


def _without(source: MasksSource, class_id: int, to_id: int, label: str) -> ClassEdit:
    masks: list[MaskChange] = []
    locked = 0
    for image_id in source.masks.labelled_ids():
        masks += _relabelled(source, image_id, [class_id], to_id)
        locked += _locked_objects(source.masks.layer(image_id), class_id)
    before = ClassesChange(source.classes)
    if locked:
        return ClassEdit(label, before, before, tuple(masks), _stays(source, class_id, locked, bool(masks)))
    in_predictions = BACKGROUND if to_id == UNLABELLED else to_id
    after = ClassesChange(source.classes.removed(class_id), ((class_id, in_predictions),))
    return ClassEdit(label, before, after, tuple(masks))


def _stays(source: MasksSource, class_id: int, locked: int, is_changed: bool) -> str:
    """What is said of a class that stays for its locked objects."""
    name = source.classes[class_id].name
    if not is_changed:
        raise LatentsegError(
            f"All objects of “{name}” are locked, so nothing was changed.",
            action="Unlock them in the list of objects first.",
        )
    if locked == 1:
        return f"1 locked object of “{name}” stayed as it was, and so did the class."
    return f"{locked} locked objects of “{name}” stayed as they were, and so did the class."


def _locked_objects(layer: LayerSource, class_id: int) -> int:
    """How many objects of a class are locked."""
    locked = layer.marks.locked_pixels(layer.instances)
    if locked is None:
        return 0
    return len(np.unique(layer.instances[locked & (layer.labels == class_id)]))


def _relabelled(source: MasksSource, image_id: str, ids: Sequence[int], to_id: int) -> Sequence[MaskChange]:
    """The change that gives the pixels of some classes another one, but those of locked objects; empty for none."""
    layer = source.masks.layer(image_id)
    labels, deltas = layer.labels, []
    for tile in Rect.whole(layer.shape).tiles(layer.shape, _TILE):
        part = labels[tile.slices]
        where = part == ids[0] if len(ids) == 1 else np.isin(part, ids)
        locked = layer.marks.locked_pixels(layer.instances[tile.slices])
        where = where if locked is None else where & ~locked
        if where.any():
            deltas.append(_tile_relabelled(layer, tile, where, to_id))
    return (MaskChange.of(image_id, deltas),) if deltas else ()


def _tile_relabelled(layer: LayerSource, tile: Rect, where: NDArray[np.bool_], to_id: int) -> Delta:
    area = tile.slices
    labels = np.where(where, layer.labels[area] ^ np.uint8(to_id), np.uint8(0))
    provenance = np.zeros(tile.shape, np.uint8)
    instances = None
    if to_id == UNLABELLED:
        provenance = np.where(where, layer.provenance[area] ^ np.uint8(Provenance.NONE), np.uint8(0))
    if to_id in (BACKGROUND, UNLABELLED) and layer.has_instances:
        instances = np.where(where, layer.instances[area], np.uint32(0))
    return Delta(tile, labels, provenance, instances)
