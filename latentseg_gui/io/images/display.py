"""From the values of a file to what is shown: upright, eight bits, three channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.generic]
"""[H, W] or [H, W, channels], any real dtype."""

_SAMPLE = 1_000_000
_PERCENTILES = (0.1, 99.9)
_FLOAT_MAX = float(np.finfo(np.float32).max)
_NODATA = (-9999.0, -99999.0, -32768.0, _FLOAT_MAX, -_FLOAT_MAX, 3.4e38, -3.4e38, 1e20, 9.969209968386869e36)
"""What stands for "no data" by custom, most usual first."""

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


def nodata_of(values: Values, told: float | None = None) -> float | None:
    """The value that stands for "nothing was measured here"; None if there is none, or it does not occur.

    Args:
        values: any shape.
        told: what the file says it is; else what programs for maps and heights commonly write is looked
            for, and only taken for that where no value lies beyond it.
    """
    if values.dtype.kind not in "iuf" or values.dtype == np.uint8 or values.size == 0:
        return None
    sample = _sample(values)
    if told is not None and np.isfinite(told) and _fits(told, values.dtype):
        return told
    if sample.size == 0:
        return None
    for extreme in (float(sample.min()), float(sample.max())):
        for usual in _NODATA:
            if _fits(usual, values.dtype) and np.isclose(extreme, usual, rtol=1e-6, atol=0.0):
                return extreme
    return None


def _fits(value: float, dtype: np.dtype[Any]) -> bool:
    """Whether a value can occur among numbers of this type."""
    if dtype.kind == "f":
        return abs(value) <= float(np.finfo(dtype).max) * (1 + 1e-6)
    limits = np.iinfo(dtype)
    return value == round(value) and limits.min <= value <= limits.max


def sampled_values(values: Values, nodata: float | None = None) -> NDArray[np.float64]:
    """A sample of the values, at most about two million, without those that stand for nothing."""
    sample = _sample(values)
    if nodata is None or sample.size == 0:
        return sample
    with np.errstate(over="ignore"):
        wanted = float(np.array(nodata).astype(values.dtype))
    rest = sample[sample != wanted]
    return rest if rest.size else sample


def _sample(values: Values) -> NDArray[np.float64]:
    flat = values.reshape(-1)
    sample = flat[:: max(1, flat.size // _SAMPLE)].astype(np.float64)
    return sample[np.isfinite(sample)]


def default_levels(values: Values, *, nodata: float | None = None) -> tuple[float, float]:
    """The values to be shown black and white: all of 0..255 for bytes, nearly all that occur for others.

    Args:
        values: any shape.
        nodata: a value that is left out.

    Returns:
        The lower and the higher one; whole numbers for integers.
    """
    if values.dtype == np.uint8:
        return 0.0, 255.0
    if values.dtype == np.bool_:
        return 0.0, 1.0
    sample = sampled_values(values, nodata)
    if sample.size == 0:
        return 0.0, 1.0
    # Quarters: between two of the largest numbers lies more than any number.
    low, high = (float(level) * 4.0 for level in np.percentile(sample / 4.0, _PERCENTILES))
    if values.dtype.kind in "iu":
        low, high = float(np.floor(low)), float(np.ceil(high))
    if low == high:
        low, high = float(sample.min()), float(sample.max())
    # Of the largest numbers, the next one is farther away than 1.
    return low, high if high > low else max(low + 1.0, float(np.nextafter(low, np.inf)))


def are_distinct(values: Values, levels: tuple[float, float]) -> bool:
    """Whether values that differ are shown so between these levels: 64-bit integers may be too close."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8 or values.size == 0:
        return True
    low, high = int(values.min()), int(values.max())
    return low == high or float(high) - float(low) > 0.0


def display_pixels(
    values: Values,
    *,
    channels: Sequence[int] | None = None,
    levels: tuple[float, float] | None = None,
    gamma: float = 1.0,
    is_inverted: bool = False,
    nodata: float | None = None,
) -> NDArray[np.uint8]:
    """What to show of an image.

    Args:
        values: [H, W] or [H, W, channels].
        channels: three channels for red, green, blue, or one for grey; None: the first three, or the
            only one (the first of two).
        levels: the values shown black and white; None: `default_levels`.
        gamma: of the curve between them; above 1 brightens the middle.
        is_inverted: whether small values are shown bright.
        nodata: a value that `default_levels` leave out.

    Returns:
        uint8 [H, W, 3]; ``values`` itself if it is already that.
    """
    chosen = _chosen(values, channels)
    low, high = levels or default_levels(chosen, nodata=nodata)
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
    # Where the whole range is more than any number, a quarter of everything is not.
    share = 1.0 if np.isfinite(high - low) else 0.25
    span = max(high * share - low * share, float(np.finfo(np.float64).tiny))
    for start in range(0, values.shape[0], rows):
        part = values[start : start + rows].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            part = np.clip((part * share - low * share) / span, 0.0, 1.0)
        part = np.nan_to_num(part, nan=0.0)
        if gamma != 1.0:
            part **= 1.0 / gamma
        if is_inverted:
            part = 1.0 - part
        result[start : start + rows] = np.rint(part * 255.0).astype(np.uint8)
    return result
