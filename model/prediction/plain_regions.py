"""Plain regions at a click: what stands out from its surroundings by brightness or colour alone, of any size.

In a field of small alike things (cells, nuclei, grains) the network takes a click for the field: nothing in the
picture says that one of them is meant, and few pictures that it learned from look so. There the eye goes by
something simpler: an area of one tone with another tone round it. Such areas are found as maximally stable
extremal regions (Matas et al., BMVC 2002): of all areas round the click whose tone is within some threshold, those
that hardly grow when the threshold does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SIDE: Final = 97
"""Pixels along a side of what is looked at; for larger regions wider surroundings are reduced to this."""

MOST_REDUCED: Final = 8
LEVELS: Final = 24
"""Thresholds between the tone of the click and the most different one."""

APART: Final = 2
"""A region is compared with those that are so many thresholds away."""

LEAST_PIXELS, MOST_SHARE = 24, 0.4
"""Sizes that are looked for, in what is looked at."""

PLAIN: Final = 7.0
"""Regions that are less clear are never taken for what a click means."""

_MOST_GROWTH: Final = 0.4
"""By which share of itself a region may grow between the thresholds on either side."""

_LEAST_CONTRAST: Final = 1.5
_DISTINCT: Final = 0.7
_MOST: Final = 2
_FLOOR: Final = 2.0
_RIM: Final = 3.0

Mask = NDArray[np.bool_]
Tones = NDArray[np.float32]
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PlainRegion:
    """An area round a click that stands out.

    Attributes:
        mask: bool [H, W] of the whole picture.
        clearness: how far it stands out: contrast at its rim over its growth; those above 8 are plain to the eye.
    """

    mask: Mask
    clearness: float

    @property
    def area(self) -> int:
        """In pixels."""
        return int(np.count_nonzero(self.mask))


@dataclass(frozen=True, slots=True)
class _View:
    """Surroundings of the click: tones float32 [h, w, 3], their rectangle, pixels per tone, the click in them."""

    tones: Tones
    where: tuple[slice, slice]
    reduced: int
    click: Place


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An area of a view, bool [h, w], and what makes it: values of one kind up to a threshold."""

    view: _View
    kind: int
    threshold: float
    inside: Mask
    clearness: float


class PlainRegions:
    """The regions at a click that stand out; they are looked for once, when they are first asked for.

    Args:
        pixels: RGB, uint8 [H, W, 3].
        click: (row, column).
    """

    def __init__(self, pixels: NDArray[np.uint8], click: Place) -> None:
        self._pixels = pixels
        self._click = click
        self._found: list[_Candidate] | None = None

    def up_to(self, most_area: float = np.inf) -> list[PlainRegion]:
        """Those of so many pixels at most, the clearest first; two, and of those nearly the same only one."""
        if self._found is None:
            areas = [each for view in _views(self._pixels, self._click) for each in _candidates(view)]
            self._found = sorted(areas, key=lambda each: -each.clearness)
        kept: list[PlainRegion] = []
        for each in self._found:
            if each.inside.sum() * each.view.reduced**2 > most_area:
                continue
            region = _at_full_size(self._pixels, self._click, each)
            if all(_overlap(region.mask, other.mask) < _DISTINCT for other in kept):
                kept.append(region)
            if len(kept) == _MOST:
                break
        return kept


