"""What pictures of masks mean, decided from the values of all masks of an import together.

The same grey means different things: 255 is the object where nothing but 0 and 255 is about, and "no label" where
classes are numbered. One picture that is unlike the others never changes how the others are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentseg_gui.io.masks.pictures import RasterMask, Values
from latentseg_gui.io.masks.values import Numbers, Reading, counts_of

_MOST: Final = 32
_SHARE: Final = 0.005
_APART: Final = 60.0
_NEAR: Final = 30.0
_MOSTLY_NEAR: Final = 0.8


def sharpened(
    indices: NDArray[np.unsignedinteger[Any]], colours: NDArray[np.uint8], known: NDArray[np.uint8]
) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.uint8]] | None:
    """The same picture of few colours: each pixel has the nearest of those that were painted.

    Args:
        indices: into ``colours``, unsigned [H, W].
        colours: (red, green, blue) of 0..255, uint8 [n, 3].
        known: colours that are likely, uint8 [k, 3]: one that is near is the one that was painted.

    Returns:
        Indices [H, W], and their colours, uint8 [m, 3]; None where nothing says which were
        painted, as in a photograph.
    """
    counts = np.bincount(indices.reshape(-1), minlength=len(colours))
    points = colours.astype(np.float64)
    centres: list[int] = []
    for index in np.argsort(-counts, kind="stable").tolist():
        if counts[index] < _SHARE * indices.size or len(centres) > _MOST:
            break
        if all(np.linalg.norm(points[index] - points[each]) > _APART for each in centres):
            centres.append(index)
    if not 1 < len(centres) <= _MOST:
        return None
    distances = np.linalg.norm(points[:, None] - points[None, centres], axis=2)  # [n, centres]
    if counts[distances.min(axis=1) <= _NEAR].sum() < _MOSTLY_NEAR * indices.size:
        return None
    nearest = distances.argmin(axis=1).astype(np.uint8)
    return nearest[indices], np.array([_likely(colours[each], known) for each in centres], np.uint8)


def _likely(colour: NDArray[np.uint8], known: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The known colour that is meant, or the colour itself."""
    distances = np.linalg.norm(known.astype(np.float64) - colour, axis=1)  # [k]
    return known[distances.argmin()] if len(known) and distances.min() <= _NEAR else colour


WHITES: Final = (255, 65535, 2**32 - 1)
_LARGEST_CLASS: Final = 254
_SMALL: Final = 32
"""Class numbers are rarely above this; greys that were chosen to be seen are."""

_MANY: Final = 8
"""More objects than this in one mask are hardly classes of which each has one area."""

_FEW: Final = 3
_BYTE: Final = 255
_MOSTLY: Final = 0.9
_PIXELS: Final = 1 << 25
_DENSE: Final = 1 << 25


@dataclass(frozen=True, slots=True)
class MaskTraits:
    """What one mask is made of.

    Attributes:
        is_grey: whether it is plain numbers: no colours, no names, no palette.
        values: the numbers that occur, without 0; at most the first thousands.
        depth: see `RasterMask`.
        is_soft: whether it is black and white with soft edges.
        is_trimap: whether there is one grey besides black and white: "not known".
        is_picture: whether it is a photograph or the like.
        has_zero: whether 0 occurs: a picture of nothing but white tells nothing.
        is_apart: whether every number is one connected area and they count from 1; None where not looked for.
    """

    is_grey: bool
    values: tuple[int, ...] = ()
    depth: int = 1
    is_soft: bool = False
    is_trimap: bool = False
    is_picture: bool = False
    has_zero: bool = True
    is_apart: bool | None = None

    @property
    def white(self) -> int:
        """The only value besides 0, if there is just one; else 0."""
        return self.values[0] if len(self.values) == 1 else 0

    @property
    def small(self) -> tuple[int, ...]:
        """The values that are not white."""
        return tuple(value for value in self.values if value not in WHITES)

    @property
    def is_white(self) -> bool:
        """Whether it speaks for black and white."""
        is_two = self.white in WHITES and self.has_zero
        return self.is_grey and (is_two or self.is_soft or self.is_trimap)

    @property
    def is_numbered(self) -> bool:
        """Whether it speaks for numbers of classes or objects."""
        is_odd = self.is_soft or self.is_trimap or self.is_picture
        if not self.is_grey or is_odd or not self.small:
            return False
        return len(self.values) > 1 or self.values[0] > 1


_LIMIT: Final = 1 << 12


