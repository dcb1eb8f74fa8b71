"""Colours of masks that a lossy format has blurred."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_MOST: Final = 32
_SHARE: Final = 0.005
_APART: Final = 60.0
_NEAR: Final = 30.0
_MOSTLY: Final = 0.8


def sharpened(
    indices: NDArray[np.unsignedinteger[Any]], colours: NDArray[np.uint8], known: NDArray[np.uint8]
) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.uint8]] | None:
    """The same picture of few colours: each pixel has the nearest of those that were painted.

    Args:
        indices: into ``colours``, unsigned [H, W].
        colours: (red, green, blue) of 0..255, uint8 [n, 3].
        known: colours that are likely, uint8 [k, 3]: one that is near is the one that was painted.

    Returns:
        Indices [H, W], and their colours, uint8 [m, 3]; None where nothing says which were
        painted, as in a photograph.
    """
    counts = np.bincount(indices.reshape(-1), minlength=len(colours))
    points = colours.astype(np.float64)
    centres: list[int] = []
    for index in np.argsort(-counts, kind="stable").tolist():
        if counts[index] < _SHARE * indices.size or len(centres) > _MOST:
            break
        if all(np.linalg.norm(points[index] - points[each]) > _APART for each in centres):
            centres.append(index)
    if not 1 < len(centres) <= _MOST:
        return None
    distances = np.linalg.norm(points[:, None] - points[None, centres], axis=2)  # [n, centres]
    if counts[distances.min(axis=1) <= _NEAR].sum() < _MOSTLY * indices.size:
        return None
    nearest = distances.argmin(axis=1).astype(np.uint8)
    return nearest[indices], np.array([_likely(colours[each], known) for each in centres], np.uint8)


def _likely(colour: NDArray[np.uint8], known: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The known colour that is meant, or the colour itself."""
    distances = np.linalg.norm(known.astype(np.float64) - colour, axis=1)  # [k]
    return known[distances.argmin()] if len(known) and distances.min() <= _NEAR else colour
