"""Tables of classes as a journal holds them, also one of an older program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import SMALLEST, ClassTable, SegmentationClass
from latentseg_gui.document.masks.lookup import looked_up
from latentseg_gui.document.project.changes import ClassesChange


@dataclass(frozen=True, slots=True)
class RenumberedClasses:
    """Another table of classes in a journal of schema 1, where a class was known by its place.

    Attributes:
        classes: the table.
        table: new id by old id, uint8 [256] as bytes; `UNLABELLED` stays itself.
    """

    classes: ClassTable
    table: bytes

    def apply(self, document: Document) -> None:
        """Give every pixel of every mask its new id, and take the table."""
        table = np.frombuffer(self.table, np.uint8)
        for image_id in document.images.ids:
            if document.masks.shape(image_id) is not None and document.masks.layer(image_id).is_touched:
                labels, provenance, instances = document.masks.layer(image_id).snapshot()()
                document.masks.load(image_id, looked_up(table, labels), provenance, instances)
        document.set_classes(self.classes)


def recorded_classes(content: dict[str, Any], blob: bytes) -> ClassesChange | RenumberedClasses:
    """The table that a record of a journal holds.

    Raises:
        KeyError, TypeError, ValueError: it makes no sense.
    """
    entries = tuple(_class_of(*values) for values in content["classes"])
    if "ids" in content:
        return ClassesChange(ClassTable(entries, tuple(int(each) for each in content["ids"])))
    if not content["remap"]:
        return ClassesChange(ClassTable(entries))
    if len(blob) != 256:
        raise ValueError("a table of another length")
    return RenumberedClasses(ClassTable(entries), blob)


def _class_of(
    name: object,
    colour: object,
    is_locked: object,
    is_visible: object,
    is_thing: object = True,
    smallest: int = SMALLEST,
) -> SegmentationClass:
    """A class as it was written down; older programs wrote the first four values."""
    return SegmentationClass(
        str(name), str(colour), bool(is_locked), bool(is_visible), bool(is_thing), int(smallest)
    )
