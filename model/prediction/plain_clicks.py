"""A further click on a plain region: what is missing has a tone of its own as well, or is little.

The network took the first click for a field of such things, and would do so again: what it makes of two clicks is
often far too much, and the mask was good. So a click on what is missing is first taken for a larger plain region
that holds all clicks. Where there is none, a click close by is a correction, and changes no more than one on a good
mask does. Clicks farther away say that something else was meant.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.prediction.inputs import Pointing
from model.prediction.plain_regions import PLAIN, PlainRegions
from model.prediction.postprocess import clicked_pixels

Mask = NDArray[np.bool_]

CLOSE: Final = 0.15
"""Distance of a correction from the region, in roots of its area."""

CLOSE_LATER: Final = 0.3
"""The same of a third click: a region that was kept at the second is rather the right one."""

BESIDE: Final = 1.0
"""A click at most so far away, in the same measure, means one thing of a field: not the field."""

LARGER: Final = 3.0
"""The one thing is at most so many times as large as what was taken for it."""

LARGER_LATER: Final = 1.4
"""The same at a third click."""

_FEW: Final = 2


def grown_region(pixels: NDArray[np.uint8], region: Mask, pointing: Pointing) -> Mask | None:
    """The region with a plain one round the last click that holds all clicks on the object, and no other click.

    Args:
        pixels: RGB, uint8 [H, W, 3].
        region: bool [H, W], what earlier clicks were taken for.
        pointing: in pixels of the image.

    Returns:
        bool [H, W]; None where there is no such region, or the click is not on what is missing.
    """
    rows, cols = clicked_pixels(pointing, region.shape)
    click = int(rows[-1]), int(cols[-1])
    if not pointing.is_positive[-1] or region[click]:
        return None
    larger = LARGER if len(rows) <= _FEW else LARGER_LATER
    most = larger * int(np.count_nonzero(region)) if _distance(region, click) < BESIDE else np.inf
    for found in PlainRegions(pixels, click).up_to(most):
        agrees = np.array_equal(found.mask[rows, cols], pointing.is_positive)
        grown = region | found.mask
        if found.clearness >= PLAIN and agrees and np.count_nonzero(grown) <= most:
            return grown
    return None


def is_correction(region: Mask, pointing: Pointing) -> bool:
    """Whether the last click is on the object and on the region, bool [H, W], or close by."""
    rows, cols = clicked_pixels(pointing, region.shape)
    most = CLOSE if len(rows) <= _FEW else CLOSE_LATER
    return bool(pointing.is_positive[-1]) and _distance(region, (int(rows[-1]), int(cols[-1]))) <= most


def _distance(region: Mask, place: tuple[int, int]) -> float:
    """From a place to the nearest pixel of the region, in roots of its area."""
    rows, cols = np.nonzero(region)
    nearest = float(np.hypot(rows - place[0], cols - place[1]).min(initial=np.inf))
    return nearest / max(1.0, float(np.sqrt(len(rows))))
