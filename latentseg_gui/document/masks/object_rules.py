"""What keeps an object one thing while its pixels are edited.

Painting that touches an object of its class extends it. An object of which hardly anything is left is gone. What an
edit cuts off is an object of its own if it is large enough to be one, and gone otherwise. So no crumbs remain that
somebody would have to hunt, and objects are counted as a person counts them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentseg_gui.document.masks.layers import Instances
from latentseg_gui.document.masks.object_marks import pixels_of
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Labels, Mask, Provenance, Rect

GONE_SHARE: Final = 0.05
"""An object is gone when an edit leaves no more of it than this."""

PIECE_SHARE: Final = 0.1
"""A piece that was cut off is an object if it has at least this share of the pixels of the largest one."""

CRUMB_PIXELS: Final = 12
"""Fewer pixels than that are no piece."""

RIM_REACH: Final = 3.0
RIM_SHARE: Final = 0.5
"""A predicted area beside an object is its rim if no pixel of it lies deeper than the first, and if it has less
than the second of the pixels of the object."""

MOST_PIXELS: Final = 1 << 22
"""Looking after an object takes about 50 bytes and 50 ns a pixel of the window that holds it."""

_TILE: Final = 2048
_OVERLAP: Final = 512

_TOUCHING: Final = np.ones((3, 3), np.bool_)


@dataclass(frozen=True, slots=True)
class Planes:
    """A window of a mask: labels and provenance uint8 [h, w], object numbers uint32 [h, w]."""

    labels: Labels
    provenance: NDArray[np.uint8]
    instances: Instances

    def copy(self) -> Planes:
        """The same in arrays of its own."""
        return Planes(self.labels.copy(), self.provenance.copy(), self.instances.copy())


def keep_objects_whole(
    before: Planes,
    after: Planes,
    *,
    next_number: int,
    locked: Collection[int] = (),
    splits: bool = True,
    fixed: Collection[int] = (),
) -> Planes:
    """What an edit should have made of the objects that it touched.

    Args:
        before: the mask before the edit.
        after: the mask as the edit has left it, in the same window, which must hold the objects in question.
        next_number: a number that no object has yet; those above are free, too.
        locked: classes whose pixels must not change.
        splits: whether a piece that is cut off and large enough is an object of its own; else it goes, and the
            largest one is what is left of the object.
        fixed: numbers of objects that must not change, not even grow.

    Returns:
        ``after`` with object numbers, and labels of crumbs, put right.
    """
    changed = (before.labels != after.labels) | (before.instances != after.instances)
    if not changed.any():
        return after
    made = after.copy()
    _extend(made, changed, locked, fixed)
    for number in np.unique(before.instances[changed]).tolist():
        if number:
            next_number = _mend(before, made, number, next_number, locked, splits=splits)
    return made


def without_crumbs(mask: Mask) -> Mask:
    """A new object [h, w] without the small pieces that are left of it where others keep their pixels."""
    numbers, count = ndimage.label(mask, _TOUCHING)
    if count < 2:
        return mask
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    is_kept = sizes >= max(CRUMB_PIXELS, PIECE_SHARE * sizes.max())
    is_kept[sizes.argmax()] = True
    is_kept[0] = False
    return np.asarray(is_kept[numbers], np.bool_)


def window_of(rect: Rect, labels: Labels, instances: Instances) -> Rect | None:
    """A window round ``rect`` that holds every object that touches it, and the areas without number beside it.

    None where it would be larger than `MOST_PIXELS`: an object of that size is left as the edit made it.

    Args:
        rect: what was edited, inside the image.
        labels: of the image, before or after the edit, uint8 [H, W].
        instances: likewise, uint32 [H, W].
    """
    shape = labels.shape
    near = _wider(rect, 2, shape).slices
    numbers = np.setdiff1d(instances[near], 0)
    classes = np.setdiff1d(labels[near][instances[near] == 0], (BACKGROUND, UNLABELLED))
    margin = 32
    while True:
        window = _wider(rect, margin, shape)
        if window.shape[0] * window.shape[1] > MOST_PIXELS:
            return None
        if window == Rect.whole(shape) or not _reaches_out(window, labels, instances, numbers, classes):
            return window
        margin *= 2


def _wider(rect: Rect, margin: int, shape: tuple[int, ...]) -> Rect:
    wide = Rect(rect.row0 - margin, rect.col0 - margin, rect.row1 + margin, rect.col1 + margin)
    return wide.clipped((shape[0], shape[1]))


def _reaches_out(
    window: Rect,
    labels: Labels,
    instances: Instances,
    numbers: NDArray[np.uint32],
    classes: NDArray[np.uint8],
) -> bool:
    """Whether any of the objects or areas lies on an edge of the window that is not one of the image."""
    rows, cols = window.slices
    edges = []
    if window.row0 > 0:
        edges.append((slice(window.row0, window.row0 + 1), cols))
    if window.row1 < labels.shape[0]:
        edges.append((slice(window.row1 - 1, window.row1), cols))
    if window.col0 > 0:
        edges.append((rows, slice(window.col0, window.col0 + 1)))
    if window.col1 < labels.shape[1]:
        edges.append((rows, slice(window.col1 - 1, window.col1)))
    for edge in edges:
        if np.isin(instances[edge], numbers).any():
            return True
        if (np.isin(labels[edge], classes) & (instances[edge] == 0)).any():
            return True
    return False


def _extend(made: Planes, changed: Mask, locked: Collection[int], fixed: Collection[int]) -> None:
    """Give areas without number that were painted just now the number of the object they touch."""
    fresh = changed & (made.instances == 0)
    for class_id in np.unique(made.labels[fresh]).tolist():
        if class_id in (BACKGROUND, UNLABELLED) or class_id in locked:
            continue
        is_hand_made = (made.provenance != Provenance.PREDICTED) | fresh
        area = (made.labels == class_id) & (made.instances == 0) & is_hand_made
        parts, _ = ndimage.label(area, _TOUCHING)
        numbered = np.where(made.labels == class_id, made.instances, 0)
        is_fixed = pixels_of(made.instances, fixed)
        if is_fixed is not None:
            numbered[is_fixed] = 0
        places = ndimage.find_objects(parts)
        for part in np.unique(parts[fresh & area]).tolist():
            box = _wider(_rect_of(places[part - 1]), 1, area.shape).slices
            grown = ndimage.binary_dilation(parts[box] == part, _TOUCHING)
            touched = numbered[box][grown]
            touched = touched[touched > 0]
            if touched.size:
                values, counts = np.unique(touched, return_counts=True)
                made.instances[box][parts[box] == part] = values[counts.argmax()]


def _rect_of(place: tuple[slice, slice]) -> Rect:
    return Rect(place[0].start, place[1].start, place[0].stop, place[1].stop)


def _mend(
    before: Planes, made: Planes, number: int, next_number: int, locked: Collection[int], *, splits: bool
) -> int:
    """Put right what is left of an object that lost pixels; returns the next free number."""
    was, left = before.instances == number, made.instances == number
    lost = was & ~left
    if not lost.any() or not left.any() or int(made.labels[left][0]) in locked:
        return next_number
    is_smaller = not (left & ~was).any()
    if is_smaller and _is_gone(was, left, made.instances[lost]):
        _clear(made, left, lost)
        return next_number
    pieces, _ = ndimage.label(left, _TOUCHING)
    whole, _ = ndimage.label(was | left, _TOUCHING)
    for area in np.unique(whole[lost]).tolist():
        of_area = np.unique(pieces[(whole == area) & left])
        sizes = np.array([np.count_nonzero(pieces == piece) for piece in of_area])
        if len(sizes) < 2:
            continue
        for piece, pixels in zip(of_area, sizes, strict=True):
            if piece == of_area[sizes.argmax()]:
                continue
            if not splits or pixels < max(CRUMB_PIXELS, PIECE_SHARE * sizes.max()):
                _clear(made, pieces == piece, lost)
            else:
                made.instances[pieces == piece] = next_number
                next_number += 1
    return next_number


def _is_gone(was: Mask, left: Mask, takers: Instances) -> bool:
    """Whether what is left of an object is no object: hardly anything, in crumbs, or the rim round what took it.

    Args:
        was: the object before.
        left: what it has kept.
        takers: object numbers that the pixels it has lost have now; 0 for none.
    """
    size, rest = int(was.sum()), int(left.sum())
    pieces, _ = ndimage.label(left, _TOUCHING)
    if int(np.bincount(pieces.ravel())[1:].max()) <= GONE_SHARE * size:
        return True
    is_overwritten = 2 * np.count_nonzero(takers) > takers.size
    if not is_overwritten or rest >= RIM_SHARE * size:
        return False
    thickness = [float(ndimage.distance_transform_edt(np.pad(part, 1)).max()) for part in (was, left)]
    return thickness[1] <= RIM_REACH and thickness[0] > 2 * thickness[1]


def _clear(made: Planes, crumbs: Mask, lost: Mask) -> None:
    """Crumbs become background where background took the object's place, and unlabelled otherwise."""
    is_background = bool((made.labels[lost] == BACKGROUND).all())
    made.labels[crumbs] = BACKGROUND if is_background else UNLABELLED
    made.provenance[crumbs] = Provenance.PAINTED if is_background else Provenance.NONE
    made.instances[crumbs] = 0


