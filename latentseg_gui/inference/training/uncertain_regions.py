"""Where a correction would teach most: where classes are close, and where the heads ask other experts."""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label, uniform_filter

from latentseg_gui.document.training.uncertain_regions import UncertainRegion, UncertainRegions, Why
from latentseg_gui.document.types import Rect
from latentseg_gui.inference.experts.experts import Live
from latentseg_gui.inference.training.messages import FindUncertainRegions

REGIONS: Final = 5
WINDOW: Final = 6
"""A region is as wide as this part of the longer side."""

LEAST: Final = 0.08
"""Regions with less uncertainty than this are not worth a visit."""

SPOT: Final = 0.5
"""What is at least this part as uncertain as the worst pixel of a window is the spot to look at."""

RIM: Final = 2

UNSURE_SHARE: Final = 0.7
MOSTLY_LABELLED: Final = 0.6

Map = NDArray[np.float32]
Number = TypeVar("Number", bound=np.generic)


def find_uncertain_regions(request: FindUncertainRegions, live: Live) -> UncertainRegions:
    """The most uncertain regions of a reduced image, without those that are labelled."""
    live.predictor.set_image(request.pixels)
    chances = live.predictor.predict_overview()
    size = chances.shape[1], chances.shape[2]
    open_ = ~_resized(request.labelled, size)
    unsure, top = margins(chances)
    apart = _resized(disagreement(live.predictor.attention().mix), size)
    score = np.where(open_, UNSURE_SHARE * unsure + (1 - UNSURE_SHARE) * apart, 0).astype(np.float32)
    scale = request.shape[0] / size[0], request.shape[1] / size[1]
    regions = []
    for window in worst_windows(score, open_):
        here = open_[window.slices]
        regions.append(
            UncertainRegion(
                request.image_id,
                _grown(spot_in(score, window), scale, request.shape),
                float(score[window.slices][here].mean()),
                float(unsure[window.slices][here].mean()),
                float(apart[window.slices][here].mean()),
                _why(unsure, apart, window, open_),
                _pair(top, unsure, window, open_, live.info.class_names),
            )
        )
    mean = float(unsure[open_].mean()) if open_.any() else 0.0
    return UncertainRegions(request.image_id, live.info.version, mean, tuple(regions))


def margins(chances: Map) -> tuple[Map, NDArray[np.intp]]:
    """1 minus the lead of the likeliest class over the next [H, W], and both classes [2, H, W]."""
    if len(chances) < 2:
        return np.zeros(chances.shape[1:], np.float32), np.zeros((2, *chances.shape[1:]), np.intp)
    top = np.argsort(chances, axis=0)[-2:][::-1]
    first, second = np.take_along_axis(chances, top, axis=0)
    return (1 - (first - second)).astype(np.float32), top


def disagreement(mix: Map) -> Map:
    """How differently the heads ask the experts at each token, 0..1 [h, w].

    The Jensen-Shannon divergence of what the heads ask (mix [heads, K, h, w]), over its largest value.
    """
    heads = mix.shape[0]
    if heads < 2:
        return np.zeros(mix.shape[2:], np.float32)
    divergence = _entropy(mix.mean(0), axis=0) - _entropy(mix, axis=1).mean(0)
    return np.asarray((divergence / np.log(heads)).clip(0, 1), dtype=np.float32)


def worst_windows(score: Map, open_: NDArray[np.bool_]) -> list[Rect]:
    """Windows with the highest mean score, none over another, in order."""
    rows, cols = score.shape
    side = max(8, max(rows, cols) // WINDOW)
    height, width = min(side, rows), min(side, cols)
    means = uniform_filter(score, (height, width), mode="constant")
    free = uniform_filter(open_.astype(np.float32), (height, width), mode="constant")
    means[free < 1 - MOSTLY_LABELLED] = 0
    found: list[Rect] = []
    while len(found) < REGIONS:
        row, col = np.unravel_index(int(means.argmax()), means.shape)
        if means[row, col] < LEAST:
            break
        row0 = min(max(0, int(row) - height // 2), rows - height)
        col0 = min(max(0, int(col) - width // 2), cols - width)
        found.append(Rect(row0, col0, row0 + height, col0 + width))
        means[max(0, row - height) : row + height, max(0, col - width) : col + width] = 0
    return found


def spot_in(score: Map, window: Rect) -> Rect:
    """What of a window is uncertain: the connected area with the most uncertainty, and a rim round it."""
    part = uniform_filter(score[window.slices], 3, mode="nearest")
    areas, _ = label(part >= SPOT * part.max())
    uncertainty = np.bincount(areas.ravel(), part.ravel())
    uncertainty[0] = 0  # what lies between the areas
    rows, cols = find_objects(areas)[int(uncertainty.argmax()) - 1]
    return Rect(
        window.row0 + rows.start - RIM,
        window.col0 + cols.start - RIM,
        window.row0 + rows.stop + RIM,
        window.col0 + cols.stop + RIM,
    ).clipped((score.shape[0], score.shape[1]))


def _why(unsure: Map, apart: Map, window: Rect, open_: NDArray[np.bool_]) -> Why:
    """What stands out in the window against the rest of the image."""
    here = open_[window.slices]
    more = [
        float(part[window.slices][here].mean()) / max(float(part[open_].mean()), 1e-6)
        for part in (unsure, apart)
    ]
    if more[0] > 1.15 and more[1] > 1.15:
        return "both"
    return "unsure" if more[0] >= more[1] else "experts"


def _pair(
    top: NDArray[np.intp], unsure: Map, window: Rect, open_: NDArray[np.bool_], names: tuple[str, ...]
) -> tuple[str, str]:
    """The two classes that are closest where the window is least sure."""
    here = open_[window.slices]
    uncertainty = unsure[window.slices][here]
    pairs = np.sort(
        top[(slice(None), *window.slices)][:, here][:, uncertainty >= np.median(uncertainty)], axis=0
    )
    codes, counts = np.unique(pairs[0] * 256 + pairs[1], return_counts=True)
    first, second = divmod(int(codes[counts.argmax()]), 256)
    return names[first], names[second]


def _entropy(chances: Map, axis: int) -> Map:
    return np.asarray(-(chances * np.log(chances.clip(1e-9))).sum(axis), dtype=np.float32)


def _resized(values: NDArray[Number], size: tuple[int, int]) -> NDArray[Number]:
    """Nearest value at every pixel of a map of ``size``."""
    rows, cols = ((np.arange(n) * m) // n for n, m in zip(size, values.shape, strict=True))
    return np.asarray(values[np.ix_(rows, cols)])


def _grown(window: Rect, scale: tuple[float, float], shape: tuple[int, int]) -> Rect:
    """A window of the reduced image in pixels of the image."""
    return Rect(
        round(window.row0 * scale[0]),
        round(window.col0 * scale[1]),
        round(window.row1 * scale[0]),
        round(window.col1 * scale[1]),
    ).clipped(shape)
