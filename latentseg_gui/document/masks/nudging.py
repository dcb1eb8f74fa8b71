"""Push and pull: a round soft hand moves what is under it, and with it the border of an area."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentseg_gui.document.types import Mask

XY = tuple[float, float]

_STRIDE: Final = 0.2
"""The hand goes on by at most this share of its radius at a time, so that nothing folds over."""


class Nudge:
    """Moves the border of an area step by step.

    The area is kept as the signed distance to its border, which is moved without becoming ragged (a level set).

    Args:
        area: bool [h, w], with as much room round it as it may need.
        radius: of the hand, in pixels.
    """

    def __init__(self, area: Mask, radius: float) -> None:
        self._field = _signed_distance(area, 2 * radius + 4)
        self._area = area
        self._touched = np.zeros(area.shape, np.bool_)
        self._radius = max(radius, 1.0)

    @property
    def area(self) -> Mask:
        """The area now, bool [h, w]; what the hand did not come near is as it was to the pixel."""
        return np.where(self._touched, self._field > 0, self._area)

    def along(self, way: Sequence[XY]) -> None:
        """Moves the hand over points of the area, (0, 0) being its upper left corner."""
        for start, end in itertools.pairwise(way):
            step = np.subtract(end, start)
            length = float(np.hypot(*step))
            count = max(1, int(np.ceil(length / (_STRIDE * self._radius))))
            for index in range(count if length else 0):
                self._push(np.add(start, step * (index / count)), step / count)

    def _push(self, xy: NDArray[np.float64], step: NDArray[np.float64]) -> None:
        """Everything within the radius goes with the hand: whole at its middle, not at all at its rim."""
        radius, (height, width) = self._radius, self._field.shape
        row0, col0 = (max(0, int(np.floor(xy[axis] - radius))) for axis in (1, 0))
        row1, col1 = (
            min(size, int(np.ceil(xy[axis] + radius)) + 1) for axis, size in ((1, height), (0, width))
        )
        if row0 >= row1 or col0 >= col1:
            return
        rows, cols = np.mgrid[row0:row1, col0:col1]  # [h', w'] each
        away = np.hypot(cols + 0.5 - xy[0] - step[0], rows + 0.5 - xy[1] - step[1]) / radius
        weight = np.clip(1.0 - away**2, 0.0, 1.0) ** 2
        came_from = np.stack([rows - weight * step[1], cols - weight * step[0]])  # [2, h', w']
        moved = ndimage.map_coordinates(self._field, came_from, order=1, mode="nearest")
        self._field[row0:row1, col0:col1] = moved
        self._touched[row0:row1, col0:col1] |= weight > 0


def _signed_distance(area: Mask, most: float) -> NDArray[np.float64]:
    """Distance to the border, positive inside, in pixels; no more than ``most`` matters.

    The border of the image is none, so that an area that ends there is not drawn in from there.
    """
    inside = ndimage.distance_transform_edt(area) - 0.5 if not area.all() else np.full(area.shape, most)
    outside = ndimage.distance_transform_edt(~area) - 0.5
    return np.clip(np.where(area, inside, -outside), -most, most)
