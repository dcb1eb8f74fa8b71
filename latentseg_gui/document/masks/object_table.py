"""All objects of a mask with what is said of each, worked out in one pass and kept up to date by rectangles.

An object is what has a number, or else a connected area of a class: what export counts, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentseg_gui.document.masks.layers import Instances
from latentseg_gui.document.masks.regions import components
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Labels, Provenance, Rect

_DENSE: Final = 1 << 24
_SOURCES: Final = max(Provenance) + 1
_BAND: Final = 1 << 19


@dataclass(frozen=True, slots=True)
class ObjectTable:
    """A row for each of N objects, ordered by key.

    Attributes:
        keys: int64 [N]; the number of an object, or -1 - the place of its first pixel where it has none.
        classes: class ids, uint8 [N].
        areas: pixels, int64 [N].
        boxes: row0, col0, row1, col1, half-open, int64 [N, 4].
        pixels: row and column of its first pixel, int64 [N, 2].
        sources: who said most of it, `Provenance` values, uint8 [N].
    """

    keys: NDArray[np.int64]
    classes: NDArray[np.uint8]
    areas: NDArray[np.int64]
    boxes: NDArray[np.int64]
    pixels: NDArray[np.int64]
    sources: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.keys)

    def row_of(self, key: int) -> int | None:
        """The row of an object; None where there is none (any more)."""
        row = int(np.searchsorted(self.keys, key))
        return row if row < len(self.keys) and self.keys[row] == key else None

    def box(self, row: int) -> Rect:
        """The bounding box of an object."""
        row0, col0, row1, col1 = (int(each) for each in self.boxes[row])
        return Rect(row0, col0, row1, col1)

    def pixel(self, row: int) -> tuple[int, int]:
        """A pixel of an object."""
        return int(self.pixels[row, 0]), int(self.pixels[row, 1])

    def counts(self) -> dict[int, int]:
        """How many objects there are of each class that has any."""
        found = np.bincount(self.classes, minlength=256)
        return {int(class_id): int(found[class_id]) for class_id in np.flatnonzero(found)}

    def taken(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> ObjectTable:
        """Some rows."""
        return ObjectTable(
            self.keys[rows],
            self.classes[rows],
            self.areas[rows],
            self.boxes[rows],
            self.pixels[rows],
            self.sources[rows],
        )


def object_table(
    labels: Labels, provenance: NDArray[np.uint8], instances: Instances | None, *, at: Rect, width: int
) -> ObjectTable:
    """The objects of a part of a mask, as if there were nothing round it.

    Args:
        labels: class ids of the part, uint8 [h, w].
        provenance: likewise, `Provenance` values, uint8 [h, w].
        instances: likewise, object numbers, uint32 [h, w]; None for none.
        at: where the part lies.
        width: columns of the whole image.
    """
    is_thing = (labels != BACKGROUND) & (labels != UNLABELLED)
    if not is_thing.any():
        return no_objects()
    ids, numbers = _ids(labels, instances, is_thing)
    count = len(numbers)
    first, by_source = _facts(ids, provenance, count)
    rows, cols = np.divmod(first, labels.shape[1])
    pixels = np.stack([rows + at.row0, cols + at.col0], axis=1)  # [N, 2]
    keys = np.where(numbers > 0, numbers, -1 - (pixels[:, 0] * width + pixels[:, 1]))
    boxes = np.array(
        [(rows.start, cols.start, rows.stop, cols.stop) for rows, cols in ndimage.find_objects(ids)], np.int64
    )
    corner = np.array([at.row0, at.col0, at.row0, at.col0], np.int64)
    table = ObjectTable(
        keys,
        labels.ravel()[first],
        by_source.sum(axis=1),
        boxes + corner,
        pixels,
        by_source.argmax(axis=1).astype(np.uint8),
    )
    return table.taken(np.argsort(keys, kind="stable"))


def _facts(
    ids: NDArray[np.int32], provenance: NDArray[np.uint8], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The place of the first pixel of each object, int64 [N], and pixels by who said so, int64 [N, sources].

    In bands: whoever shares this interpreter gets a turn between them.
    """
    first, said = np.zeros(count + 1, np.int64), np.zeros(_SOURCES * (count + 1), np.int64)
    width = ids.shape[1]
    for band in reversed(_bands(ids.shape)):
        part = ids[band].ravel()
        where = np.flatnonzero(part)
        of_pixel = part[where]
        first[of_pixel[::-1]] = (
            where[::-1] + band.start * width
        )  # what is written last stays: the first pixel
        by = of_pixel * _SOURCES + provenance[band].ravel()[where] % _SOURCES
        said += np.bincount(by, minlength=len(said))
    return first[1:], said.reshape(count + 1, _SOURCES)[1:]


