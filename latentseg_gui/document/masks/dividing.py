"""One object into several: along a drawn line, between two pixels, or at its waists.

A division of an area is int32 of its shape: 0 outside it, 1..n inside, every pixel of it in one part.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentseg_gui.document.masks.object_rules import CRUMB_PIXELS, PIECE_SHARE
from latentseg_gui.document.types import Mask

Parts = NDArray[np.int32]
RC = tuple[int, int]
XY = tuple[float, float]

OVERSHOOT: Final = 2.0
"""A line that ends so many pixels before the edge of an object is taken to have crossed it."""

EDGE_SHARE: Final = 0.5
"""Of the depth of a pixel, how much is taken away where the picture has a strong edge."""

SHALLOW: Final = 0.15
"""A waist that is narrower than its smaller side by less than this share is a mere dent."""

_TOUCHING: Final = np.ones((3, 3), np.bool_)


def parts_along(area: Mask, line: Sequence[XY]) -> Parts | None:
    """Cuts an area where a line was drawn, and nowhere else.

    Args:
        area: bool [h, w]; what it is made of may lie apart.
        line: from point to point, in pixels of the area, (0, 0) being its upper left corner.

    Returns:
        The division; None where the line crosses nothing from side to side. What the line did not touch stays
        with the piece that is nearest.
    """
    barrier = drawn(line, area.shape) & area
    left, _ = ndimage.label(area & ~barrier, _TOUCHING)
    whole, _ = ndimage.label(area, _TOUCHING)
    cut = []
    for component in np.setdiff1d(whole[barrier], 0).tolist():
        inside = whole == component
        sizes = np.bincount(left[inside])
        sizes[0] = 0
        enough = min(CRUMB_PIXELS, PIECE_SHARE * inside.sum())
        pieces = np.flatnonzero(sizes >= max(1, enough)).tolist()
        if len(pieces) > 1:
            cut.append(pieces)
    if not cut:
        return None
    return _with_the_rest(area, whole, left, cut)


def _with_the_rest(
    area: Mask, whole: NDArray[np.integer], left: NDArray[np.integer], cut: list[list[int]]
) -> Parts:
    """Numbers the pieces; crumbs, the line itself and what lies apart go to the nearest piece."""
    seeds = np.zeros(area.shape, np.int32)
    for number, piece in enumerate((piece for pieces in cut for piece in pieces), start=1):
        seeds[left == piece] = number
    nearest = _nearest(seeds)
    parts = np.where(area, nearest, 0).astype(np.int32)
    is_cut = np.zeros(int(whole.max()) + 1, np.bool_)
    is_cut[np.unique(whole[seeds > 0])] = True
    for component in np.flatnonzero(~is_cut[1:]).tolist():
        inside = whole == component + 1
        parts[inside] = np.bincount(nearest[inside]).argmax()
    return parts


def _nearest(seeds: Parts) -> Parts:
    where = ndimage.distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
    return np.asarray(seeds[tuple(where)], np.int32)


def drawn(line: Sequence[XY], shape: tuple[int, ...]) -> Mask:
    """The pixels under a line that goes on a little at both ends; no diagonal gap lets anything through."""
    points = np.asarray(line, np.float64).reshape(-1, 2)
    points = np.concatenate([_beyond(points[::-1])[None], points, _beyond(points)[None]])
    barrier = np.zeros(shape, np.bool_)
    for start, end in itertools.pairwise(points):
        # A quarter of a pixel from sample to sample: neighbours along the line share an edge but at corners.
        count = int(np.ceil(np.abs(end - start).max() * 4)) + 1
        samples = start + (end - start) * np.linspace(0.0, 1.0, count)[:, None]  # [count, 2]
        cols, rows = np.floor(samples).astype(np.intp).T
        _mark(barrier, rows, cols)
        _mark(barrier, rows[1:], cols[:-1])
    return barrier


def _beyond(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A point a little beyond the last one, in the direction in which the line ended."""
    last = points[-1]
    away = last - points
    far = np.flatnonzero(np.hypot(*away.T) >= 1.0)
    if far.size == 0:
        return np.asarray(last)
    step = away[far[-1]]
    return np.asarray(last + step * (OVERSHOOT / np.hypot(*step)))


def _mark(barrier: Mask, rows: NDArray[np.intp], cols: NDArray[np.intp]) -> None:
    inside = (rows >= 0) & (cols >= 0) & (rows < barrier.shape[0]) & (cols < barrier.shape[1])
    barrier[rows[inside], cols[inside]] = True


