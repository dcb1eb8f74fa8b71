"""Colours that can be told apart: Okabe and Ito's eight first, then generated ones."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

OKABE_ITO = ("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
"""Safe for colour-blind eyes; its black is left to the background."""

BACKGROUND_COLOUR = "#000000"
_MAX_COLOURS = 254


def palette(count: int) -> tuple[str, ...]:
    """``count`` distinct colours "#rrggbb"; the first ones do not depend on ``count``."""
    colours = OKABE_ITO if count <= len(OKABE_ITO) else _all_colours()
    return tuple(colours[index % len(colours)] for index in range(count))


def rgb_from_hex(colour: str) -> tuple[int, int, int]:
    """(red, green, blue), each 0..255, of "#rrggbb".

    Raises:
        ValueError: if it is not written so.
    """
    if len(colour) != 7 or colour[0] != "#":
        raise ValueError(f"not a colour: {colour!r}")
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def hex_from_rgb(rgb: tuple[int, int, int]) -> str:
    """The colour as "#RRGGBB"."""
    return "#{:02X}{:02X}{:02X}".format(*rgb)


@cache
def _all_colours() -> tuple[str, ...]:
    """Okabe-Ito, then again and again the candidate farthest from all colours so far, seen in OKLab."""
    steps = np.linspace(0, 255, 12).round()
    candidates = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    lightness = _oklab(candidates)[:, 0]
    candidates = candidates[(lightness > 0.35) & (lightness < 0.95)]
    seen = _oklab(candidates)
    taken = [rgb_from_hex(colour) for colour in (*OKABE_ITO, BACKGROUND_COLOUR, "#FFFFFF")]
    distance = np.min(
        [np.linalg.norm(seen - _oklab(np.array([rgb], float)), axis=1) for rgb in taken], axis=0
    )
    chosen: list[str] = []
    while len(chosen) < _MAX_COLOURS - len(OKABE_ITO):
        best = int(np.argmax(distance))
        red, green, blue = (int(value) for value in candidates[best])
        chosen.append(hex_from_rgb((red, green, blue)))
        distance = np.minimum(distance, np.linalg.norm(seen - seen[best], axis=1))
    return (*OKABE_ITO, *chosen)


def _oklab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ottosson's OKLab of sRGB values 0..255 [N, 3]."""
    value = rgb / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    to_lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    lab: NDArray[np.float64] = np.cbrt(linear @ to_lms.T) @ to_lab.T
    return lab
