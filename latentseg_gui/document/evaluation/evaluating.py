"""How a prediction agrees with what is labelled, and where it does not: figures, regions, and a view of the errors.

Only labels that a person made count: what was taken over from a prediction agrees with it by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.layers import Arrays
from latentseg_gui.document.masks.lookup import looked_up
from latentseg_gui.document.types import UNLABELLED, Labels, Mask, Provenance, Rect
from model.analysis.cells import area_of
from model.analysis.metrics import confusion_matrix

_TILES: Final = 24
_LEAST_TILE: Final = 16


class LabelledPixels(StrEnum):
    """Which of the labelled pixels are measured."""

    HELD_OUT = "held-out"
    """Those that the weights have not learned from."""
    TRAINED_ON = "trained-on"
    """Those in parts of images that the weights have learned from."""
    ALL = "all"


class ErrorKind:
    """What is wrong with a pixel, as `error_codes` says it."""

    NONE: Final = 0
    MISSED: Final = 1
    """It has the class, and the prediction does not say so."""
    TAKEN: Final = 2
    """The prediction says the class, and the label another."""
    CONFUSED: Final = 3
    """Label and prediction are two classes, neither of them background."""


@dataclass(frozen=True, slots=True)
class ErrorRegion:
    """Where many pixels lie together that are labelled as one class and predicted as another.

    Attributes:
        rect: round them.
        pixels: how many of the image are so, there and elsewhere.
    """

    image_id: str
    rect: Rect
    pixels: int


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How a prediction and labels agree on some pixels.

    Attributes:
        confusion: pixels by class number, labelled in rows and predicted in columns, int64 [C, C].
        regions: for every pair of numbers (labelled, predicted) that differ and occur, where.
    """

    confusion: NDArray[np.int64]
    regions: Mapping[tuple[int, int], ErrorRegion]

    @property
    def pixels(self) -> int:
        """How many were measured."""
        return int(self.confusion.sum())

    @property
    def wrong(self) -> int:
        """How many of them have another class in the prediction."""
        return self.pixels - int(np.trace(self.confusion))


@dataclass(frozen=True, slots=True, eq=False)
class ImageEvaluation:
    """How the prediction of an image agrees with its labels.

    Attributes:
        version: of the weights that predicted.
        ids: class ids by number.
        held_out: on the pixels that these weights have not learned from.
        trained_on: on the others.
    """

    image_id: str
    version: str
    ids: tuple[int, ...]
    held_out: Agreement
    trained_on: Agreement

    def on(self, pixels: LabelledPixels) -> Agreement:
        """The agreement on some of the labelled pixels."""
        if pixels is LabelledPixels.HELD_OUT:
            return self.held_out
        return (
            self.trained_on
            if pixels is LabelledPixels.TRAINED_ON
            else _joined([self.held_out, self.trained_on])
        )


def evaluated(
    image_id: str, version: str, arrays: Arrays, said: Labels, seen: int, classes: ClassTable
) -> ImageEvaluation:
    """Compare a prediction with the labels that a person made; for any thread.

    Args:
        image_id: of the image.
        version: of the weights.
        arrays: labels, provenance and objects of its mask.
        said: most likely class of every pixel, class ids uint8 [H, W].
        seen: the cells (`model.analysis.cells`) that the weights have learned from.
        classes: of the document.
    """
    numbers = np.where(classes.number_table == UNLABELLED, np.uint8(0), classes.number_table)
    predicted = looked_up(numbers, said)
    truth = looked_up(classes.number_table, by_hand(arrays))
    is_seen = area_of(seen, (truth.shape[0], truth.shape[1]))
    parts = [
        _agreement(image_id, np.where(is_seen == side, truth, np.uint8(UNLABELLED)), predicted, len(classes))
        for side in (False, True)
    ]
    return ImageEvaluation(image_id, version, classes.ids, *parts)


def by_hand(arrays: Arrays) -> Labels:
    """The labels that a person made, class ids uint8 [H, W]; `UNLABELLED` elsewhere."""
    labels, provenance, _ = arrays
    return np.where(provenance == Provenance.PREDICTED, np.uint8(UNLABELLED), labels)


def total(evaluations: Iterable[ImageEvaluation], pixels: LabelledPixels, num_classes: int) -> Agreement:
    """All images together: pixels are added up; of the regions that with the most pixels stays."""
    return _joined([each.on(pixels) for each in evaluations], num_classes)


