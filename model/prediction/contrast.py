"""Outlines of objects follow the colours of the very picture, as far as few taught pictures have shown that this helps.

A network that four pictures have taught knows what objects look like in those; the next is brighter, or stained
otherwise, and outlines come out too wide or too narrow. A threshold chosen for every picture (Otsu 1979) fits any of
them and knows nothing of objects. Here the two are added up. Colours are seen along the one direction that best tells
what the network is sure of (linear discriminant analysis, Fisher 1936). With b the background and c the objects as
they are round a pixel, it has the share h = (x - b) / (c - b) of the contrast, and the log-odds of an object become

    logit p + strength * min(STEEPEST, 1 / var h) * (h - 1/2)

where 1 / var h is what two normal distributions with one variance give: among objects of many colours contrast says
little, and outlines stay where the network has them. How strongly it counts is learned (`model.training.own_colours`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.filters import threshold_otsu

from model.analysis.objects import deep_classes
from model.prediction.outputs import ClassPrediction

STEEPEST: Final = 8.0
"""Of the log-odds over the share of the contrast: the network has a say in any case."""

SPLIT: Final = 4.0
"""What a split of the picture in two adds to the log-odds, half-way from the split to the mean of a side, for the
first look at where objects and background are."""

NEAR: Final = 0.25
WIDE: Final = 0.5
"""Deviations of the surroundings from which objects and background are taken, as shares of an object's side."""

EVERYWHERE: Final = 0.02
"""Weight of the whole picture beside the surroundings."""

LEAST_SPAN: Final = 0.3
"""Contrast round a pixel is at least this share of that of the picture."""

FAINTEST: Final = 5.0
"""Contrast of a picture in grey values below which there is nothing to go by."""

CELLS: Final = 12
"""Cells along an object's side on which surroundings are worked out."""

MOST_CELLS: Final = 4_000_000
BAND: Final = 512
SMOOTH: Final = 1.0
LEAST_SHARE: Final = 1 / 512
"""No pixel is taken to be surer than that."""

Pixels = NDArray[np.uint8]
Real = NDArray[np.floating[Any]]


def redraw(answer: ClassPrediction, pixels: Pixels, *, strength: float, side: float) -> None:
    """Let outlines follow the picture's own colours, in place; nothing where it does not know which objects are meant.

    Args:
        answer: labels and confidence are changed.
        pixels: as the network sees them, uint8 [H, W, 3].
        strength: how much colours count, 0..1.
        side: of the objects that were learned from, in pixels.
    """
    thing = _only_thing(answer)
    if strength <= 0 or side <= 0 or thing is None:
        return
    share = _share_of(answer, thing)
    contrast = Contrast.of(pixels, share, side)
    if contrast is None:
        return
    other = _others(answer.labels, thing)
    for rows in _bands(len(pixels)):
        gain = np.float32(strength) * contrast.gain(pixels, rows)
        odds = logit(share[rows]) * np.float32(answer.temperature) + gain
        _write(answer, rows, thing, odds / np.float32(answer.temperature), other)


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """How objects and background of a picture differ.

    Attributes:
        direction: what colours are multiplied by, float32 [3].
        background: colour along it where there is no object, float32 [h, w], a value for every cell.
        span: how much higher objects are, likewise.
        slope: log-odds over the share of the contrast.
        step: pixels of a cell along a side.
    """

    direction: Real
    background: Real
    span: Real
    slope: float
    step: int

    @classmethod
    def of(cls, pixels: Pixels, share: Real, side: float) -> Self | None:
        """From what a network says.

        Args:
            pixels: uint8 [H, W, 3].
            share: probability of an object, [H, W].
            side: of objects, in pixels.

        Returns:
            None where objects, background or their contrast are missing.
        """
        area = share.shape[0] * share.shape[1]
        step = max(1, round(side / CELLS), math.ceil(math.sqrt(area / MOST_CELLS)))
        colours = np.asarray(Image.fromarray(pixels).reduce(step), np.float32)  # [h, w, 3]
        seen = (
            np.asarray(Image.fromarray(np.rint(share * 255).astype(np.uint8)).reduce(step), np.float32) / 255
        )
        direction = _direction(colours, seen)
        if direction is None:
            return None
        values = colours @ direction  # [h, w]
        split = _split(values)
        if split is None:
            return None
        first = 1 / (1 + np.exp(-(logit(seen) + SPLIT * split)))
        core, ground = np.clip(2 * first - 1, 0, 1) ** 2, np.clip(1 - 2 * first, 0, 1) ** 2
        if min(core.sum(), ground.sum()) < 1:
            return None
        objects, high = _around(values, core, NEAR * side / step)
        background, low = _around(values, ground, WIDE * side / step)
        span = np.maximum(objects - background, LEAST_SPAN * abs(high - low))
        shares = (values - background) / span
        spread = (_variance(shares, core) + _variance(shares, ground)) / 2
        slope = min(STEEPEST, 1 / max(spread, 1e-3))
        return cls(direction, background.astype(np.float32), span.astype(np.float32), slope, step)

    def gain(self, pixels: Pixels, rows: slice) -> Real:
        """What is added to the log-odds of an object in some rows of the picture, [rows, W]."""
        margin = math.ceil(4 * SMOOTH)
        top, bottom = max(0, rows.start - margin), min(len(pixels), rows.stop + margin)
        values = ndimage.gaussian_filter(pixels[top:bottom].astype(np.float32) @ self.direction, SMOOTH)
        values = values[rows.start - top : rows.stop - top]
        background, span = (
            self._enlarged(each, rows, pixels.shape[1]) for each in (self.background, self.span)
        )
        shares = np.clip((values - background) / span, -0.5, 1.5)
        return np.asarray(self.slope * (shares - 0.5), np.float32)

    def _enlarged(self, cells: Real, rows: slice, width: int) -> Real:
        """Some rows of a map of the cells at the size of the picture."""
        down = _between(np.arange(rows.start, rows.stop), self.step, cells.shape[0])
        along = _between(np.arange(width), self.step, cells.shape[1])
        tall = cells[down[0]] * (1 - down[2])[:, None] + cells[down[1]] * down[2][:, None]
        return np.asarray(tall[:, along[0]] * (1 - along[2]) + tall[:, along[1]] * along[2], np.float32)


