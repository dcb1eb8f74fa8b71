"""Labels without a class: what a mask or a journal may hold, and a document may not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.layers import Arrays
from latentseg_gui.document.masks.lookup import looked_up
from latentseg_gui.document.types import UNLABELLED, Labels, Rect
from latentseg_gui.io.paths import shown


def orphans_in(labels: Labels, ids: Sequence[int]) -> tuple[int, ...]:
    """Class ids in labels, uint8 [H, W], that are not among ``ids``; `UNLABELLED` is none."""
    counts = np.bincount(labels.reshape(-1), minlength=256)
    return tuple(int(number) for number in np.flatnonzero(counts[:UNLABELLED]) if number not in ids)


def without_orphans(arrays: Arrays, ids: Sequence[int]) -> Arrays:
    """A mask whose labels without a class are unlabelled."""
    labels, provenance, instances = arrays
    where = _is_orphan(labels, ids)
    if not where.any():
        return arrays
    labels, provenance = labels.copy(), provenance.copy()
    labels[where], provenance[where] = UNLABELLED, 0
    if instances is not None:
        instances = instances.copy()
        instances[where] = 0
    return labels, provenance, instances


def unlabel_orphans(document: Document, image_ids: Iterable[str]) -> list[str]:
    """Make labels without a class unlabelled in some masks of a document; sentences for the user."""
    sentences = []
    for image_id in image_ids:
        if not document.images.has(image_id) or document.masks.shape(image_id) is None:
            continue
        layer = document.masks.layer(image_id)
        if not layer.is_touched:
            continue
        try:
            numbers = orphans_in(layer.labels, document.classes.ids)
        except LatentsegError:  # damaged files: said when they are looked at
            continue
        if numbers:
            where = _is_orphan(layer.labels, document.classes.ids)
            layer.write(Rect.whole(layer.shape), where, UNLABELLED, 0, 0)
            sentences.append(sentence(document.images.name(image_id), numbers))
    return sentences


def sentence(name: str, numbers: Iterable[int]) -> str:
    """What to tell the user of labels without a class."""
    listed = ", ".join(str(number) for number in numbers)
    return (
        f"The mask of “{shown(name)}” has labels of classes that are not in the project ({listed}). "
        "Their pixels are unlabelled now."
    )


def _is_orphan(labels: Labels, ids: Sequence[int]) -> NDArray[np.bool_]:
    orphans = np.ones(256, np.uint8)
    orphans[[*ids, UNLABELLED]] = 0
    return looked_up(orphans, labels).view(np.bool_)
