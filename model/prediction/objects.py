"""Objects of a predicted image: numbers that agree with its classes, in tiles without doubles.

Classes of pixels may come from several views, tiles that were blended, and refined edges; which pixels belong
together comes from what the network found in the plain picture. `numbers_by_class` brings both together.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed

from model.prediction.outputs import ClassPrediction, EncodedImage
from model.prediction.runner import Runner
from model.prediction.tiles import Tile, overlap_of, plan, tile_side

Numbers = NDArray[np.uint32]

SAME_OBJECT: Final = 0.5
"""Two objects of neighbouring tiles are one where they share this much of the smaller one, within both tiles."""

_EIGHT: Final = np.ones((3, 3), bool)


def with_instances(
    answer: ClassPrediction, image: EncodedImage, runner: Runner, max_pixels: int
) -> ClassPrediction:
    """``answer`` with the objects of the image, where the network finds some by itself; else as it is."""
    if not runner.things:
        return answer
    numbers = instances_of(image, runner, answer.labels, max_pixels)
    labels = without_specks(answer.labels, numbers, runner.smallest)
    return replace(answer, labels=labels, instances=numbers)


def instances_of(image: EncodedImage, runner: Runner, labels: NDArray[np.uint8], max_pixels: int) -> Numbers:
    """The objects of an image, as its classes have them.

    Args:
        image: as encoded.
        runner: of the same weights; its network finds objects.
        labels: predicted classes, uint8 [H, W].
        max_pixels: that may be encoded at once.

    Returns:
        Numbers uint32 [H, W]: from 1 for pixels of classes that are told apart, 0 elsewhere.
    """
    things = runner.things
    if not image.is_reduced:
        numbers, classes = runner.numbers(image.encoding)
        return numbers_by_class(labels, numbers.astype(np.uint32), classes, things)
    side = tile_side(max_pixels, int(runner.config.num_classes))
    return runner.within_memory(side, lambda most: _in_tiles(image, runner, labels, things, most))


def _in_tiles(
    image: EncodedImage, runner: Runner, labels: NDArray[np.uint8], things: frozenset[int], side: int
) -> Numbers:
    overlap = overlap_of(side, int(runner.config.num_classes), image.shape[1])
    joined = JoinedTiles(image.shape)
    for tile in (tile for row in plan(image.shape, side, overlap) for tile in row):
        part = image.pixels[slice(*tile.rows), slice(*tile.cols)]
        numbers, classes = runner.numbers(runner.encode(part, for_clicks=True))
        joined.add(tile, numbers, classes)
    return numbers_by_class(labels, joined.numbers, joined.classes, things)


class JoinedTiles:
    """Objects of overlapping tiles as those of one picture; what two tiles found is there once.

    Args:
        shape: (rows, columns) of the picture.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._numbers: Numbers = np.zeros(shape, np.uint32)
        self._seen = np.zeros(shape, bool)
        self._classes, self._is_cut = [0], [False]
        self._owner = [0]  # of each number the one that it turned out to be a part of

    @property
    def numbers(self) -> Numbers:
        """uint32 [H, W], 0 for none."""
        return np.array(self._owner, np.uint32)[self._numbers]

    @property
    def classes(self) -> NDArray[np.int64]:
        """Class of each number, from number 0 on."""
        return np.array(self._classes, np.int64)

    def add(self, tile: Tile, numbers: NDArray[np.int32], classes: NDArray[np.int64]) -> None:
        """Take in what was found in a tile.

        Args:
            tile: where it lies.
            numbers: int32 [h, w] of the tile, from 1.
            classes: of each number, from number 0 on.
        """
        place = slice(*tile.rows), slice(*tile.cols)
        seen = self._seen[place]
        there = np.array(self._owner, np.uint32)[self._numbers[place]]
        same, cut = self._same(numbers, there, seen, classes), _cut_by(tile, numbers)
        final = np.zeros(len(classes), np.uint32)
        for number in np.unique(numbers[numbers > 0]).tolist():
            final[number] = same.get(number) or self._new(int(classes[number]), is_cut=number in cut)
        np.copyto(self._numbers[place], final[numbers], where=(there == 0) & (numbers > 0))
        seen[:] = True

    def _new(self, class_id: int, *, is_cut: bool) -> int:
        """A number for an object that was not there."""
        self._classes.append(class_id)
        self._is_cut.append(is_cut)
        self._owner.append(len(self._owner))
        return len(self._owner) - 1

    def _same(
        self,
        numbers: NDArray[np.int32],
        there: Numbers,
        seen: NDArray[np.bool_],
        classes: NDArray[np.int64],
    ) -> dict[int, int]:
        """Which of the new objects are which of those that are there: number -> number.

        Where one is several that are there, those that a tile had cut off become parts of the largest.
        """
        both = seen & (numbers > 0) & (there > 0)
        pairs, counts = np.unique(np.stack((numbers[both], there[both])), axis=1, return_counts=True)
        new_sizes = dict(zip(*np.unique(numbers[seen], return_counts=True), strict=True))
        old_sizes = dict(zip(*np.unique(there, return_counts=True), strict=True))
        found: dict[int, int] = {}
        for index in np.argsort(-counts, kind="stable").tolist():
            new, old = int(pairs[0, index]), int(pairs[1, index])
            least = min(new_sizes[new], old_sizes[old])
            if counts[index] < SAME_OBJECT * least or classes[new] != self._classes[old]:
                continue
            if new not in found:
                found[new] = old
            elif self._is_cut[old] and self._root(old) != self._root(found[new]):
                whole = self._root(found[new])
                self._owner = [whole if root == old else root for root in self._owner]
        return {new: self._root(old) for new, old in found.items()}

    def _root(self, number: int) -> int:
        return self._owner[number]


