"""What the classes are called that masks bring along, where nobody has named them beforehand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.label_rows import labels_by_row
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Labels

UNNAMED: Final = ClassTable.from_names(("background", "class 1"))
"""The table to read masks with: names that they have are added, classes that they number are "class 1", ..."""

_NUMBERED: Final = re.compile(r"class (\d+)")


def occurring(classes: ClassTable, masks: Iterable[Labels]) -> tuple[ClassTable, NDArray[np.uint8]]:
    """The classes that occur, and per class id before, uint8 [256], the one that it has now.

    Classes that are only numbered have these numbers as ids, as far as most of the numbers up to the last one
    occur: masks that are predicted can then be compared with those that were learned from. Else they are in
    the order of their numbers.

    Args:
        classes: `UNNAMED` with what masks have added.
        masks: class ids [H, W] of these classes.
    """
    used = np.zeros(256, bool)
    for labels in masks:
        used[:UNLABELLED] |= labels_by_row(labels).any(0)
    names = [name for class_id, name in enumerate(classes.names) if used[class_id] and class_id != BACKGROUND]
    numbers = sorted(numbers_in(names))
    if numbers and len(numbers) == len(names):
        is_dense = numbers[-1] <= 2 * len(numbers)
        names = [f"class {number}" for number in (range(1, numbers[-1] + 1) if is_dense else numbers)]
    after = ClassTable.from_names([classes.names[BACKGROUND], *names])
    table = np.full(256, UNLABELLED, np.uint8)
    for class_id, name in enumerate(classes.names):
        if (now := after.id_of(name)) is not None:
            table[class_id] = now
    return after, table


def numbers_in(names: Iterable[str]) -> list[int]:
    """The numbers of those classes that are only numbered."""
    return [int(found.group(1)) for name in names if (found := _NUMBERED.fullmatch(name))]


def words_for(classes: ClassTable) -> str:
    """Which classes there are, and how to name those that are only numbered."""
    listed = "classes: " + ", ".join(f"{class_id} {name}" for class_id, name in enumerate(classes.names))
    if not numbers_in(classes.names):
        return listed
    return f"{listed} (--classes gives names to those that are only numbered)"
