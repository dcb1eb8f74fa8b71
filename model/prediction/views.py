"""An image in overlapping parts, each encoded on its own: small objects are seen zoomed in."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

import numpy as np

from model.prediction.outputs import EncodedImage
from model.prediction.predictor import CLICK_PIXELS
from model.prediction.resample import ZoomLimits, resize_pixels, zoomed_size
from model.prediction.runner import Runner
from model.prediction.zoom_region import WORTHWHILE, Bounds, EncodedRegion

OVERLAP: Final = 0.25
"""Neighbouring parts share this much of a side, so that what one of them cuts off is whole in another."""

MOST_PARTS: Final = 6

_VIEW: Final = ZoomLimits(pixels=CLICK_PIXELS, most_pixels=CLICK_PIXELS, enlarged=2.5)


def views(runner: Runner, image: EncodedImage, parts: int) -> Iterator[EncodedRegion]:
    """The image in ``parts`` x ``parts`` views, one after the other; each is encoded when its turn comes.

    Args:
        runner: what answers clicks.
        image: as clicks see it, from `as_clicked`.
        parts: along a side; 1 for the whole at once, which is encoded already.
    """
    if parts == 1:
        yield EncodedRegion((0, 0, *image.shape), image.size, image.encoding)
        return
    for bounds in parts_of(image.shape, parts):
        row0, col0, row1, col1 = bounds
        size = zoomed_size((row1 - row0, col1 - col0), _VIEW)
        yield EncodedRegion(
            bounds, size, runner.encode(resize_pixels(image.pixels[row0:row1, col0:col1], size))
        )


def parts_of(shape: tuple[int, int], parts: int) -> list[Bounds]:
    """The rectangles of ``parts`` x ``parts`` overlapping views of a picture of ``shape``."""
    rows, cols = (_spans(side, parts) for side in shape)
    return [(top, left, bottom, right) for (top, bottom), (left, right) in itertools.product(rows, cols)]


def is_worthwhile(image: EncodedImage, parts: int) -> bool:
    """Whether so many views show noticeably more than the whole at once."""
    if parts == 1:
        return True
    bounds = parts_of(image.shape, parts)[0]
    size = zoomed_size((bounds[2] - bounds[0], bounds[3] - bounds[1]), _VIEW)
    return size[0] / (bounds[2] - bounds[0]) >= WORTHWHILE * image.scale_xy[1]


def parts_for(image: EncodedImage, diameter: float, wanted: float) -> int:
    """Views along a side in which an object appears ``wanted`` pixels wide, within what is possible.

    Args:
        image: as clicks see it.
        diameter: of the object in pixels of the image.
        wanted: diameter in pixels of the view.
    """
    for parts in range(1, MOST_PARTS):
        bounds = parts_of(image.shape, parts)[0]
        rows = bounds[2] - bounds[0]
        size = image.size if parts == 1 else zoomed_size((rows, bounds[3] - bounds[1]), _VIEW)
        if diameter * size[0] / rows >= wanted:
            return parts
    return MOST_PARTS


def _spans(side: int, parts: int) -> list[tuple[int, int]]:
    """Where the parts of a side begin and end."""
    length = min(side, max(1, round(side * (1 + OVERLAP * (parts - 1)) / parts)))
    starts = np.linspace(0, side - length, parts).round().astype(int).tolist()
    return [(start, start + length) for start in starts]