def _bands(shape: tuple[int, ...]) -> list[slice]:
    rows = max(1, _BAND // max(1, shape[1]))
    return [slice(row, min(row + rows, shape[0])) for row in range(0, shape[0], rows)]


def no_objects() -> ObjectTable:
    """A table without rows."""
    whole, small = np.zeros(0, np.int64), np.zeros(0, np.uint8)
    return ObjectTable(whole, small, whole, whole.reshape(0, 4), whole.reshape(0, 2), small)


@dataclass(frozen=True, slots=True)
class TableUpdate:
    """What has to be looked at after a change: all objects that it may have touched lie in the window.

    Attributes:
        window: part of the image.
        changed: the rectangle that changed, with a pixel round it.
        is_touched: rows of the old table that are looked at again, bool [N].
    """

    window: Rect
    changed: Rect
    is_touched: NDArray[np.bool_]

    @classmethod
    def of(cls, table: ObjectTable, labels: Labels, instances: Instances | None, rect: Rect) -> TableUpdate:
        """Of a change of ``rect`` in a mask that is [H, W] and is now as given."""
        shape = labels.shape[0], labels.shape[1]
        changed = Rect(rect.row0 - 1, rect.col0 - 1, rect.row1 + 1, rect.col1 + 1).clipped(shape)
        row0, col0, row1, col1 = table.boxes.T
        is_touched = (
            (row0 < changed.row1) & (row1 > changed.row0) & (col0 < changed.col1) & (col1 > changed.col0)
        )
        if instances is not None:
            is_touched |= np.isin(table.keys, np.setdiff1d(instances[changed.slices], 0))
        window = changed
        if is_touched.any():
            boxes = table.boxes[is_touched]
            low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
            window = window.union(Rect(int(low[0]), int(low[1]), int(high[0]), int(high[1])))
        return cls(window, changed, is_touched)


def updated_table(
    table: ObjectTable,
    update: TableUpdate,
    labels: Labels,
    provenance: NDArray[np.uint8],
    instances: Instances | None,
) -> ObjectTable:
    """The table of a mask [H, W] after a change, of which only ``update.window`` is looked at."""
    area, width = update.window.slices, int(labels.shape[1])
    cut = None if instances is None else instances[area]
    fresh = object_table(labels[area], provenance[area], cut, at=update.window, width=width)
    touched = table.keys[update.is_touched]
    near = np.setdiff1d(instances[update.changed.slices], 0) if instances is not None else touched[:0]
    is_meant = np.isin(fresh.keys, touched) | np.isin(fresh.keys, near.astype(np.int64))
    is_area = (fresh.keys < 0) & ~is_meant
    row0, col0, row1, col1 = fresh.boxes.T
    box = update.changed
    is_area &= (row0 < box.row1) & (row1 > box.row0) & (col0 < box.col1) & (col1 > box.col0)
    whole = _joined(table.taken(~update.is_touched), fresh.taken(is_meant | is_area))
    return whole


def _joined(one: ObjectTable, other: ObjectTable) -> ObjectTable:
    """Both; of a key that both have, the first."""
    other = other.taken(~np.isin(other.keys, one.keys))
    both = ObjectTable(
        *(
            np.concatenate([getattr(one, name), getattr(other, name)])
            for name in ("keys", "classes", "areas", "boxes", "pixels", "sources")
        )
    )
    return both.taken(np.argsort(both.keys, kind="stable"))


def _ids(
    labels: Labels, instances: Instances | None, is_thing: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Ids 1..N of the objects, int32 [h, w], and the number of each, int64 [N], 0 for none."""
    ids, numbers = np.zeros(labels.shape, np.int32), np.zeros(0, np.int64)
    rest = is_thing
    if instances is not None:
        numbers = _numbers_in(instances, is_thing)
        for band in _bands(labels.shape) if len(numbers) else ():
            ids[band] = np.where(is_thing[band], _places_of(instances[band], numbers), 0)
        rest = is_thing & (ids == 0)
    count = len(numbers)
    for class_id in np.flatnonzero(np.bincount(labels[rest], minlength=256)).tolist():
        area = rest & (labels == class_id)
        parts, more = components(area)
        ids[area] = parts[area] + count
        count += more
    return ids, np.concatenate([numbers, np.zeros(count - len(numbers), np.int64)])


def _numbers_in(instances: Instances, is_thing: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The numbers of objects that occur, in order, int64 [n]."""
    found = [np.unique(instances[band][is_thing[band]]) for band in _bands(instances.shape)]
    return np.setdiff1d(np.unique(np.concatenate(found)), 0).astype(np.int64)


def _places_of(instances: Instances, numbers: NDArray[np.int64]) -> NDArray[np.int32]:
    """For each pixel the place of its number in the list, from 1; 0 for pixels without number."""
    highest = int(numbers[-1])
    if highest > _DENSE:
        places = np.searchsorted(numbers, instances) + 1
        return np.where(instances > 0, places, 0).astype(np.int32)
    table = np.zeros(highest + 1, np.int32)  # instead of searching
    table[numbers] = np.arange(1, len(numbers) + 1)
    return table[np.minimum(instances, highest)] * (instances > 0)
