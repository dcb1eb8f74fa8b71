"""One mask of several files with an object each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.types import BACKGROUND, UNLABELLED
from latentseg_gui.io.masks.values import ImportContext, ImportedMask

Part = tuple[str, Callable[[ImportContext], ImportedMask]]
"""What to call a file, and what reads it."""

_SHOWN = 3


def joined_reading(parts: Sequence[Part]) -> Callable[[ImportContext], ImportedMask]:
    """What reads all parts and lays small objects over large ones; a damaged one is named, and costs itself only."""

    def read(context: ImportContext) -> ImportedMask:
        return _joined(parts, context)

    return read


def _read_each(
    parts: Sequence[Part], context: ImportContext, lost: dict[str, LatentsegError]
) -> Iterator[ImportedMask]:
    """The masks of the parts; each sees the classes that those before it brought."""
    for label, read in parts:
        try:
            mask = read(context)
        except LatentsegError as error:
            lost[label] = error
            continue
        context = replace(context, classes=mask.classes)
        yield mask


def _joined(parts: Sequence[Part], context: ImportContext) -> ImportedMask:
    failed: dict[str, LatentsegError] = {}
    found = _laid(_read_each(parts, context, failed), context)
    if len(failed) == len(parts):
        raise next(iter(failed.values()))
    count = len(parts) - len(failed)
    notes = list(found.notes)
    lost = count - (0 if found.instances is None else len(np.unique(found.instances[found.instances > 0])))
    if lost:
        notes.append(f"{lost} of these objects are empty, or wholly covered by others.")
    notes.append(f"{count} files with an object each were joined.")
    labels = found.labels
    if failed:
        named = "; ".join(f"“{label}”: {error.what}" for label, error in list(failed.items())[:_SHOWN])
        notes.append(
            f"{len(failed)} of {len(parts)} files could not be read; because it is not known where their objects "
            f"lie, pixels outside the others are unlabelled: {named}{'; ...' if len(failed) > _SHOWN else ''}"
        )
        labels = np.where(labels == BACKGROUND, np.uint8(UNLABELLED), labels)
    return replace(found, labels=labels, notes=tuple(notes))


def _laid(masks: Iterator[ImportedMask], context: ImportContext) -> ImportedMask:
    numbers = np.zeros(context.shape, np.uint32)
    on_top = np.full(context.shape, np.iinfo(np.int64).max, np.int64)
    labels = np.full(context.shape, context.outside, np.uint8)
    is_open = np.zeros(context.shape, np.bool_)
    notes: list[str] = []
    classes = context.classes
    for number, mask in enumerate(masks, 1):
        classes = mask.classes
        area = (mask.labels != BACKGROUND) & (mask.labels != UNLABELLED)
        size = int(np.count_nonzero(area))
        is_open |= mask.labels == UNLABELLED
        smaller = area & (on_top > size)
        labels[smaller] = mask.labels[smaller]
        numbers[smaller] = number
        on_top[smaller] = size
        notes += [note for note in mask.notes if note not in notes]
    labels[is_open & (numbers == 0)] = UNLABELLED
    found = numbers if numbers.any() else None
    return ImportedMask(labels, classes, found, None, tuple(notes))