def parts_around(area: Mask, seeds: Sequence[RC], pixels: NDArray[np.uint8] | None = None) -> Parts | None:
    """Divides an area between pixels of it: at its waist, and at edges of the picture.

    A watershed of the depth, in which edges of the picture count as outline (see `waists_of`), joined again but for
    the waists between the seeds.

    Args:
        area: bool [h, w].
        seeds: a pixel of each of the parts.
        pixels: the picture under the area, uint8 [h, w, 3]; None where only the shape counts.

    Returns:
        The division; None where a seed lies outside, or where two are the same pixel.
    """
    markers = np.zeros(area.shape, np.int32)
    for number, rc in enumerate(seeds, start=1):
        if not _holds(area, rc) or markers[rc]:
            return None
        markers[rc] = number
    waists = waists_of(area, pixels)
    basin_of = [int(waists.basins[rc]) for rc in seeds]
    if len(set(basin_of)) < len(seeds):
        return _parts_within(area, markers, pixels)
    # Joined over the shallowest waists first, but for those between the seeds.
    owner, seed_of = np.arange(waists.most + 1), dict(zip(basin_of, range(1, len(seeds) + 1), strict=True))
    for (one, other), worth in zip(waists.joins, waists.worths, strict=True):
        kept, gone = int(owner[one]), int(owner[other])
        if kept in seed_of and gone in seed_of:
            if worth < SHALLOW:
                return _parts_within(area, markers, pixels)
            continue
        if gone in seed_of:
            kept, gone = gone, kept
        owner[owner == gone] = kept
    numbers = np.array([seed_of.get(int(each), 0) for each in owner], np.int32)
    parts = numbers[waists.basins]
    return np.where(area & (parts == 0), _nearest(parts), parts)


def _parts_within(area: Mask, markers: Parts, pixels: NDArray[np.uint8] | None) -> Parts:
    """Where the shape has no waist between the seeds: at edges of the picture, else half-way."""
    from skimage.segmentation import watershed  # takes a quarter of a second, which only this needs

    away = ndimage.distance_transform_edt(markers == 0)
    relief = away / away.max()
    if pixels is not None:
        relief = relief + EDGE_SHARE * _edges(pixels, area)
    parts = np.asarray(watershed(relief, markers, mask=area, connectivity=2), np.int32)
    return np.where(area & (parts == 0), _nearest(parts), parts)


def _holds(area: Mask, rc: RC) -> bool:
    return 0 <= rc[0] < area.shape[0] and 0 <= rc[1] < area.shape[1] and bool(area[rc])


def _depth(area: Mask) -> NDArray[np.float64]:
    """How far each pixel lies from the outline; the border of the image counts as outline."""
    return np.asarray(ndimage.distance_transform_edt(np.pad(area, 1))[1:-1, 1:-1], np.float64)


def _edges(pixels: NDArray[np.uint8], area: Mask) -> NDArray[np.float64]:
    """Strength of edges, 0..1, of the strongest tenth and less inside the area."""
    soft = ndimage.gaussian_filter(pixels.astype(np.float64), (1.0, 1.0, 0.0))
    strength = np.hypot(ndimage.sobel(soft, 0), ndimage.sobel(soft, 1)).max(axis=-1)
    inside = ndimage.binary_erosion(area, _TOUCHING, iterations=2)
    top = float(np.percentile(strength[inside], 90)) if inside.any() else 0.0
    return np.clip(strength / top, 0.0, 1.0) if top > 0 else np.zeros(area.shape)


@dataclass(frozen=True, slots=True)
class Waists:
    """How an area comes apart at its waists, the deepest one first.

    Attributes:
        basins: its finest division.
        joins: pairs of basins in the order in which they become one, int [n - 1, 2].
        worths: of each of these, the share by which the waist is narrower than the smaller side.
    """

    basins: Parts
    joins: tuple[tuple[int, int], ...]
    worths: tuple[float, ...]

    @property
    def suggested(self) -> int:
        """How many parts a person would see."""
        return 1 + sum(worth > SHALLOW for worth in self.worths)

    @property
    def most(self) -> int:
        """How many parts there can be."""
        return len(self.joins) + 1

    def parts(self, count: int) -> Parts:
        """The division into so many parts, or as many as there can be."""
        owner = np.arange(len(self.joins) + 2)
        for one, other in self.joins[: max(0, self.most - count)]:
            owner[owner == owner[other]] = owner[one]
        _, numbers = np.unique(owner[1:], return_inverse=True)
        numbers = np.concatenate([[0], numbers + 1]).astype(np.int32)
        return np.asarray(numbers[self.basins], np.int32)


