"""What nobody labelled becomes background; rims of what was painted are asked whether they belong to it.

A brush seldom ends where a thing does: over a crack of five pixels a stroke of six is painted, which lies a pixel or
two beside it here and there. Where all the rest is declared background, the border of the stroke is taught as that of
the thing, and thin things come out half as wide again on every other picture. So the outermost pixels of what was
painted are left open where they lie against the rest and look like it: nearer, in colour, to the background round there
than to the middle of the stroke, where the two can be told apart at all. Where few of them do, all stay as they were
painted, and objects that were accepted or imported end where they end.

Pixels beside a stroke that look like it stay background. Left open they are found to be the thing, with whatever lies
between.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.training.types import IGNORED, PAINTED, LabelledImage

BACKGROUND: Final = 0

MOST: Final = 3
"""Pixels of a rim, at most; a hand that paints something large goes along its border."""

SHARE: Final = 2 / 3
"""Of the way from the border to the middle, at most, so that something of a thin stroke remains."""

NEAR: Final = 5.0
"""Standard deviation, in pixels, of the neighbourhood that a pixel is compared with."""

CLEAR: Final = 2.0
"""How many deviations middle and background must lie apart round a pixel for its colour to tell anything."""

UNLIKE: Final = 0.35
"""Where a colour is taken to be that of the background, on the way from there (0) to that of the middle (1)."""

BELIEVED: Final = 0.2
"""Where no larger share of the rims of a class in a picture looks like background, all of them stay: edges are soft, so
that of exact masks up to so much did, and of strokes that are a pixel or two too wide more."""

_FAINTEST: Final = 1e-4
"""Variance of colours in 0..1 below which a surface is as good as plain: three grey levels of 256."""

_TILE: Final = 512
"""Side, in pixels, of what is looked at in one go: memory for all colours round all pixels of a large picture is not
there, and most of it lies far from any stroke."""

_MARGIN: Final = round(3 * NEAR) + 3 * MOST
"""Pixels round a tile on which something in it may depend: colours, and whether these are of a rim."""

Real = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
Window = tuple[slice, slice]


class Rims:
    """Open rims of pictures that are trained on again with every stroke: only what has changed is looked at anew."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[bytes, bytes]] = {}

    def of(self, sample: LabelledImage, is_painted: Mask) -> Mask:
        """As `open_rim`; remembered by the name of the sample, where it has one, in few bytes."""
        mark = _mark(sample.image, sample.labels, is_painted)
        known = self._known.get(sample.name)
        if not sample.name or known is None or known[0] != mark:
            found = np.packbits(open_rim(sample.image, sample.labels, is_painted))
            known = mark, zlib.compress(found.tobytes(), 1)
            self._known[sample.name] = known
        bits = np.unpackbits(np.frombuffer(zlib.decompress(known[1]), np.uint8), count=sample.labels.size)
        return bits.reshape(sample.labels.shape).astype(np.bool_)


def _mark(*arrays: NDArray[Any]) -> bytes:
    """Tells other pixels or labels from the same; an eighth of the time that a look at them takes, or less."""
    made = blake2b(digest_size=16)
    for each in arrays:
        made.update(repr(each.shape).encode())
        made.update(np.ascontiguousarray(each).view(np.uint8).data)
    return made.digest()


def with_rest_as_background(sample: LabelledImage, rims: Rims | None = None) -> LabelledImage:
    """A sample in which everything has a label but rims of what was painted that look like background (`open_rim`).

    Args:
        sample: its `LabelledImage.origin` says what was painted; without one, nothing is known to be.
        rims: remembers which are open; without, they are found anew.
    """
    rest = sample.labels == IGNORED
    labels = np.where(rest, np.uint8(BACKGROUND), sample.labels)
    if sample.origin is None:
        return replace(sample, labels=labels)
    is_open = (rims or Rims()).of(sample, sample.origin == PAINTED)
    labels[is_open] = IGNORED
    origin = np.where(rest, np.uint8(PAINTED), sample.origin)
    objects = None if sample.objects is None else np.where(is_open, np.int32(0), sample.objects)
    return replace(sample, labels=labels, origin=origin, objects=objects)