def look_of(picture: RasterMask) -> MaskTraits:
    """Look at the values of a mask."""
    if picture.colours is not None or picture.about or picture.depth == 0:
        return MaskTraits(is_grey=False, depth=picture.depth)
    values = picture.values
    counted = _counted(values if picture.clear is None else values[~picture.clear])
    found = tuple(sorted(value for value in counted if value))
    if picture.is_indexed:
        return MaskTraits(is_grey=False, values=found[:_LIMIT], depth=picture.depth)
    full = next((white for white in WHITES if found and found[-1] <= white), 255)
    total = sum(counted.values())
    is_loose = any(_SMALL * full // 255 < value < full for value in found)
    is_soft = is_trimap = is_picture = False
    if is_loose and found[-1] >= full // 2 and picture.depth <= 2:
        flat = _flat_share(values, full)
        is_trimap = flat > 0.35 and len(found) == 2 and found[1] == full and abs(found[0] / full - 0.5) < 0.03
        ends = sum(count for value, count in counted.items() if _is_end(value, full))
        black = sum(count for value, count in counted.items() if value <= full // 16)
        is_soft = flat < 0.35 and ends >= total / 2 and ends - black >= (total - black) / 4
        is_picture = flat < 0.35 and not is_soft and len(found) > _SMALL
    if not is_trimap and _is_noise(counted, full, is_lossy=picture.is_lossy):
        is_soft, is_picture = True, False
    is_plain = not (is_soft or is_trimap or is_picture)
    is_apart = _is_apart(values, found) if is_plain else None
    return MaskTraits(
        True, found[:_LIMIT], picture.depth, is_soft, is_trimap, is_picture, 0 in counted, is_apart
    )


def _is_end(value: int, full: int) -> bool:
    """Whether a grey is all but black or white."""
    return value <= full // 16 or value >= full - full // 16


def _is_noise(counted: dict[int, int], full: int, *, is_lossy: bool) -> bool:
    """Whether nearly all is all but black or white, in several whites: so lossy formats write two greys."""
    if full != _BYTE:
        return False
    whites = {value for value in counted if value >= full - full // 16}
    blacks = {value for value in counted if value <= full // 16}
    ends = sum(counted[value] for value in whites | blacks)
    is_blurred = len(whites - {full}) > 1 or (is_lossy and len(whites | blacks) > 2)
    return bool(whites and blacks) and is_blurred and ends >= _MOSTLY * sum(counted.values())


def _counted(values: Values) -> dict[int, int]:
    """How often each value occurs."""
    if values.dtype == np.uint8:
        counts = counts_of(values)
    elif int(values.max(initial=0)) < _DENSE:
        counts = np.bincount(values.reshape(-1).astype(np.int32, copy=False))
    else:
        distinct, numbers = np.unique(values, return_counts=True)
        return dict(zip(distinct.tolist(), numbers.tolist(), strict=True))
    known = np.flatnonzero(counts)
    return dict(zip(known.tolist(), counts[known].tolist(), strict=True))


def _flat_share(values: Values, full: int) -> float:
    """How many of the greys between black and white have the same grey to the right and below."""
    here = values[:-1, :-1]
    grey = (here > 0) & (here < full)
    count = int(np.count_nonzero(grey))
    if not count:
        return 1.0
    flat = grey & (here == values[:-1, 1:]) & (here == values[1:, :-1])
    return int(np.count_nonzero(flat)) / count


def _is_apart(values: Values, found: tuple[int, ...]) -> bool | None:
    """Whether the numbers count from 1 and each has one connected area; None where that takes too long."""
    if not found or len(found) > _LARGEST_CLASS or found[-1] > 4 * _LARGEST_CLASS:
        return None
    if found != tuple(range(1, len(found) + 1)):
        return False
    places = ndimage.find_objects(values.astype(np.int32))
    sizes = [(place[0].stop - place[0].start) * (place[1].stop - place[1].start) for place in places]
    if sum(sizes) > _PIXELS:
        return None
    whole: NDArray[Any] = np.ones((3, 3), np.int8)
    return all(
        ndimage.label(values[place] == number, whole)[1] == 1 for number, place in enumerate(places, 1)
    )


def decide(looks: Sequence[MaskTraits], told: Numbers | None = None) -> Reading:
    """What the masks of one import mean.

    Args:
        looks: of the masks, or of a fair sample.
        told: what the user says that small numbers are.
    """
    grey = [look for look in looks if look.is_grey and not look.is_picture]
    whites = sum(look.is_white for look in grey)
    numbered = [look for look in grey if look.is_numbered]
    found = {value for look in grey for value in look.values}
    lone = next(iter(found)) if len(found) == 1 else 0
    is_one_grey = lone > _SMALL and any(look.has_zero and look.values for look in grey)
    shades = {value for look in numbered for value in look.small}
    is_white_class = bool(shades) and min(shades) > _SMALL
    numbers, is_sure = _numbers(numbered, told)
    return Reading(is_one_grey or whites > len(numbered), is_white_class, lone, numbers, is_sure)


def _numbers(looks: Sequence[MaskTraits], told: Numbers | None) -> tuple[Numbers, bool]:
    """What the numbers are, and whether that is sure."""
    if told is not None:
        return told, True
    if not looks:
        return Numbers.CLASSES, True
    if any(look.small[-1] > _LARGEST_CLASS for look in looks):
        return Numbers.OBJECTS, True
    is_apart = all(look.is_apart for look in looks)
    counts = {len(look.values) for look in looks}
    is_deep = any(look.depth > 1 for look in looks)
    if is_apart and (max(counts) > _MANY or (is_deep and len(counts) > 1 and max(counts) > _FEW)):
        return Numbers.OBJECTS, False
    return Numbers.CLASSES, all(look.depth <= 1 for look in looks)
