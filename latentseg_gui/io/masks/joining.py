"""One mask of several files with an object each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from latentseg_gui.document.types import BACKGROUND, UNLABELLED
from latentseg_gui.io.masks.values import ImportContext, ImportedMask

Read = Callable[[ImportContext], ImportedMask]


def joined_reading(parts: Sequence[Read]) -> Read:
    """What reads all parts and lays small objects over large ones."""

    def read(context: ImportContext) -> ImportedMask:
        return _joined(parts, context)

    return read


def _joined(parts: Sequence[Read], context: ImportContext) -> ImportedMask:
    numbers = np.zeros(context.shape, np.uint32)
    on_top = np.full(context.shape, np.iinfo(np.int64).max, np.int64)
    labels = np.full(context.shape, context.outside, np.uint8)
    is_open = np.zeros(context.shape, np.bool_)
    notes: list[str] = []
    for number, part in enumerate(parts, 1):
        mask = part(context)
        context = replace(context, classes=mask.classes)
        area = (mask.labels != BACKGROUND) & (mask.labels != UNLABELLED)
        size = int(np.count_nonzero(area))
        is_open |= mask.labels == UNLABELLED
        smaller = area & (on_top > size)
        labels[smaller] = mask.labels[smaller]
        numbers[smaller] = number
        on_top[smaller] = size
        notes += [note for note in mask.notes if note not in notes]
    labels[is_open & (numbers == 0)] = UNLABELLED
    lost = len(parts) - len(np.unique(numbers[numbers > 0]))
    if lost:
        notes.append(f"{lost} of these objects are empty, or wholly covered by others.")
    notes.append(f"{len(parts)} files with an object each were joined.")
    found = numbers if numbers.any() else None
    return ImportedMask(labels, context.classes, found, None, tuple(notes))