def logit(share: Real) -> Real:
    """Log-odds of a probability; none is taken to be surer than `LEAST_SHARE`."""
    kept = np.clip(share, LEAST_SHARE, 1 - LEAST_SHARE)
    return np.asarray(np.log(kept / (1 - kept)), np.float32)


def _only_thing(answer: ClassPrediction) -> int | None:
    """The class that has objects; None where there is none, or more than one."""
    if answer.depth is None:
        return None
    step = max(1, math.ceil(math.sqrt(answer.labels.size / MOST_CELLS)))
    labels = np.asarray(answer.labels[::step, ::step])
    depth = np.asarray(answer.depth[::step, ::step] / 255, np.float32)
    things = np.flatnonzero(deep_classes(labels, depth))
    return int(things[0]) if len(things) == 1 and labels.min() != labels.max() else None


def _full_of(answer: ClassPrediction) -> int:
    """What a confidence of 1 is written as."""
    return 255 if answer.confidence.dtype == np.uint8 else 1


def _share_of(answer: ClassPrediction, thing: int) -> Real:
    """Probability of a class, [H, W], as far as the most likely one tells."""
    full = _full_of(answer)
    sure = answer.confidence.astype(np.float32) / np.float32(full)
    return np.where(answer.labels == thing, sure, 1 - sure)


def _others(labels: Pixels, thing: int) -> Pixels:
    """What is there where objects are not: the class of the nearest pixel that is none of theirs, [H, W]."""
    found = np.flatnonzero(np.bincount(labels.ravel(), minlength=256))
    rest = found[found != thing]
    if len(rest) == 1:
        return np.broadcast_to(np.uint8(rest[0]), labels.shape)
    rows, cols = ndimage.distance_transform_edt(labels == thing, return_distances=False, return_indices=True)
    return np.asarray(labels[rows, cols])


def _write(answer: ClassPrediction, rows: slice, thing: int, odds: Real, other: Pixels) -> None:
    """Put some rows in their place; what neither was nor becomes an object stays as it is."""
    was, is_thing = answer.labels[rows] == thing, odds > 0
    full = _full_of(answer)
    sure = full / (1 + np.exp(-np.abs(odds)))
    sure = np.rint(sure) if full > 1 else sure
    concerned = was | is_thing
    answer.labels[rows] = np.where(is_thing, thing, np.where(was, other[rows], answer.labels[rows]))
    np.copyto(answer.confidence[rows], sure.astype(answer.confidence.dtype), where=concerned)


def _bands(height: int) -> Iterator[slice]:
    for top in range(0, height, BAND):
        yield slice(top, min(height, top + BAND))


def _direction(colours: Real, share: Real) -> Real | None:
    """Along which colours of objects and background differ most for how much they vary, float32 [3]."""
    flat, told = colours.reshape(-1, 3).astype(np.float64), share.ravel().astype(np.float64)
    core, ground = np.clip(2 * told - 1, 0, 1), np.clip(1 - 2 * told, 0, 1)
    if min(core.sum(), ground.sum()) < 1:
        return None
    means, scatter = [], np.zeros((3, 3))
    for weight in (core, ground):
        mean = weight @ flat / weight.sum()
        scatter += ((flat - mean).T * weight) @ (flat - mean) / weight.sum()
        means.append(mean)
    if float(np.linalg.norm(means[0] - means[1])) < FAINTEST:
        return None
    scatter += np.eye(3) * (np.trace(scatter) / 30 + 1)  # colours of few pictures do not fill all directions
    return np.asarray(np.linalg.solve(scatter, means[0] - means[1]), np.float32)


def _split(values: Real) -> Real | None:
    """Values, 0 where the picture falls in two and 1 away at the mean of each side; None where there is one value."""
    if not float(values.max()) > float(values.min()):
        return None
    edge = float(threshold_otsu(values))
    is_high = values > edge
    half = (float(values[is_high].mean()) - float(values[~is_high].mean())) / 2
    return np.asarray((values - edge) / half, np.float32) if half > 0 else None


def _around(values: Real, weights: Real, deviation: float) -> tuple[Real, float]:
    """Weighted mean round every place [h, w], and of all places."""
    mean = float((weights * values).sum() / weights.sum())
    seen = ndimage.gaussian_filter(weights, deviation) + EVERYWHERE
    total = ndimage.gaussian_filter(weights * values, deviation) + EVERYWHERE * mean
    return total / seen, mean


def _variance(values: Real, weights: Real) -> float:
    mean = (weights * values).sum() / weights.sum()
    return float((weights * (values - mean) ** 2).sum() / weights.sum())


def _between(places: NDArray[Any], step: int, count: int) -> tuple[NDArray[Any], NDArray[Any], Real]:
    """Between which cells places lie, and how far on the way from the first to the second."""
    at = np.clip((places + 0.5) / step - 0.5, 0, count - 1)
    first = np.floor(at).astype(np.int64)
    return first, np.minimum(first + 1, count - 1), (at - first).astype(np.float32)
