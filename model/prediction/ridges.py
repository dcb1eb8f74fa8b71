"""The thin thing under a stroke, at the full resolution of the picture: a crack, a wire, a hair, a membrane.

A network sees a picture in tokens and draws a band many pixels wide along a line of three. A thin ridge shows without
one: it has one tone, and the ground on either side has another. The stroke is straightened out; in the strip along it
the way is looked for that differs most from what lies a few pixels to both sides, by dynamic programming, so that it
goes on where a single place is unclear; what lies along that way and is nearer to its tone than to the ground's is
the ridge. Most strokes lie along no ridge, and the way that is found all the same does not differ from both sides
along most of it, or by less than the ground varies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from model.prediction.lines import Line, drawn_radius

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

STEP: Final = 1.5
MOST_PLACES: Final = 2000
"""Pixels between places along the stroke, unless that gives more places."""
SHORTEST: Final = 30.0
"""Along shorter strokes, in pixels, chance is too good at looking like a ridge."""
TREMBLE: Final = 6.0
"""A hand's wobble over so many pixels along the stroke is smoothed away."""
LEAST_OFF: Final = 3
MOST_OFF: Final = 8
"""So many pixels, at least and at most, the ridge may lie beside the stroke: the more the larger the image."""
NEAR: Final = (4, 8)
"""Pixels to one side that a place must differ from: from the first up to before the last."""
GROUND: Final = (5, 11)
"""The same of what counts as the ground."""
HALF_WIDTH: Final = 4
"""Nothing farther than this from the middle of a ridge belongs to it."""
RIDGE_TONE: Final = 12.0
GROUND_TONE: Final = 30.0
"""Over how many pixels along the ridge its tone and the ground's are taken together."""

COVERED: Final = 0.6
"""Over this share of the stroke a ridge must differ from both sides, by half of its mean contrast."""
DISTINCT: Final = 1.0
"""Ridges that are less distinct are what many a stroke along no ridge would give."""
DOUBTED: Final = 0.3
"""So distinct, times the network's doubt in its own answer, is a ridge that a stroke means."""
WIDER: Final = 2.0
"""An answer that is not so many times as wide as the ridge is about it, too."""
THIN_SCORE: Final = 0.48
"""The IoU of a ridge with annotated cracks and membranes; most of what it lacks lies within a pixel of the outline."""