def _cut_by(tile: Tile, numbers: NDArray[np.int32]) -> set[int]:
    """Objects of a tile that its borders cut, where the picture goes on."""
    sides = (
        (tile.row_seams[0], numbers[0]),
        (tile.row_seams[1], numbers[-1]),
        (tile.col_seams[0], numbers[:, 0]),
        (tile.col_seams[1], numbers[:, -1]),
    )
    return {number for seam, side in sides if seam for number in np.unique(side).tolist()} - {0}


def with_areas(labels: NDArray[np.uint8], instances: Numbers | None, things: frozenset[int]) -> Numbers:
    """Objects of a mask: those that are numbered, and connected areas of ``things`` that have no number.

    Args:
        labels: class ids, uint8 [H, W].
        instances: uint32 [H, W], 0 for none; None where nothing is numbered.
        things: classes of which areas are objects.

    Returns:
        Numbers uint32 [H, W] from 1; 0 elsewhere.
    """
    numbers = np.zeros(labels.shape, np.int64) if instances is None else instances.astype(np.int64)
    last = int(numbers.max(initial=0))
    for thing in np.intersect1d(labels, list(things)).tolist():
        parts, count = ndimage.label((labels == thing) & (numbers == 0), _EIGHT)
        numbers += np.where(parts > 0, parts.astype(np.int64) + last, 0)
        last += count
    return _without_gaps(numbers)


def numbers_by_class(
    labels: NDArray[np.uint8], numbers: Numbers, classes: NDArray[np.int64], things: frozenset[int]
) -> Numbers:
    """Numbers that agree with the classes of pixels.

    A pixel whose class is not that of its object leaves it. Pixels of a class that is told apart and without an
    object join the one that they are connected with; where there is none, a connected area is an object.

    Args:
        labels: class ids, uint8 [H, W].
        numbers: uint32 [H, W], 0 for none.
        classes: of each number, from number 0 on.
        things: classes that are told apart.

    Returns:
        Numbers uint32 [H, W] from 1 without gaps, in reading order.
    """
    own = np.where(classes[numbers] == labels, numbers, np.uint32(0))
    next_number = len(classes)
    for thing in sorted(things):
        missing = (labels == thing) & (own == 0)
        if missing.any():
            next_number = _joined(own, missing, labels == thing, next_number)
    return _without_gaps(own)


def without_specks(labels: NDArray[np.uint8], numbers: Numbers, smallest: int) -> NDArray[np.uint8]:
    """The classes where what is smaller than an object can be is part of what lies round it.

    Args:
        labels: class ids, uint8 [H, W].
        numbers: of the objects, uint32 [H, W], without gaps; changed in place in the same way.
        smallest: pixels of the smallest object.

    Returns:
        uint8 [H, W]; ``labels`` itself where there is nothing to do.
    """
    sizes = np.bincount(numbers.ravel())
    small = np.flatnonzero((sizes > 0) & (sizes < smallest))
    small = small[small > 0]
    if small.size == 0:
        return labels
    labels, is_small = labels.copy(), np.isin(numbers, small)
    parts, _ = ndimage.label(is_small, _EIGHT)
    for index, place in enumerate(ndimage.find_objects(parts), start=1):
        wider = tuple(slice(max(0, part.start - 1), part.stop + 1) for part in place)
        inside = parts[wider] == index
        known = ~is_small[wider]
        if not known.any():
            continue
        rows, cols = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
        for plane in (labels[wider], numbers[wider]):
            plane[inside] = plane[rows, cols][inside]
    numbers[:] = _without_gaps(numbers)
    return labels


def _joined(own: Numbers, missing: NDArray[np.bool_], area: NDArray[np.bool_], next_number: int) -> int:
    """Number the pixels that are missing, in place; the next number that is free afterwards."""
    parts, _ = ndimage.label(missing, _EIGHT)
    for index, place in enumerate(ndimage.find_objects(parts), start=1):
        wider = tuple(slice(max(0, part.start - 1), part.stop + 1) for part in place)
        inside = parts[wider] == index
        near = ndimage.binary_dilation(inside, _EIGHT) & area[wider]
        markers = np.where(near & ~inside, own[wider], np.uint32(0)).astype(np.int64)
        if not markers.any():
            own[wider][inside] = next_number
            next_number += 1
            continue
        grown = watershed(np.zeros(inside.shape, np.uint8), markers, connectivity=_EIGHT, mask=near)
        own[wider][inside] = grown[inside]
    return next_number


def _without_gaps(numbers: Numbers | NDArray[np.int64]) -> Numbers:
    """The same objects, numbered from 1 in reading order."""
    known, first, index = np.unique(numbers, return_index=True, return_inverse=True)
    order = np.argsort(np.where(known == 0, -1, first), kind="stable")  # 0 stays first
    new = np.zeros(len(known), np.uint32)
    new[order] = np.arange(len(known), dtype=np.uint32) + (0 if 0 in known else 1)
    return np.asarray(new[index].reshape(numbers.shape))