def open_rim(image: NDArray[np.uint8], labels: NDArray[np.uint8], is_painted: Mask) -> Mask:
    """Where the rim of what was painted looks like what nobody labelled beside it.

    Args:
        image: uint8 [H, W, 3] or [H, W].
        labels: class ids [H, W]; 255 where nobody has said anything.
        is_painted: whether a label was painted by hand, bool [H, W].

    Returns:
        bool [H, W]: at most as deep as `MOST` pixels, less where the labelled area is thin, never all of its width.
    """
    is_open = np.zeros(labels.shape, np.bool_)
    rest = labels == IGNORED
    values = np.unique(labels[is_painted & ~rest])
    for value in values[values != BACKGROUND].tolist():
        found, num_rim, num_found = np.zeros(labels.shape, np.bool_), 0, 0
        for tile in _tiles(is_painted & (labels == value)):
            window, inner = _with_margin(tile, labels.shape)
            if not rest[window].any():
                continue
            rim = _rim(rest[window]) & is_painted[window] & (labels[window] == value)
            if not rim[inner].any():
                continue
            looks = rim & _looks_like_background(image[window], labels[window], value, rim)
            found[tile] = looks[inner]
            num_rim += int(np.count_nonzero(rim[inner]))
            num_found += int(np.count_nonzero(found[tile]))
        if num_found > BELIEVED * num_rim:
            is_open |= found
    return is_open


def _tiles(area: Mask) -> Iterator[Window]:
    """Squares of an image that together hold all of an area [H, W]."""
    for row, col in product(*(range(0, side, _TILE) for side in area.shape)):
        tile = slice(row, row + _TILE), slice(col, col + _TILE)
        if area[tile].any():
            yield tile


def _with_margin(tile: Window, shape: tuple[int, ...]) -> tuple[Window, Window]:
    """A tile of an image of ``shape`` with all that it depends on, and where the tile itself lies in that."""
    starts = [max(0, each.start - _MARGIN) for each in tile]
    ends = [min(side, each.stop + _MARGIN) for each, side in zip(tile, shape, strict=True)]
    (row0, col0), (row1, col1) = starts, ends
    inner = [
        slice(each.start - start, min(each.stop, side) - start)
        for each, start, side in zip(tile, starts, shape, strict=True)
    ]
    return (slice(row0, row1), slice(col0, col1)), (inner[0], inner[1])


def _rim(rest: Mask) -> Mask:
    """What lies near to ``rest`` [H, W], but for the middle of what is thin."""
    depth = ndimage.distance_transform_edt(~rest)
    middle = ndimage.maximum_filter(depth, size=2 * MOST + 3)
    is_rim: Mask = (depth > 0) & (depth <= np.minimum(MOST, SHARE * middle))
    return is_rim


def _looks_like_background(
    image: NDArray[np.uint8], labels: NDArray[np.uint8], value: int, rim: Mask
) -> Mask:
    """Which pixels have a colour that is nearer to that of background beside them than to the middle of their class.

    Both are normal distributions of colours round a pixel, of the same variance, as local as in Lankton and Tannenbaum
    (Localizing region-based active contours, 2008); channels are taken by themselves.
    """
    is_object = (labels != IGNORED) & (labels != BACKGROUND)
    is_far = ndimage.distance_transform_edt(~is_object) > MOST
    if not is_far.any():
        return np.zeros(labels.shape, np.bool_)
    colours = np.moveaxis(image.reshape(*labels.shape, -1), -1, 0).astype(np.float32) / 255  # [3, H, W]
    inner, outer = (_Surroundings.of(colours, part) for part in ((labels == value) & ~rim, is_far))
    step = inner.mean - outer.mean  # [3, H, W]
    weight = step / ((inner.variance + outer.variance) / 2 + _FAINTEST)
    apart = (step * weight).sum(0)  # [H, W]: the squared distance of the two in deviations
    way = ((colours - outer.mean) * weight).sum(0)
    is_clear = (apart >= CLEAR**2) & inner.is_there & outer.is_there
    looks: Mask = is_clear & (way < UNLIKE * apart)
    return looks


@dataclass(frozen=True, slots=True, eq=False)
class _Surroundings:
    """Colours of a part of the picture round each pixel.

    Attributes:
        mean: float32 [3, H, W].
        variance: likewise.
        is_there: whether the part is near at all, bool [H, W].
    """

    mean: Real
    variance: Real
    is_there: Mask

    @classmethod
    def of(cls, colours: Real, part: Mask) -> _Surroundings:
        """Of colours [3, H, W] where ``part`` [H, W] is."""
        share = _smooth(part.astype(np.float32))
        weight = np.maximum(share, 1e-6)
        mean = np.stack([_smooth(channel * part) / weight for channel in colours])
        square = np.stack([_smooth(channel**2 * part) / weight for channel in colours])
        return cls(mean, np.maximum(square - mean**2, 0), share > 1e-3)


def _smooth(plane: Real) -> Real:
    smooth: Real = ndimage.gaussian_filter(plane, NEAR, mode="nearest", truncate=3.0)
    return smooth
