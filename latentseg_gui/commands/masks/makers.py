"""Whose click model made the objects that an edit makes: it follows the pixels to new numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.commands.source import LayerSource
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.layers import Delta, Instances
from latentseg_gui.document.project.changes import MaskChange

_NUMBER_BITS = 32


def inherited(document: Document, change: MaskChange, *, is_applied: bool) -> dict[int, str]:
    """Who made the objects that are new with a change, where that is not what is said of their numbers so far.

    A new object is the work of whoever made the one that most of its pixels come from, as they are: a part that
    was cut off or came off. What was painted anew, or lay in no object, is nobody's; so is a number that an object
    had which is gone.

    Args:
        document: before the change, or after it.
        change: of one mask.
        is_applied: whether it is after it.
    """
    makers = document.makers.of_image(change.image_id) if document.images.has(change.image_id) else {}
    if not makers or not change.has_instances:
        return {}
    layer = document.masks.layer(change.image_id)
    sources, before = _sources(layer, change, is_applied=is_applied)
    new = {number: votes for number, votes in sources.items() if number not in before}
    found = {}
    for number, votes in new.items():
        source, count = votes.most_common(1)[0]
        title = makers.get(source, "") if 2 * count > votes.total() else ""
        if title != makers.get(number, ""):
            found[number] = title
    seen = _pixels_of(layer, list(found))
    # What lies outside of the change, too, is not new.
    return {
        number: title
        for number, title in found.items()
        if seen[number] <= (new[number].total() if is_applied else 0)
    }


def _sources(
    layer: LayerSource, change: MaskChange, *, is_applied: bool
) -> tuple[dict[int, Counter[int]], set[int]]:
    """By number, from which objects how many of its pixels come that get it; and all numbers before the change."""
    sources: dict[int, Counter[int]] = defaultdict(Counter)
    earlier: set[int] = set()
    for delta, numbers in _renumbered(change):
        now = layer.instances[delta.rect.slices]
        before, after = (now ^ numbers, now) if is_applied else (now, now ^ numbers)
        earlier.update(_tally(before))
        gets = (numbers != 0) & (after != 0)
        origin = np.where(delta.provenance[gets] == 0, before[gets], 0).astype(np.uint64)
        pairs = (after[gets].astype(np.uint64) << _NUMBER_BITS) | origin  # uint64 [pixels]
        for pair, count in _tally(pairs).items():
            sources[pair >> _NUMBER_BITS][pair & (2**_NUMBER_BITS - 1)] += count
    return sources, earlier


def _renumbered(change: MaskChange) -> Iterator[tuple[Delta, Instances]]:
    for delta in change.deltas():
        if delta.instances is not None and delta.instances.any():
            yield delta, delta.instances


def _tally(values: NDArray[np.unsignedinteger]) -> Counter[int]:
    """How often each value occurs: sorted are runs, of which masks have few, and not pixels."""
    flat = values.ravel()
    if not flat.size:
        return Counter()
    starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))
    found, which = np.unique(flat[starts], return_inverse=True)
    counts = np.bincount(which, np.diff(starts, append=flat.size)).astype(np.int64)
    return Counter(dict(zip(found.tolist(), counts.tolist(), strict=True)))


def _pixels_of(layer: LayerSource, numbers: list[int]) -> Counter[int]:
    """How many pixels these objects have now, which is looked up in the whole mask."""
    if not numbers:
        return Counter()
    highest = int(layer.instances.max(initial=0))
    return Counter(
        {each: int(np.count_nonzero(layer.instances == each)) for each in numbers if each <= highest}
    )
