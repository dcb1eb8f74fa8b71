"""From annotations to the mask: small objects over large ones, and no label where something could not be drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Mask, Rect
from latentseg_gui.document.wording import FEW, in_quotes, listed
from latentseg_gui.io.masks.annotations import Annotation, Box, LeftOut, box_around
from latentseg_gui.io.masks.naming import KnownClasses
from latentseg_gui.io.masks.spans import RingGroup, fill, ring_extents, spans_of
from latentseg_gui.io.masks.values import ImportContext, ImportedMask, MaskError, Tally

_LARGEST = 2**32 - 1


class Drawing:
    """A mask that is put together from the annotations of a file.

    Args:
        context: what is known of the image.
        names: the classes, as far as they are known.
    """

    def __init__(self, context: ImportContext, names: KnownClasses | None = None) -> None:
        self.context = context
        self.names = names or KnownClasses(context)
        self.notes: list[str] = []
        self._ids: list[int] = []
        self._drawn: list[Annotation] = []
        self._left: list[LeftOut] = []

    def take(self, annotations: Sequence[Annotation], left: Sequence[LeftOut]) -> None:
        """Add what a file says; an annotation whose class cannot be is left out."""
        self._left += left
        for each in annotations:
            try:
                self._ids.append(self._class_of(each))
                self._drawn.append(each)
            except LatentsegError as error:
                self._left.append(LeftOut(each.place, None, error.what.rstrip("."), _box_around(each)))

    def _class_of(self, annotation: Annotation) -> int:
        if annotation.name is not None:
            return self.names.class_id(annotation.name)
        if annotation.class_number is not None:
            return self.names.numbered(annotation.class_number)
        return self.names.default_id()

    def finish(self, unlabelled: Mask | None = None) -> ImportedMask:
        """The mask.

        Args:
            unlabelled: where the file says that nothing is labelled; None where it does not say.

        Raises:
            MaskError: if not a single annotation could be drawn, and where they lie is not known.
        """
        top, pixels = self._painted()
        counts = np.bincount(top.reshape(-1), minlength=len(self._drawn) + 1)
        ids = np.array([UNLABELLED, *self._ids], np.uint8)
        labels = ids[top]
        numbers = self._numbers()
        instances = numbers[top]
        self._refuse_nothing(pixels)
        self._outside(labels, top == 0, unlabelled, pixels[1:])
        self._say(pixels, counts)
        if self._left and not (labels != UNLABELLED).any():
            raise MaskError(
                f"None of the {len(self._left) + len(self._drawn)} objects of the file could be read: "
                f"{_named(self._left)}.",
                action="Export them once more as polygons or masks, for example as COCO.",
            )
        taken = int(np.count_nonzero((counts[1:] > 0) & (ids[1:] != UNLABELLED)))
        total = sum(each != UNLABELLED for each in self._ids) + len(self._left)
        found = instances if instances.any() else None
        return ImportedMask(labels, self.names.classes, found, None, tuple(self.notes), Tally(taken, total))

    def _refuse_nothing(self, pixels: NDArray[np.int64]) -> None:
        """Raise MaskError where no object covers a pixel: the file is for something else than this image."""
        if self._drawn and not self._left and not pixels[1:].any():
            raise MaskError(
                f"None of the {len(self._drawn)} objects of the file covers a pixel of the image.",
                action="Check that its corners are counted in pixels of this image.",
            )

    def _painted(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Which annotation (from 1) is on top at every pixel, and how many pixels each has."""
        top = np.zeros(self.context.shape, np.int32)
        pixels = np.zeros(len(self._drawn) + 1, np.int64)
        pieces = [piece for annotation in self._drawn for piece in annotation.pieces]
        owners = np.repeat(np.arange(len(self._drawn)), [len(each.pieces) for each in self._drawn])
        area, rows = ring_extents(pieces)
        sizes = np.array([each.size for each in self._drawn], np.float64)
        sizes += np.bincount(owners, area, minlength=len(sizes))
        order = np.argsort(-sizes, kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        ranks = rank[owners]
        in_order = np.argsort(ranks, kind="stable")
        ranks = ranks[in_order]
        first = 0
        for index in [*(each for each in order.tolist() if self._drawn[each].area is not None), -1]:
            # Polygons that are larger than the next picture come before it.
            limit = len(order) if index < 0 else rank[index]
            last = int(np.searchsorted(ranks, limit))
            chosen = in_order[first:last]
            self._fill(top, pixels, [pieces[each] for each in chosen.tolist()], owners[chosen], rows[chosen])
            first = last
            if index >= 0:
                self._lay(top, pixels, index)
        return top, pixels

    def _fill(
        self,
        top: NDArray[np.int32],
        pixels: NDArray[np.int64],
        pieces: Sequence[RingGroup],
        owners: NDArray[np.int64],
        rows: NDArray[np.int64],
    ) -> None:
        value_of = (owners + 1).astype(np.int32)
        for spans in spans_of(pieces, self.context.shape, rows) if pieces else ():
            fill(top, spans, value_of)
            owner, lengths = value_of[spans.piece], spans.stop - spans.start
            pixels += np.bincount(owner, lengths, minlength=len(pixels)).astype(np.int64)

    def _lay(self, top: NDArray[np.int32], pixels: NDArray[np.int64], index: int) -> None:
        """Lay the picture of an annotation over what is there."""
        make = self._drawn[index].area
        rect, mask = make() if make is not None else (Rect(0, 0, 0, 0), np.zeros((0, 0), np.bool_))
        np.copyto(top[rect.slices], np.int32(index + 1), where=mask)
        pixels[index + 1] += int(np.count_nonzero(mask))

    def _numbers(self) -> NDArray[np.uint32]:
        """The number of the object, by annotation, from 1; 0 for none."""
        numbers = np.zeros(len(self._drawn) + 1, np.uint32)
        highest = 0
        for index, annotation in enumerate(self._drawn, 1):
            number = highest + 1 if annotation.number is None else annotation.number
            highest = max(highest, number)
            if self._ids[index - 1] not in (BACKGROUND, UNLABELLED) and number <= _LARGEST:
                numbers[index] = number
        return numbers

    def _outside(
        self, labels: NDArray[np.uint8], free: Mask, unlabelled: Mask | None, pixels: NDArray[np.int64]
    ) -> None:
        """Pixels that no annotation covers: background, unless something may lie there that was not drawn."""
        is_open = any(each.box is None for each in self._left)
        if unlabelled is not None:
            free &= ~unlabelled
        elif self.context.outside == UNLABELLED:
            return
        too_small = [each for each, count in zip(self._drawn, pixels.tolist(), strict=True) if not count]
        for box in [*(each.box for each in self._left), *map(_box_around, too_small)]:
            if box is not None:
                free[_slices(box, self.context.shape)] = False
        if not is_open:
            labels[free] = BACKGROUND
            if unlabelled is None and free.any() and not self.context.is_outside_chosen:
                self.notes.append("Pixels outside all objects are taken as background.")

    def _say(self, pixels: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        overlap = int(pixels.sum() - counts[1:].sum())
        if overlap > 0:
            self.notes.append(f"Objects overlap in {overlap} pixels; the smaller one was taken there.")
        outside = [each.place for each, count in zip(self._drawn, pixels[1:], strict=True) if not count]
        if outside:
            self.notes.append(f"No pixel of the image lies in {listed(outside)}.")
        covered = [
            each.place
            for each, count, rest in zip(self._drawn, pixels[1:], counts[1:], strict=True)
            if count and not rest
        ]
        if covered:
            self.notes.append(f"Wholly covered by other objects, and lost: {listed(covered)}.")
        if self.names.ignored:
            names = in_quotes(sorted(self.names.ignored))
            self.notes.append(f"Areas named {listed(names)} are unlabelled.")
        self._say_left()

    def _say_left(self) -> None:
        if not self._left:
            return
        where = "their place is unlabelled"
        if any(each.box is None for each in self._left):
            where = "because it is not known where they lie, pixels outside the other objects are unlabelled"
        self.notes.append(
            f"{len(self._left)} of {len(self._left) + len(self._drawn)} objects were left out, {where}: "
            f"{_named(self._left)}."
        )


def _box_around(annotation: Annotation) -> Box | None:
    """Where an annotation of polygons lies."""
    rings = [ring for piece in annotation.pieces for ring in piece.rings if len(ring)]
    return box_around(np.concatenate(rings)) if rings else None


def _named(left: Sequence[LeftOut]) -> str:
    """The annotations that were left out, by number and reason; only the first of many."""
    texts = [f"{each.place}{f' (“{each.name}”)' if each.name else ''}: {each.reason}" for each in left[:FEW]]
    return "; ".join(texts) + (f"; and {len(left) - FEW} more" if len(left) > FEW else "")


def _slices(box: Box, shape: tuple[int, int]) -> tuple[slice, slice]:
    """The pixels that a box touches."""
    left, right = sorted((box[0], box[2]))
    upper, lower = sorted((box[1], box[3]))
    rows, cols = shape
    row0, row1 = int(np.clip(np.floor(upper), 0, rows)), int(np.clip(np.ceil(lower), 0, rows))
    col0, col1 = int(np.clip(np.floor(left), 0, cols)), int(np.clip(np.ceil(right), 0, cols))
    return slice(row0, row1), slice(col0, col1)