def error_codes(labels: Labels, said: Labels, where: Mask, class_id: int | None, background: int) -> Labels:
    """What is wrong with each pixel, `ErrorKind` uint8 [H, W].

    Args:
        labels: that a person made, class ids uint8 [H, W].
        said: most likely class of every pixel, class ids uint8 [H, W].
        where: which pixels count, bool [H, W].
        class_id: the class that errors are about; None for all but the background.
        background: id of the background.
    """
    codes = np.zeros(labels.shape, np.uint8)
    is_wrong = (labels != UNLABELLED) & (labels != said) & where
    if class_id is not None:
        codes[is_wrong & (labels == class_id)] = ErrorKind.MISSED
        codes[is_wrong & (said == class_id)] = ErrorKind.TAKEN
        return codes
    codes[is_wrong] = ErrorKind.CONFUSED
    codes[is_wrong & (said == background)] = ErrorKind.MISSED
    codes[is_wrong & (labels == background)] = ErrorKind.TAKEN
    return codes


def _joined(parts: list[Agreement], num_classes: int = 0) -> Agreement:
    confusion = sum(
        (each.confusion for each in parts), np.zeros_like(parts[0].confusion) if parts else _none(num_classes)
    )
    regions: dict[tuple[int, int], ErrorRegion] = {}
    for part in parts:
        for pair, region in part.regions.items():
            if pair not in regions or region.pixels > regions[pair].pixels:
                regions[pair] = region
    return Agreement(confusion, regions)


def _none(num_classes: int) -> NDArray[np.int64]:
    return np.zeros((num_classes, num_classes), np.int64)


def _agreement(image_id: str, truth: Labels, predicted: Labels, num_classes: int) -> Agreement:
    """Compare class numbers, uint8 [H, W] each."""
    confusion = _none(num_classes)
    for rows in _bands(truth.shape[0]):  # numpy makes many bytes of every label that it counts
        confusion += confusion_matrix(truth[rows], predicted[rows], num_classes)
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    pairs = [(int(row), int(col)) for row, col in np.argwhere(wrong)]
    regions = {
        pair: ErrorRegion(image_id, rect, int(wrong[pair]))
        for pair, rect in zip(pairs, _spots(truth, predicted, pairs, num_classes), strict=True)
    }
    return Agreement(confusion, regions)


def _bands(rows: int) -> list[slice]:
    return [slice(start, start + 256) for start in range(0, rows, 256)]


def _spots(truth: Labels, predicted: Labels, pairs: list[tuple[int, int]], num_classes: int) -> list[Rect]:
    """Per pair of numbers where most of its pixels lie together."""
    if not pairs:
        return []
    shape = int(truth.shape[0]), int(truth.shape[1])
    side = max(_LEAST_TILE, -(-max(shape) // _TILES))
    number_of = np.full(num_classes * num_classes, -1, np.int64)
    number_of[[row * num_classes + col for row, col in pairs]] = np.arange(len(pairs))
    most = np.zeros(len(pairs), np.int64)
    tiles = [Rect.whole(shape)] * len(pairs)
    for tile in Rect.whole(shape).tiles(shape, side):
        here, there = truth[tile.slices], predicted[tile.slices]
        is_wrong = (here != UNLABELLED) & (here != there)
        if is_wrong.any():
            codes = here[is_wrong].astype(np.int64) * num_classes + there[is_wrong]
            counts = np.bincount(number_of[codes], minlength=len(pairs))
            for index in np.flatnonzero(counts > most):
                most[index], tiles[index] = counts[index], tile
    return [
        _spot(truth, predicted, pair, _around(tile, side, shape))
        for pair, tile in zip(pairs, tiles, strict=True)
    ]


def _around(tile: Rect, side: int, shape: tuple[int, int]) -> Rect:
    return Rect(tile.row0 - side, tile.col0 - side, tile.row1 + side, tile.col1 + side).clipped(shape)


def _spot(truth: Labels, predicted: Labels, pair: tuple[int, int], window: Rect) -> Rect:
    """The bounding box of the largest connected area of a pair of numbers inside a window."""
    where = (truth[window.slices] == pair[0]) & (predicted[window.slices] == pair[1])
    areas, _ = label(where)
    largest = int(np.bincount(areas[where]).argmax())
    rows, cols = find_objects(areas)[largest - 1]
    return Rect(
        window.row0 + rows.start, window.col0 + cols.start, window.row0 + rows.stop, window.col0 + cols.stop
    )
