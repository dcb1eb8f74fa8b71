"""Proposals for everything on an image: a grid of clicks, answered in batches.

First a coarse grid over the whole image, then finer ones where no object was found yet, then the same from closer
by: most clicks of a dense grid would only ask again for what is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.prediction.click_batches import segment_each
from model.prediction.found_objects import FoundObject, Sieve, best_of_overlapping, objects_of
from model.prediction.predictor import Predictor, as_clicked
from model.prediction.views import is_worthwhile, views
from model.prediction.zoom_region import Focus

BATCH: Final = 8

MOST_CELLS: Final = 12.0
"""An object larger than so many cells of a grid may hold smaller ones, so that its area is searched, too."""


@dataclass(frozen=True, slots=True)
class GridSearch:
    """How thoroughly objects are looked for.

    Attributes:
        grids: clicks along the longer side, for one grid after the other, on the whole image.
        parts: the image is then looked at in so many parts along a side; 1 for not at all.
        part_grids: clicks along the longer side of each part.
        sieve: what counts as an object.
    """

    grids: tuple[int, ...] = (8, 16)
    parts: int = 2
    part_grids: tuple[int, ...] = (8,)
    sieve: Sieve = field(default_factory=Sieve)


@dataclass(frozen=True, slots=True)
class Found:
    """What is known so far.

    Attributes:
        objects: the best first; of masks of the same object only the best.
        fraction: how much of the work is done, 0..1.
    """

    objects: tuple[FoundObject, ...]
    fraction: float


def propose_objects(predictor: Predictor, search: GridSearch | None = None) -> Iterator[Found]:
    """Proposals for everything on the present image, better and more of them from step to step.

    Args:
        predictor: set to the image; its network must answer clicks.
        search: how thoroughly; None for the default.

    Yields:
        What is known so far; at last all of it, with the fraction 1. Who stops listening stops the work.

    Raises:
        ModelError: there is no image, or the network knows classes only.
    """
    search = search or GridSearch()
    image, runner = as_clicked(predictor)
    levels = [(1, search.grids)]
    if search.parts > 1 and is_worthwhile(image, search.parts):
        levels.append((search.parts, search.part_grids))
    most = sum(parts**2 * len(_grid(image.shape, grid)) for parts, grids in levels for grid in grids)
    asked, found = 0, tuple[FoundObject, ...]()
    for parts, grids in levels:
        for view in views(runner, image, parts):
            for grid in grids:
                points = _grid(view.size, grid)
                asked += len(points)
                small = tuple(each for each in found if each.pixels <= MOST_CELLS * _cell(view, grid))
                open_points = points[~is_known(small, points, view)]
                for xy in batches(open_points):
                    logits, scores = segment_each(runner, view.encoding, xy)
                    new = objects_of(logits, scores, xy, view, image.shape, search.sieve)
                    found = best_of_overlapping((*found, *new))
                    yield Found(found, min(0.99, (asked - len(points)) / most))
    yield Found(found, 1.0)


def batches(points: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Positions [N, 2], a batch at a time."""
    for first in range(0, len(points), BATCH):
        yield points[first : first + BATCH]


def is_known(found: tuple[FoundObject, ...], points: NDArray[np.float32], view: Focus) -> NDArray[np.bool_]:
    """Which positions [N, 2] of a view lie on an object already, bool [N]."""
    xy = in_image(points, view)
    known = np.zeros(len(points), np.bool_)
    for each in found:
        known |= each.holds(xy)
    return known


def in_image(points: NDArray[np.float32], view: Focus) -> NDArray[np.float32]:
    """Positions [N, 2] of a view in pixels of the image."""
    corner = np.array((view.bounds[1], view.bounds[0]), np.float32)
    return np.asarray(points / np.array(view.scale_xy, np.float32) + corner, np.float32)


def _cell(view: Focus, along: int) -> float:
    """Pixels of the image that belong to one click of a grid."""
    row0, col0, row1, col1 = view.bounds
    return (row1 - row0) * (col1 - col0) / max(1, len(_grid(view.size, along)))


def _grid(size: tuple[int, int], along: int) -> NDArray[np.float32]:
    """Evenly spread positions (x, y) [N, 2], ``along`` of them along the longer side, at least 3 pixels apart."""
    step = max(3.0, max(size) / along)
    counts = [max(1, round(side / step)) for side in size]
    rows, cols = ((np.arange(count) + 0.5) * side / count for count, side in zip(counts, size, strict=True))
    grid = np.stack(np.meshgrid(cols, rows), axis=-1)  # [R, C, 2]
    return grid.reshape(-1, 2).astype(np.float32)  # [R * C, 2]