def drop_rims(labels: Labels, provenance: NDArray[np.uint8], instances: Instances | None) -> None:
    """Take away, in place, what a prediction leaves round objects that somebody has made: it is no object.

    A predicted area that touches a hand-made object of its class goes where it is only a few pixels thick and
    smaller than that object; a touching neighbour of some size stays. Worked out in overlapping tiles, so that
    it takes no more memory for a large image.

    Args:
        labels: class ids, uint8 [H, W]; rims become background.
        provenance: `Provenance` values, uint8 [H, W].
        instances: object numbers, uint32 [H, W]; None where no object has one.
    """
    shape = (labels.shape[0], labels.shape[1])
    for row in range(0, shape[0], _TILE - _OVERLAP):
        for col in range(0, shape[1], _TILE - _OVERLAP):
            tile = Rect(row, col, row + _TILE, col + _TILE).clipped(shape)
            area = tile.slices
            numbers = None if instances is None else instances[area]
            _drop_rims_within(labels[area], provenance[area], numbers, _cut_sides(tile, shape))


_Sides = tuple[bool, bool, bool, bool]
"""Of a tile: whether it ends at its first row, first column, last row, last column and the image goes on."""


def _cut_sides(tile: Rect, shape: tuple[int, int]) -> _Sides:
    return tile.row0 > 0, tile.col0 > 0, tile.row1 < shape[0], tile.col1 < shape[1]


