"""Which labelled objects can teach clicks, and which of them are kept to measure with."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.errors import ModelError
from model.prediction.zoom_region import Bounds
from model.training.types import IGNORED, TAKEN_OVER, LabelledImage

BACKGROUND: Final = 0

FEWEST: Final = 4
"""With fewer objects there would be nothing to learn from or nothing to measure with."""

MOST: Final = 60
"""Of more objects these are drawn: time does not suffice to look at all of them."""

SMALLEST: Final = 16
"""Objects of fewer pixels say nothing about outlines."""

HELD_OUT: Final = 0.3
FEWEST_HELD_OUT, MOST_HELD_OUT = 2, 8

_PLACE: Final = 16
"""An object that is corrected by a few pixels stays on the side of learning or measuring that it was on."""


@dataclass(frozen=True, slots=True, eq=False)
class ClickExample:
    """An object that was accepted or corrected.

    Attributes:
        image: uint8 [H, W, 3], shared by the objects of an image.
        bounds: of the object.
        mask: bool, of the shape of the bounds.
    """

    image: NDArray[np.uint8]
    bounds: Bounds
    mask: NDArray[np.bool_]

    @property
    def truth(self) -> NDArray[np.bool_]:
        """The object in its image, bool [H, W]."""
        whole = np.zeros(self.image.shape[:2], bool)
        row0, col0, row1, col1 = self.bounds
        whole[row0:row1, col0:col1] = self.mask
        return whole

    @property
    def turn(self) -> int:
        """A number by which it is held out or not, the same in every run."""
        row0, col0, row1, col1 = self.bounds
        row, col = (row0 + row1) // (2 * _PLACE), (col0 + col1) // (2 * _PLACE)
        return zlib.crc32(f"{self.image.shape} {int(self.image[::7, ::7].sum())} {row} {col}".encode())


def examples_of(samples: Sequence[LabelledImage]) -> list[ClickExample]:
    """The objects of labelled images.

    Numbered objects count where most of their pixels were accepted or painted. In an image without numbers whose
    labels say nothing about where they come from, connected areas of a class are the objects. What was taken over
    from a prediction is what the network believes already and teaches nothing.

    Args:
        samples: labelled images, of any class.
    """
    found: list[ClickExample] = []
    for sample in samples:
        has_numbers = sample.objects is not None and bool((sample.objects > 0).any())
        if has_numbers or sample.origin is None:
            found += _objects(sample)
    return sorted(found, key=lambda each: each.turn)


def held_apart(examples: Sequence[ClickExample]) -> tuple[list[ClickExample], list[ClickExample]]:
    """Those to learn from, and those that are held out.

    Image and place decide, as far as numbers allow, so that after a few more objects the weights in use are not
    measured on what they have learned from.

    Of more than `MOST`, the others are left out.

    Raises:
        ModelError: there are too few.
    """
    if len(examples) < FEWEST:
        raise ModelError(
            f"Clicks cannot learn from {len(examples)} object{'s' * (len(examples) != 1)}.",
            action=f"Accept at least {FEWEST} objects; ten or more are better.",
        )
    ordered = sorted(examples, key=lambda each: each.turn)[:MOST]
    drawn = sum(each.turn < HELD_OUT * 2**32 for each in ordered)
    count = min(max(drawn, FEWEST_HELD_OUT), MOST_HELD_OUT, len(ordered) // 2)
    return ordered[count:], ordered[:count]


def by_image(examples: Sequence[ClickExample]) -> list[ClickExample]:
    """The examples of one image after the other, the image of the first one first."""
    first: dict[int, int] = {}
    for example in examples:
        first.setdefault(id(example.image), len(first))
    return sorted(examples, key=lambda each: first[id(each.image)])


def _objects(sample: LabelledImage) -> Iterator[ClickExample]:
    """Objects of one image."""
    numbers = _numbers(sample)
    for number, place in enumerate(ndimage.find_objects(numbers), start=1):
        if place is None:
            continue
        mask = numbers[place] == number
        pixels = int(np.count_nonzero(mask))
        if pixels < SMALLEST or pixels > 0.9 * numbers.size:
            continue
        if (
            sample.origin is not None
            and 2 * np.count_nonzero(sample.origin[place][mask] == TAKEN_OVER) > pixels
        ):
            continue
        rows, cols = place
        yield ClickExample(sample.image, (rows.start, cols.start, rows.stop, cols.stop), mask)


def _numbers(sample: LabelledImage) -> NDArray[np.int32]:
    """A number from 1 on for every object, int32 [H, W]; 0 elsewhere."""
    if sample.objects is not None and bool((sample.objects > 0).any()):
        known = np.where((sample.labels == IGNORED) | (sample.labels == BACKGROUND), 0, sample.objects)
        _, dense = np.unique(np.append(known.ravel(), 0), return_inverse=True)  # 0 stays 0
        return np.asarray(dense[:-1].reshape(known.shape), np.int32)  # [H, W]
    numbers = np.zeros(sample.labels.shape, np.int32)
    for label in np.setdiff1d(np.unique(sample.labels), (BACKGROUND, IGNORED)):
        parts, _ = ndimage.label(sample.labels == label)
        numbers = np.where(parts > 0, parts + numbers.max(), numbers).astype(np.int32)
    return numbers