_FLOOR: Final = 2.0
_EIGHT: Final = np.ones((3, 3), np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class Ridge:
    """A thin thing along a stroke.

    Attributes:
        mask: bool [H, W] of the image.
        covered: over which share of its length it differs from both sides, 0..1.
        distinct: that share times its contrast, in standard deviations of the ground, and the more the longer it is,
            by the root of its length in hundreds of pixels: over a short way chance makes ridges as well.
    """

    mask: Mask
    covered: float
    distinct: float

    @property
    def is_clear(self) -> bool:
        """Whether it stands out."""
        return self.covered > COVERED and self.distinct > DISTINCT

    def is_finer_than(self, area: int) -> bool:
        """Whether an answer of so many pixels along the same stroke is several times as wide."""
        return bool(area > WIDER * np.count_nonzero(self.mask))

    def is_likelier_than(self, score: float) -> bool:
        """Whether it is rather meant than another answer of that estimated IoU."""
        return self.covered > COVERED and self.distinct * (1 - score) > DOUBTED


@dataclass(frozen=True, slots=True, eq=False)
class _Strip:
    """The surroundings of a stroke, straightened out.

    Attributes:
        tones: float32 [N, T, 3], N places along the stroke and T across, the stroke in the middle.
        places: (row, column) of the stroke, [N, 2].
        across: (row, column) of one pixel across it, [N, 2].
        step: pixels between the places.
        off: how far across the ridge may lie.
    """

    tones: Floats
    places: Doubles
    across: Doubles
    step: float
    off: int


def ridge_under(pixels: NDArray[np.uint8], line: Line) -> Ridge | None:
    """The most distinct thin thing under a stroke, whether or not it is clear.

    Args:
        pixels: RGB, uint8 [H, W, 3].
        line: drawn on it, in pixels.

    Returns:
        None for loops, and for strokes too short to tell.
    """
    if line.is_loop or line.length < SHORTEST:
        return None
    strip = _straightened(pixels, line)
    off = _most_distinct(_standing_out(strip), strip.off)
    here, sides = _tones(strip, off)
    axis = (here - np.median(sides, 2).mean(0)).mean(0)
    axis /= max(1e-6, float(np.linalg.norm(axis)))
    own, flanks = here @ axis, np.median(sides @ axis, 2)  # [N], [2, N]
    ground = _smoothed(flanks, GROUND_TONE / strip.step).max(0)
    contrast = float((own - ground).mean())
    tone = np.maximum(_smoothed(own, RIDGE_TONE / strip.step), ground + max(1.0, contrast / 2))
    middle = strip.places + off[:, None] * strip.across
    mask = _grown(pixels, axis, (middle, strip.step), (ground + tone) / 2)
    stands_out = _smoothed(own, TREMBLE / strip.step) - _smoothed(flanks, TREMBLE / strip.step).max(0)
    covered = float(np.mean(stands_out > max(1.0, contrast / 2)))
    roughness = max(_FLOOR, float(np.std(sides @ axis - ground[:, None])))
    distinct = covered * contrast / roughness * np.sqrt(line.length / 100)
    return Ridge(mask, covered, float(distinct))


def _straightened(pixels: NDArray[np.uint8], line: Line) -> _Strip:
    count = int(np.clip(line.length / STEP, 2, MOST_PLACES))
    step = line.length / count
    places = ndimage.gaussian_filter1d(
        line.evenly(count)[:, ::-1].astype(np.float64), TREMBLE / step, axis=0, mode="nearest"
    )
    along = np.gradient(places, axis=0)
    along /= np.maximum(1e-6, np.linalg.norm(along, axis=1, keepdims=True))
    across = np.stack((along[:, 1], -along[:, 0]), axis=1)
    off = int(np.clip(2 + drawn_radius(pixels.shape[:2]), LEAST_OFF, MOST_OFF))
    reach = off + max(NEAR[1], GROUND[1])
    where = places[:, None] + np.arange(-reach, reach + 1)[None, :, None] * across[:, None]  # [N, T, 2]
    rows, cols = np.floor(where).astype(np.intp).transpose(2, 0, 1)
    tones = pixels[rows.clip(0, pixels.shape[0] - 1), cols.clip(0, pixels.shape[1] - 1)]
    return _Strip(tones.astype(np.float32), places, across, step, off)


def _standing_out(strip: _Strip) -> Floats:
    """How far three pixels across differ from both sides, [N, 2 off + 1, 6]: darker, then lighter, in each colour."""
    sums = np.pad(strip.tones.cumsum(axis=1), ((0, 0), (1, 0), (0, 0)))
    middle, size = strip.tones.shape[1] // 2, 2 * strip.off + 1

    def mean(first: int, end: int) -> Floats:
        start = middle - strip.off
        summed: Floats = sums[:, start + end :][:, :size] - sums[:, start + first :][:, :size]
        return summed / np.float32(end - first)

    here, left, right = mean(-1, 2), mean(1 - NEAR[1], 1 - NEAR[0]), mean(*NEAR)
    darker, lighter = np.minimum(left, right) - here, here - np.maximum(left, right)
    return np.concatenate((darker, lighter), axis=2)


def _most_distinct(gains: Floats, off: int) -> NDArray[np.intp]:
    """The way of the highest sum, in the one colour where that is highest: pixels across the stroke, [N]."""
    count, size, kinds = gains.shape
    best = np.full((count, size + 2, kinds), -np.inf, np.float32)
    best[0, 1:-1] = gains[0]
    for last, now, gain in zip(best, best[1:], gains[1:], strict=False):
        now[1:-1] = np.maximum(np.maximum(last[:-2], last[2:]), last[1:-1]) + gain
    kind = int(best[-1].max(0).argmax())
    way = np.empty(count, np.intp)
    way[-1] = best[-1, :, kind].argmax()
    for place in range(count - 1, 0, -1):
        near = way[place] + np.array((0, -1, 1))  # straight on where all are alike
        way[place - 1] = near[best[place - 1, near, kind].argmax()]
    return way - 1 - off


def _tones(strip: _Strip, off: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Of the ridge, [N, 3], and of each pixel of the ground on both sides, [2, N, pixels, 3]."""
    places, middle = np.arange(len(off))[:, None], (strip.tones.shape[1] // 2 + off)[:, None]
    away = np.arange(*GROUND)
    sides = np.stack([strip.tones[places, middle + sign * away] for sign in (-1, 1)])
    return strip.tones[places, middle + np.arange(-1, 2)].mean(1), sides


def _smoothed(values: Floats, places: float) -> Floats:
    smoothed: Floats = ndimage.uniform_filter1d(values, max(1, round(places)), axis=-1, mode="nearest")
    return smoothed


def _grown(pixels: NDArray[np.uint8], axis: Floats, way: tuple[Doubles, float], least: Floats) -> Mask:
    """The pixels beside the middle of a ridge whose tone is above its least, [N], and the middle itself.

    Args:
        pixels: uint8 [H, W, 3].
        axis: of which colour the tones are.
        way: (row, column) of the middle, [N, 2], and pixels from one to the next.
        least: tones that belong to the ridge.
    """
    shape, (middle, step) = pixels.shape[:2], way
    fine = ndimage.zoom(
        middle, (int(2 * step) + 1, 1), order=1, mode="nearest"
    )  # so that no pixel is skipped
    core = _inside(np.floor(fine).astype(np.intp), shape)
    square = np.arange(-HALF_WIDTH, HALF_WIDTH + 1)
    around = np.stack(np.meshgrid(square, square), axis=2).reshape(-1, 2)  # [81, 2]
    near = _inside((core[:, None] + around).reshape(-1, 2), shape)
    tree = cKDTree(middle, balanced_tree=False, compact_nodes=False)
    away, place = map(np.asarray, tree.query(near + 0.5, distance_upper_bound=HALF_WIDTH + step))
    near, place = near[away <= HALF_WIDTH], place[away <= HALF_WIDTH]
    mask = np.zeros(shape, np.bool_)
    mask[tuple(near[pixels[near[:, 0], near[:, 1]] @ axis > least[place]].T)] = True
    mask[tuple(core.T)] = True
    parts, count = ndimage.label(mask, _EIGHT)
    is_met = np.zeros(count + 1, np.bool_)
    is_met[parts[tuple(core.T)]] = True
    met: Mask = is_met[parts]
    return met


def _inside(places: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Those of the places [N, 2] that lie in the image, each once."""
    rows, cols = places.T
    fits = (rows >= 0) & (rows < shape[0]) & (cols >= 0) & (cols < shape[1])
    numbers = np.unique(rows[fits] * shape[1] + cols[fits])
    return np.stack(np.divmod(numbers, shape[1]), axis=1)
