"""Colours of heatmaps and of experts as categories."""

from __future__ import annotations

import colorsys
from functools import cache

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

COLOUR_MAPS = ("magma", "viridis")


@cache
def map_colours(name: str) -> NDArray[np.uint8]:
    """256 colours of a perceptually uniform map, uint8 [256, 3]."""
    table: NDArray[np.uint8] = pg.colormap.get(name).getLookupTable(nPts=256, alpha=False)
    return np.ascontiguousarray(table[:, :3], dtype=np.uint8)


@cache
def expert_colours(count: int) -> NDArray[np.uint8]:
    """One colour per expert, uint8 [K, 3]: neighbours far apart in hue, two levels of lightness."""
    colours = []
    for index in range(count):
        hue = (index * 0.61803398875 + 0.08) % 1.0
        lightness = (0.62, 0.48, 0.74)[index % 3]
        colours.append(colorsys.hls_to_rgb(hue, lightness, 0.62))
    return np.round(np.array(colours, dtype=np.float64).reshape(-1, 3) * 255).astype(np.uint8)
