"""From the values of a file to what is shown: upright, eight bits, three channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.generic]
"""[H, W] or [H, W, channels], any real dtype."""

_SAMPLE = 1_000_000
_PERCENTILES = (0.1, 99.9)

ORIENTATION_NOTE = "Turned upright as its EXIF tag says."


def upright(values: Values, orientation: int) -> Values:
    """Turn the array [H, W, ...] as an EXIF orientation (1..8) asks; anything else leaves it."""
    if orientation in (5, 6, 7, 8):
        values = np.swapaxes(values, 0, 1)
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values


def default_levels(values: Values) -> tuple[float, float]:
    """The values to be shown black and white: all of 0..255 for bytes, nearly all that occur for others."""
    if values.dtype == np.uint8:
        return 0.0, 255.0
    if values.dtype == np.bool_:
        return 0.0, 1.0
    flat = values.reshape(-1)
    sample = flat[:: max(1, flat.size // _SAMPLE)].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        return 0.0, 1.0
    low, high = (float(level) for level in np.percentile(sample, _PERCENTILES))
    if low == high:
        low, high = float(sample.min()), float(sample.max())
    return low, high if high > low else low + 1.0


def display_pixels(
    values: Values,
    *,
    channels: Sequence[int] | None = None,
    levels: tuple[float, float] | None = None,
    gamma: float = 1.0,
    is_inverted: bool = False,
) -> NDArray[np.uint8]:
    """What to show of an image.

    Args:
        values: [H, W] or [H, W, channels].
        channels: three channels for red, green, blue, or one for grey; None: the first three, or the
            only one (the first of two).
        levels: the values shown black and white; None: `default_levels`.
        gamma: of the curve between them; above 1 brightens the middle.
        is_inverted: whether small values are shown bright.

    Returns:
        uint8 [H, W, 3]; ``values`` itself if it is already that.
    """
    chosen = _chosen(values, channels)
    low, high = levels or default_levels(chosen)
    is_plain = (low, high) == (0.0, 255.0) and gamma == 1.0 and not is_inverted
    scaled = (
        chosen if chosen.dtype == np.uint8 and is_plain else _scaled(chosen, low, high, gamma, is_inverted)
    )
    if scaled.ndim == 2 or scaled.shape[2] == 1:
        plane = scaled.reshape(scaled.shape[:2])
        return np.repeat(plane[:, :, None], 3, axis=2).astype(np.uint8, copy=False)
    return np.ascontiguousarray(scaled).astype(np.uint8, copy=False)


def over_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colours with transparency [H, W, 4] as they look on white paper [H, W, 3]."""
    alpha = rgba[:, :, 3:].astype(np.uint16)
    mixed = (rgba[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return mixed.astype(np.uint8)


def _chosen(values: Values, channels: Sequence[int] | None) -> Values:
    if values.ndim == 2:
        return values
    if channels is None:
        channels = (0, 1, 2) if values.shape[2] >= 3 else (0,)
    if tuple(channels) == tuple(range(values.shape[2])):
        return values
    return values[:, :, list(channels)]


def _scaled(values: Values, low: float, high: float, gamma: float, is_inverted: bool) -> NDArray[np.uint8]:
    """Map ``low``..``high`` to 0..255, a band of rows at a time; not-a-number is shown black."""
    result = np.empty(values.shape, np.uint8)
    rows = max(1, 4_000_000 // max(1, values[:1].size))
    for start in range(0, values.shape[0], rows):
        part = values[start : start + rows].astype(np.float64)
        part = np.clip((part - low) / (high - low), 0.0, 1.0)
        part = np.nan_to_num(part, nan=0.0)
        if gamma != 1.0:
            part **= 1.0 / gamma
        if is_inverted:
            part = 1.0 - part
        result[start : start + rows] = np.rint(part * 255.0).astype(np.uint8)
    return result