_MOST_BASINS: Final = 64
_MOST_PIXELS: Final = 1 << 18


def waists_of(area: Mask, pixels: NDArray[np.uint8] | None = None) -> Waists:
    """Where an area could come apart: a watershed of its depth, joined again over the shallowest waists first.

    Args:
        area: bool [h, w]; parts that lie apart come apart first.
        pixels: the picture under the area, uint8 [h, w, 3]: strong edges in it count as waists, too.
    """
    if (step := _step(area)) > 1:
        small = waists_of(area[::step, ::step], None if pixels is None else pixels[::step, ::step])
        basins = np.kron(small.basins, np.ones((step, step), np.int32))[: area.shape[0], : area.shape[1]]
        seeds = np.where(area, basins, 0).astype(np.int32)
        return Waists(np.where(area & (seeds == 0), _nearest(seeds), seeds), small.joins, small.worths)
    depth = _depth(area)
    if pixels is not None:
        depth *= 1.0 - EDGE_SHARE * _edges(pixels, area)
    depth = ndimage.gaussian_filter(depth, 1.0) * area
    from skimage.feature import peak_local_max  # takes a quarter of a second, which only this needs
    from skimage.segmentation import watershed

    pieces, _ = ndimage.label(area, _TOUCHING)
    peaks = peak_local_max(
        depth, min_distance=2, exclude_border=False, labels=pieces, num_peaks_per_label=_MOST_BASINS
    )
    markers = np.zeros(area.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    basins = np.asarray(watershed(-depth, markers, mask=area, connectivity=2), np.int32)
    if (area & (basins == 0)).any():
        basins = np.where(area & (basins == 0), _nearest(basins), basins)
    heights = np.concatenate([[0.0], depth[tuple(peaks.T)]])
    joins, worths = _joined(heights, _saddles(basins, depth))
    return Waists(basins, tuple(joins), tuple(worths))


def _step(area: Mask) -> int:
    """Every how manieth pixel is looked at, so that a large object takes no longer than a small one."""
    return int(np.ceil(np.sqrt(area.size / _MOST_PIXELS)))


def _saddles(basins: Parts, depth: NDArray[np.float64]) -> dict[tuple[int, int], float]:
    """The depth of the deepest way from each basin to each of its neighbours."""
    found: dict[tuple[int, int], float] = {}
    for one, other in (
        ((slice(1, None),), (slice(-1),)),
        ((slice(None), slice(1, None)), (slice(None), slice(-1))),
    ):
        a, b = basins[one], basins[other]
        where = (a != b) & (a > 0) & (b > 0)
        ways = np.minimum(depth[one], depth[other])[where]
        low, high = np.minimum(a, b)[where], np.maximum(a, b)[where]
        for pair_low, pair_high, way in zip(low.tolist(), high.tolist(), ways.tolist(), strict=True):
            found[pair_low, pair_high] = max(way, found.get((pair_low, pair_high), 0.0))
    return found


def _joined(
    heights: NDArray[np.float64], saddles: dict[tuple[int, int], float]
) -> tuple[list[tuple[int, int]], list[float]]:
    """Joins basins over the least of waists until one is left; what lies apart is joined last.

    Returns:
        `Waists.joins` and `Waists.worths`.
    """
    basins = set(range(1, len(heights)))
    top = {basin: float(heights[basin]) for basin in basins}
    joins, worths = [], []
    while len(basins) > 1:
        best, worth = _shallowest(basins, top, saddles)
        one, other = sorted(best, key=lambda basin: -top[basin])
        joins.append((one, other))
        worths.append(worth)
        basins.discard(other)
        saddles = _renamed(saddles, other, one)
    return joins, worths


def _shallowest(
    basins: set[int], top: dict[int, float], saddles: dict[tuple[int, int], float]
) -> tuple[tuple[int, int], float]:
    if not saddles:
        first, second, *_ = sorted(basins, key=top.__getitem__)
        return (first, second), 1.0
    worths = {pair: 1.0 - way / max(min(top[pair[0]], top[pair[1]]), 1e-9) for pair, way in saddles.items()}
    best = min(worths, key=worths.__getitem__)
    return best, worths[best]


def _renamed(saddles: dict[tuple[int, int], float], old: int, new: int) -> dict[tuple[int, int], float]:
    made: dict[tuple[int, int], float] = {}
    for pair, way in saddles.items():
        one, other = (new if each == old else each for each in pair)
        if one != other:
            key = min(one, other), max(one, other)
            made[key] = max(way, made.get(key, 0.0))
    return made