def _views(pixels: NDArray[np.uint8], click: Place) -> Iterator[_View]:
    """From close by to afar."""
    reduced = 1
    while True:
        reach = SIDE * reduced // 2
        where = tuple(
            slice(max(0, place - reach), min(side, place + reach + 1))
            for place, side in zip(click, pixels.shape[:2], strict=True)
        )
        rows, cols = where
        part = in_cells(pixels[rows, cols].astype(np.float32), reduced)
        at = tuple(
            min((place - side.start) // reduced, size - 1)
            for place, side, size in zip(click, where, part.shape, strict=False)
        )
        yield _View(smoothed(part, 1.0), (rows, cols), reduced, (at[0], at[1]))
        is_all = (rows.stop - rows.start, cols.stop - cols.start) == pixels.shape[:2]
        if is_all or reduced == MOST_REDUCED or min(part.shape[:2]) < 2:
            return
        reduced *= 2


def in_cells(part: Tones | NDArray[np.uint8], factor: int) -> Tones:
    """Means of cells of ``factor`` x ``factor``; a last row or column that is no whole cell is left out."""
    rows, cols = max(1, part.shape[0] // factor), max(1, part.shape[1] // factor)
    whole = part[: rows * factor, : cols * factor]
    height, width = whole.shape[0] // rows, whole.shape[1] // cols
    cells = whole.reshape(rows, height, cols, width, 3)  # [h, factor, w, factor, 3]
    return np.asarray(cells.mean((1, 3)), np.float32)


def smoothed(part: Tones, sigma: float) -> Tones:
    """Blurred by a Gaussian of this width in pixels."""
    return np.asarray(ndimage.gaussian_filter(part, (sigma, sigma, 0)), np.float32)


def _values(tones: Tones, colour: Tones) -> tuple[Tones, Tones, Tones]:
    """How far tones are from a colour, how bright they are, and how dark, float32 [h, w] each."""
    bright = tones.mean(2)
    apart = np.sqrt(np.square(tones - colour).sum(2))
    return np.asarray(apart, np.float32), np.asarray(bright, np.float32), np.asarray(-bright, np.float32)


def _candidates(view: _View) -> Iterator[_Candidate]:
    """Stable areas of a view that do not reach its border."""
    for kind, values in enumerate(_values(view.tones, view.tones[view.click])):
        grown = list(_growing(values, view.click))
        areas = [int(inside.sum()) for _, inside in grown]
        for index in range(len(grown) - APART):
            threshold, inside = grown[index]
            growth = (areas[index + APART] - areas[max(0, index - APART)]) / areas[index]
            is_size = LEAST_PIXELS <= areas[index] <= MOST_SHARE * inside.size
            if not is_size or growth > _MOST_GROWTH or _reaches_border(inside):
                continue
            filled = np.asarray(ndimage.binary_fill_holes(inside), np.bool_)
            contrast = _contrast(view.tones, filled)
            if contrast >= _LEAST_CONTRAST:
                yield _Candidate(view, kind, threshold, filled, contrast / (growth + 0.1))


def _growing(values: Tones, click: Place) -> Iterator[tuple[float, Mask]]:
    """The area round the click of values up to a threshold, for one threshold after the other."""
    last = float(np.percentile(values, 99.5))
    for threshold in np.linspace(values[click], last, LEVELS + 1)[1:]:
        inside = _connected(values <= threshold, click)
        if inside is None:
            return
        yield float(threshold), inside
        if inside.sum() > inside.size / 2:
            return


def _connected(inside: Mask, place: Place) -> Mask | None:
    """The part round a place, which must be inside for there to be one."""
    parts, _ = ndimage.label(inside)
    number = parts[place]
    return None if number == 0 else np.asarray(parts == number, np.bool_)


def _reaches_border(inside: Mask) -> bool:
    return bool(inside[0].any() or inside[-1].any() or inside[:, 0].any() or inside[:, -1].any())


def _contrast(tones: Tones, inside: Mask) -> float:
    """Difference of the mean tones on either side of the rim, over how much they vary there."""
    rows, cols = _rectangle(inside, int(_RIM) + 2)
    own, seen = inside[rows, cols], tones[rows, cols]
    within = own & (ndimage.distance_transform_edt(own) <= _RIM)
    apart = ndimage.distance_transform_edt(~own)
    beside = (apart > 1) & (apart <= _RIM + 1)
    if not beside.any():
        return 0.0
    difference = float(np.linalg.norm(seen[within].mean(0) - seen[beside].mean(0)))
    spread = float(seen[within].std(0).mean()) + float(seen[beside].std(0).mean())
    return difference / (spread + _FLOOR)


def _at_full_size(pixels: NDArray[np.uint8], click: Place, found: _Candidate) -> PlainRegion:
    """The same region with the border that it has in the picture itself."""
    view, mask = found.view, np.zeros(pixels.shape[:2], np.bool_)
    where = view.where
    rows, cols = _rectangle(found.inside, 2)
    top, left = (side.start + view.reduced * own.start for side, own in zip(where, (rows, cols), strict=True))
    bottom, right = (
        min(side.stop, side.start + view.reduced * own.stop)
        for side, own in zip(where, (rows, cols), strict=True)
    )
    part = pixels[top:bottom, left:right].astype(np.float32)
    values = _values(smoothed(part, float(view.reduced)), view.tones[view.click])[found.kind]
    inside = _connected(values <= found.threshold, (click[0] - top, click[1] - left))
    if inside is None:  # the click is on something finer than what was looked at
        coarse = found.inside[rows, cols].repeat(view.reduced, 0).repeat(view.reduced, 1)
        inside = coarse[: bottom - top, : right - left]
    mask[top:bottom, left:right] = ndimage.binary_fill_holes(inside)
    return PlainRegion(mask, found.clearness)


def _rectangle(inside: Mask, margin: int) -> tuple[slice, slice]:
    """Rows and columns of what is inside and so many beside it."""
    rows, cols = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    height, width = inside.shape
    return (
        slice(max(0, int(rows[0]) - margin), min(height, int(rows[-1]) + 1 + margin)),
        slice(max(0, int(cols[0]) - margin), min(width, int(cols[-1]) + 1 + margin)),
    )


def _overlap(one: Mask, other: Mask) -> float:
    """Intersection over union."""
    return int(np.count_nonzero(one & other)) / max(1, int(np.count_nonzero(one | other)))
