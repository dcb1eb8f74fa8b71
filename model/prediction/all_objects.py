"""Proposals for everything on an image: a grid of clicks and boxes round blobs, answered in batches.

First a coarse grid over the whole image, then finer ones where no object was found yet: most clicks of a dense grid
would only ask again for what is known. Then boxes round what stands out: a click into a field of small alike things
means the field more often than one of them, and a box says how large the thing is. Then the same zoomed in.
What a box finds is a part of a larger thing as often as a thing, so it never keeps a click from being asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.prediction.blobs import blobs_of, box_overlaps
from model.prediction.click_batches import segment_each
from model.prediction.found_objects import SAME, FoundObject, Sieve, best_of_overlapping, sieved_objects
from model.prediction.outputs import EncodedImage
from model.prediction.predictor import Predictor, as_clicked
from model.prediction.resample import resize_pixels
from model.prediction.views import is_worthwhile, views
from model.prediction.zoom_region import EncodedRegion

BATCH: Final = 8

MOST_CELLS: Final = 12.0
"""An object larger than so many cells of a grid may hold smaller ones, so that its area is searched, too."""


@dataclass(frozen=True, slots=True)
class Level:
    """What is asked for of each view of one nearness.

    Attributes:
        parts: the image is looked at in so many views along a side; 1 for all of it at once.
        blobs: boxes of a view that are asked for at most, the clearest first.
        grids: clicks along the longer side of a view, for one grid after the other.
    """

    parts: int
    blobs: int
    grids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Thoroughness:
    """How thoroughly objects are looked for.

    Attributes:
        levels: from afar and zoomed in; the zoomed ones only where they show more.
        sieve: what counts as an object.
    """

    levels: tuple[Level, ...] = (Level(1, 128, (8, 16)), Level(2, 12, (8,)))
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


@dataclass(frozen=True, slots=True)
class _Questions:
    """Clicks [N, 2] in pixels of a view, and boxes round them [N, 4]; None for clicks alone."""

    xy: NDArray[np.float32]
    boxes: NDArray[np.float32] | None = None

    def batches(self) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32] | None]]:
        """A few at a time."""
        for first in range(0, len(self.xy), BATCH):
            part = slice(first, first + BATCH)
            yield self.xy[part], None if self.boxes is None else self.boxes[part]


_Round = tuple[int, Callable[[tuple[FoundObject, ...]], _Questions]]
"""At most so many questions, and which of them are open once something is known."""


def propose_objects(predictor: Predictor, search: Thoroughness | None = None) -> Iterator[Found]:
    """Proposals for everything on the present image, better and more of them from step to step.

    Args:
        predictor: set to the image; its network must answer clicks.
        search: how thoroughly; None for the default.

    Yields:
        What is known so far; at last all of it, with the fraction 1. Who stops listening stops the work.

    Raises:
        ModelError: there is no image, or the network knows classes only.
    """
    search = search or Thoroughness()
    image, runner = as_clicked(predictor)
    levels = [each for each in search.levels if is_worthwhile(image, each.parts)]
    most = sum(each.parts**2 * _most_questions(each, image.shape) for each in levels)
    asked, found = 0, tuple[FoundObject, ...]()
    for level in levels:
        for view in views(runner, image, level.parts):
            for count, open_questions in _rounds(level, view, image):
                for xy, boxes in open_questions(found).batches():
                    logits, scores = segment_each(runner, view.encoding, xy, boxes)
                    new = sieved_objects(logits, scores, xy, view, image.shape, search.sieve)
                    new = new if boxes is None else [replace(each, is_boxed=True) for each in new]
                    found = best_of_overlapping((*found, *new))
                    yield Found(found, min(0.99, asked / most))
                asked += count
    yield Found(found, 1.0)


def _most_questions(level: Level, size: tuple[int, int]) -> int:
    return level.blobs + sum(len(_grid(size, grid)) for grid in level.grids)


def _rounds(level: Level, view: EncodedRegion, image: EncodedImage) -> Iterator[_Round]:
    """What is asked for of a view, one after the other."""
    for grid in level.grids:
        points = _grid(view.size, grid)
        yield len(points), partial(_open_places, points=points, view=view, cell=_cell(view, grid))
    yield level.blobs, partial(_open_blobs, view=view, image=image, most=level.blobs)


def _open_blobs(
    found: tuple[FoundObject, ...], *, view: EncodedRegion, image: EncodedImage, most: int
) -> _Questions:
    """Blobs of a view that are not found yet."""
    row0, col0, row1, col1 = view.bounds
    blobs = blobs_of(resize_pixels(image.pixels[row0:row1, col0:col1], view.size), most)
    known = np.array([each.bounds for each in found], np.float32).reshape(-1, 4)[:, (1, 0, 3, 2)]
    corners = in_image(blobs.boxes.reshape(-1, 2), view).reshape(-1, 4)  # [2 * N, 2] -> [N, 4]
    is_open = np.array([bool((box_overlaps(box, known) < SAME).all()) for box in corners], np.bool_)
    return _Questions(blobs.xy[is_open], blobs.boxes[is_open])


def _open_places(
    found: tuple[FoundObject, ...], *, points: NDArray[np.float32], view: EncodedRegion, cell: float
) -> _Questions:
    """Places of a grid on which nothing is found yet that is too small to hold something else."""
    small = tuple(each for each in found if not each.is_boxed and each.pixels <= MOST_CELLS * cell)
    return _Questions(points[~is_known(small, points, view)])


def batches(points: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Positions [N, 2], a batch at a time."""
    for first in range(0, len(points), BATCH):
        yield points[first : first + BATCH]


def is_known(
    found: tuple[FoundObject, ...], points: NDArray[np.float32], view: EncodedRegion
) -> NDArray[np.bool_]:
    """Which positions [N, 2] of a view lie on an object already, bool [N]."""
    xy = in_image(points, view)
    known = np.zeros(len(points), np.bool_)
    for each in found:
        known |= each.holds(xy)
    return known


def in_image(points: NDArray[np.float32], view: EncodedRegion) -> NDArray[np.float32]:
    """Positions [N, 2] of a view in pixels of the image."""
    corner = np.array((view.bounds[1], view.bounds[0]), np.float32)
    return np.asarray(points / np.array(view.scale_xy, np.float32) + corner, np.float32)


def _cell(view: EncodedRegion, along: int) -> float:
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