def _drop_rims_within(
    labels: Labels, provenance: NDArray[np.uint8], instances: Instances | None, cut: _Sides
) -> None:
    is_thing = (labels != BACKGROUND) & (labels != UNLABELLED)
    is_predicted = is_thing & (provenance == Provenance.PREDICTED)
    if instances is not None:
        is_predicted &= instances == 0  # what was taken over as an object is one
    made_by_hand = is_thing & ~is_predicted
    if not made_by_hand.any() or not is_predicted.any():
        return
    for class_id in np.unique(labels[made_by_hand]).tolist():
        is_class = labels == class_id
        _drop_rims_of(labels, is_predicted & is_class, made_by_hand & is_class, cut)


def _drop_rims_of(labels: Labels, predicted: Mask, by_hand: Mask, cut: _Sides) -> None:
    parts, _ = ndimage.label(predicted, _TOUCHING)
    objects, _ = ndimage.label(by_hand, _TOUCHING)
    sizes = np.bincount(objects.ravel())
    near = ndimage.binary_dilation(by_hand, _TOUCHING) & predicted
    places = ndimage.find_objects(parts)
    for part in np.unique(parts[near]).tolist():
        rect = _rect_of(places[part - 1])
        if _is_cut(rect, labels.shape, cut):
            continue  # it goes on beyond the tile; another tile holds it, or it is no rim
        box = _wider(rect, 1, labels.shape).slices
        inside = parts[box] == part
        touched = np.unique(objects[box][ndimage.binary_dilation(inside, _TOUCHING)])
        largest = int(sizes[touched[touched > 0]].max())
        thickness = float(ndimage.distance_transform_edt(np.pad(inside, 1)).max())
        size = int(inside.sum())
        if size < CRUMB_PIXELS or (thickness <= RIM_REACH and size < RIM_SHARE * largest):
            labels[box][inside] = BACKGROUND


def _is_cut(rect: Rect, shape: tuple[int, ...], cut: _Sides) -> bool:
    ends = rect.row0 == 0, rect.col0 == 0, rect.row1 == shape[0], rect.col1 == shape[1]
    return any(is_at_end and goes_on for is_at_end, goes_on in zip(ends, cut, strict=True))
