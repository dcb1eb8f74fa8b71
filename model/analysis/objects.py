"""Objects out of a prediction: hills of depth, cut where they meet. NumPy and SciPy only.

Depth (`model.networks.separation`), with the distance to the outline, is a landscape in which every object is a
hill. Each pixel belongs to the summit that the steepest way up leads to (a watershed without a queue: Rambabu and
Chakrabarti 2007); all pixels find it at once by doubling their steps. Two hills are one object where the pass between
them is hardly lower than the lower summit (the dynamics of Grimaud 1992); passes are looked at from the highest down.
`Hills` is worked out once for a
prediction; other settings for merging and sizes cost a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

DEEP: Final = 0.2
"""Classes whose pixels are, in the mean, at least this deep have objects."""

OUTLINE_SHARE: Final = 0.5
"""Of the landscape, on a logarithmic scale, that of the distance to the outline; the rest is that of depth."""

LEAST_DEPTH: Final = 0.02
"""Where the network says less, it is unsure rather than at a rim; the outline goes on deciding there."""

Numbers = NDArray[np.int32]
Real = NDArray[np.float32]
Places = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class ObjectOptions:
    """How objects are made of a prediction.

    Attributes:
        threshold: a pixel belongs to an object where the probability of all counted classes together is at
            least this, 0..1.
        separation: how readily touching objects come apart, 0 (never) to 1 (at every dip).
        smoothness: deviation in pixels by which depth is smoothed first.
        smallest: pixels of the smallest object.
    """

    threshold: float = 0.6
    separation: float = 0.8
    smoothness: float = 1.0
    smallest: int = 20


@dataclass(frozen=True, slots=True, eq=False)
class Hills:
    """A landscape cut at every dip.

    Attributes:
        where: flat indices of the pixels inside of objects, int32 or int64 [N].
        hill: of each of them, int32 [N].
        summits: height of each hill, float32 [M].
        passes: pairs of hills that touch, int32 [P, 2], from the highest pass down.
        heights: of the passes, float32 [P].
        shape: (rows, columns).
    """

    where: Places
    hill: Numbers
    summits: Real
    passes: Numbers
    heights: Real
    shape: tuple[int, int]


def inside_of(
    labels: NDArray[np.uint8], confidence: NDArray[Any], things: Collection[int], threshold: float
) -> NDArray[np.bool_]:
    """Where objects are: the probability of the counted classes is at least ``threshold``, bool [H, W].

    Only the most likely class and its probability are known. With two classes that is all there is to know; with
    more, what is left of a pixel of another class is taken to be theirs, which counts for thresholds below one half.

    Args:
        labels: most likely class, [H, W].
        confidence: its probability, float in 0..1 or uint8 in 0..255, [H, W].
        things: ids of the classes that are counted.
        threshold: 0..1.
    """
    table = np.zeros(256, np.bool_)
    table[list(things)] = True
    full = 255.0 if confidence.dtype == np.uint8 else 1.0
    is_thing = table[labels]
    return np.asarray(
        np.where(is_thing, confidence >= threshold * full, confidence <= (1 - threshold) * full)
    )


def deep_classes(labels: NDArray[np.uint8], depth: Real) -> NDArray[np.bool_]:
    """Of which classes a prediction shows objects, as far as depth tells: bool [256].

    Args:
        labels: most likely class, [H, W].
        depth: 0..1, [H, W].
    """
    count = np.bincount(labels.ravel(), minlength=256)
    total = np.bincount(labels.ravel(), weights=depth.ravel(), minlength=256)
    return np.asarray((count > 0) & (total >= DEEP * count))


def side_of(objects: NDArray[np.integer[Any]]) -> float:
    """Side in pixels of a square as large as the median object of numbers [H, W]; 0 where there is none."""
    sizes = np.bincount(np.unique(objects[objects > 0], return_inverse=True)[1])
    return float(np.sqrt(np.median(sizes))) if sizes.size else 0.0


def objects_of(inside: NDArray[np.bool_], depth: Real, options: ObjectOptions | None = None) -> Numbers:
    """Numbers of the objects of a prediction, int32 [H, W], from 1; 0 outside.

    Args:
        inside: where objects are, [H, W].
        depth: of pixels in their objects, 0..1, [H, W].
        options: how; the threshold has been made use of in ``inside``.
    """
    options = options or ObjectOptions()
    return numbered_hills(hills_of(inside, depth, options.smoothness), options.separation, options.smallest)


def hills_of(inside: NDArray[np.bool_], depth: Real, smoothness: float) -> Hills:
    """The landscape of ``depth`` [H, W] where ``inside`` [H, W], cut at every dip.

    What few pictures teach of depth often says no more than "inside"; how far it is to the outline says the same of
    any picture. Their geometric mean has a dip where either has one, and heights of hills need not be alike, since
    passes are compared with summits.
    """
    height = (
        np.maximum(depth, LEAST_DEPTH) ** (1 - OUTLINE_SHARE) * _outline_distance(inside) ** OUTLINE_SHARE
    )
    if smoothness > 0:
        height = ndimage.gaussian_filter(height, smoothness)
    cols = inside.shape[1] + 2
    padded = np.pad(np.where(inside, height.astype(np.float32), -np.inf), 1, constant_values=-np.inf).ravel()
    index = np.int32 if len(padded) < np.iinfo(np.int32).max else np.int64
    places: Places = np.flatnonzero(padded > -np.inf).astype(index)
    place_of: Places = np.zeros(len(padded), index)
    place_of[places] = np.arange(len(places), dtype=index)
    hill, tops = _climbed(padded, places, place_of, cols)
    passes, heights = _passes(padded, places, place_of, hill, cols)
    where = (places // cols - 1) * inside.shape[1] + places % cols - 1
    return Hills(where, hill, padded[places[tops]], passes, heights, (inside.shape[0], inside.shape[1]))


def _outline_distance(inside: NDArray[np.bool_]) -> Real:
    """Distance of every pixel to the nearest one outside, in pixels, [H, W]; beyond the picture all is outside."""
    padded = np.pad(inside, 1)
    return np.asarray(ndimage.distance_transform_edt(padded)[1:-1, 1:-1], np.float32)


def _climbed(padded: Real, places: Places, place_of: Places, cols: int) -> tuple[Numbers, Places]:
    """The hill of each place, and the place of each hill's summit.

    Of equals the later one counts as higher, so that level ground has a summit, too.
    """
    best, to = padded[places], places.copy()
    for step in (-cols - 1, -cols, -cols + 1, -1, 1, cols - 1, cols, cols + 1):
        other = padded[places + step]
        is_higher = (other > best) | ((other == best) & (places + step > to))
        best = np.where(is_higher, other, best)
        to = np.where(is_higher, places + step, to)
    tops, hill = np.unique(_followed(place_of[to]), return_inverse=True)
    return hill.astype(np.int32), tops


def _passes(padded: Real, places: Places, place_of: Places, hill: Numbers, cols: int) -> tuple[Numbers, Real]:
    """Pairs of touching hills with the highest pass between them, from the highest down."""
    pairs, heights = [], []
    for step in (1, cols, cols - 1, cols + 1):
        here = np.flatnonzero(padded[places + step] > -np.inf)
        there = place_of[places[here] + step]
        differs = hill[here] != hill[there]
        here, there = here[differs], there[differs]
        pairs.append(np.sort(np.stack((hill[here], hill[there]), 1), 1))
        heights.append(np.minimum(padded[places[here]], padded[places[there]]))
    pair, height = np.concatenate(pairs), np.concatenate(heights)
    order = np.lexsort((-height, pair[:, 1], pair[:, 0]))
    pair, height = pair[order], height[order]
    is_first = np.ones(len(pair), bool)
    is_first[1:] = (pair[1:] != pair[:-1]).any(1)
    pair, height = pair[is_first], height[is_first]
    down = np.argsort(-height, kind="stable")
    return pair[down], height[down]


def numbered_hills(hills: Hills, separation: float, smallest: int) -> Numbers:
    """Objects of a landscape, int32 [H, W], numbered from 1; 0 outside.

    Args:
        hills: from `hills_of`.
        separation: as of `ObjectOptions`.
        smallest: pixels; what is smaller is no object.
    """
    part = joined_hills(hills, separation)
    is_kept = np.bincount(part) >= smallest
    number = np.where(is_kept, np.cumsum(is_kept), 0).astype(np.int32)
    numbers = np.zeros(hills.shape, np.int32)
    numbers.ravel()[hills.where] = number[part]
    return numbers


def joined_hills(hills: Hills, separation: float) -> Numbers:
    """The object of each pixel of ``hills.where``, int32 [N], from 0; hills over high passes are one object."""
    owner = _merged(hills, separation)
    is_used = np.zeros(len(owner), np.bool_)
    is_used[owner] = True
    number = np.cumsum(is_used, dtype=np.int32) - 1
    return np.asarray(number[owner][hills.hill], np.int32)


def _merged(hills: Hills, separation: float) -> Places:
    """For every hill the hill whose object it belongs to."""
    owner = list(range(len(hills.summits)))
    summit = hills.summits.tolist()
    for (one, other), height in zip(hills.passes.tolist(), hills.heights.tolist(), strict=True):
        lower, higher = sorted((_owner(owner, one), _owner(owner, other)), key=summit.__getitem__)
        if lower != higher and height >= separation * summit[lower]:
            owner[lower] = higher
    return _followed(np.array(owner, np.int64))


def _owner(owner: list[int], hill: int) -> int:
    """The hill at the end of a chain of owners, which is shortened on the way."""
    while owner[hill] != hill:
        owner[hill] = hill = owner[owner[hill]]
    return hill


def _followed(to: Places) -> Places:
    """Where each one ends that goes to ``to`` again and again, [N]."""
    while True:
        further = to[to]
        if np.array_equal(further, to):
            return to
        to = further
