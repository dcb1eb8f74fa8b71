"""Colours of heatmaps and of experts as categories."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

COLOUR_MAPS = ("magma", "viridis")


@cache
def map_colours(name: str) -> NDArray[np.uint8]:
    """256 colours of a perceptually uniform map, uint8 [256, 3]."""
    table: NDArray[np.uint8] = pg.colormap.get(name).getLookupTable(nPts=256, alpha=False)
    return np.ascontiguousarray(table[:, :3], dtype=np.uint8)


_LIGHTNESS: Final = 0.45, 0.92
_CHROMA: Final = 0.04, 0.18
_LEVELS: Final = 12
"""Of red, green and blue, from which colours are chosen."""


@cache
def expert_colours(count: int) -> NDArray[np.uint8]:
    """One colour per expert, uint8 [K, 3]: each as far as can be from all before it, to the eye.

    Distances are those of OKLab (Ottosson, 2020); what is nearly grey, black or white is left out, and what is glaring.
    """
    levels = np.round(np.linspace(0, 255, _LEVELS))
    rgb = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)  # [N, 3]
    lab = oklab(rgb)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    is_fit = (lab[:, 0] > _LIGHTNESS[0]) & (lab[:, 0] < _LIGHTNESS[1])
    is_fit &= (chroma > _CHROMA[0]) & (chroma < _CHROMA[1])
    rgb, lab, chroma = rgb[is_fit], lab[is_fit], chroma[is_fit]
    chosen, nearest = [int(chroma.argmax())], np.full(len(lab), np.inf)
    while len(chosen) < count:
        nearest = np.minimum(nearest, np.linalg.norm(lab - lab[chosen[-1]], axis=1))
        chosen.append(int(nearest.argmax()))
    return rgb[chosen[:count]].astype(np.uint8)


def oklab(rgb: NDArray[np.floating]) -> NDArray[np.float64]:
    """Lightness, green to red, and blue to yellow [N, 3] of sRGB colours 0..255 [N, 3]."""
    shares = np.asarray(rgb, np.float64) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T)


_TO_CONES: Final = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB: Final = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
