"""What is computed from attention maps before they are shown, beside `model.analysis.attention`. Numpy only.

Shapes: K experts, C classes, (h, w) tokens. ``look`` sums to 1 over tokens, ``mix`` over
experts, as in `latentseg_gui.document.experts.maps.AttentionMaps`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from model.analysis.attention import class_affinity as class_affinity
from model.analysis.attention import labels_at_tokens as labels_at_tokens
from model.analysis.attention import look_entropy as look_entropy
from model.analysis.attention import mass as mass
from model.analysis.attention import mix_entropy as mix_entropy
from model.analysis.attention import reduce_heads as reduce_heads
from model.analysis.attention import territory as territory

Floats = NDArray[np.float32]
Head = int | Literal["mean", "max"]
Normalisation = Literal["expert", "shared", "zero"]

_MIDDLE: Final = (0.5, 99.5)
_SAMPLED: Final = 4099
"""Values per map from which its range is found."""

SORT_KEYS: Final = ("index", "mass", "entropy", "class")


def head_mean(maps: Floats) -> Floats:
    """The mean over heads, float32 [K, h, w], which most figures start from."""
    return reduce_heads(maps, "mean")


def floored(entropy: Floats) -> tuple[float, float]:
    """Limits for showing ``entropy``: up to 1, from what is there, rounded down, for it may be near 1 everywhere."""
    low = float(np.floor(entropy.min() * 50) / 50)
    return min(low, 0.98), 1.0


def value_limits(maps: Floats, normalisation: Normalisation) -> Floats:
    """The values of the darkest and of the brightest colour, float32 [K, 2].

    "expert" spreads the colours over the middle 99 % of the values of each map, so that its structure shows even
    where all values are nearly alike; "shared" over the middle 99 % of all maps together, so that a weak expert
    looks weak; "zero" from 0 to the largest value of all, so that what looks flat is flat.
    """
    count = maps.shape[0]
    if normalisation == "zero":
        return np.tile(np.array([0.0, max(float(maps.max()), 1e-12)], np.float32), (count, 1))
    flat = maps.reshape(count, -1)
    flat = flat[:, :: -(-flat.shape[1] // _SAMPLED) | 1]  # odd: not the same few columns over and over
    axis = 1 if normalisation == "expert" else None
    limits = np.percentile(flat, _MIDDLE, axis=axis)
    found: Floats = np.broadcast_to(limits.reshape(2, -1).T, (count, 2)).astype(np.float32)
    found[:, 1] = np.maximum(found[:, 1], found[:, 0] + np.float32(1e-12) + np.abs(found[:, 0]) * 1e-6)
    return found


def thumbnails(maps: Floats, limits: Floats, side: int) -> NDArray[np.uint8]:
    """Small versions, uint8 [K, h', w'], 0..255 between ``limits`` [K, 2], the longer side at most ``side``."""
    low, high = limits[:, 0, None, None], limits[:, 1, None, None]
    small = block_means(maps, side)
    return np.clip((small - low) * (np.float32(255.0) / (high - low)), 0, 255).astype(np.uint8)


def block_means(maps: Floats, side: int) -> Floats:
    """Block means so that the longer side of [..., h, w] is at most ``side``; a rest is cut off."""
    rows, cols = maps.shape[-2:]
    step = -(-max(rows, cols) // side)
    if step <= 1 or min(rows, cols) < step:
        return maps
    cut = maps[..., : rows // step * step, : cols // step * step]
    # One axis after the other, in the order of memory: several times faster than a mean over both.
    sums = cut.reshape(*maps.shape[:-2], rows // step, step, cols // step * step).sum(axis=-2)
    means: Floats = sums[..., ::step].copy()
    for shift in range(1, step):
        means += sums[..., shift::step]
    means /= np.float32(step * step)
    return means


def sort_order(key: str, experts: ExpertFigures, class_id: int = 0) -> tuple[int, ...]:
    """Expert indices in the order asked for: one of `SORT_KEYS`, the strongest first."""
    count = experts.mass.size
    if key == "mass":
        values = experts.mass
    elif key == "entropy":
        values = -experts.spread
    elif key == "class" and 0 <= class_id < experts.affinity.shape[1]:
        values = experts.affinity[:, class_id]
    else:
        return tuple(range(count))
    return tuple(int(each) for each in np.argsort(-values, kind="stable"))


@dataclass(frozen=True, slots=True)
class ExpertFigures:
    """A few numbers per expert.

    Attributes:
        mass: share of the image explained, float32 [K].
        spread: how widely it looks, float32 [K].
        affinity: share of each class in what it explains, float32 [K, C]; C is 0 without labels.
    """

    mass: Floats
    spread: Floats
    affinity: Floats


@dataclass(frozen=True, slots=True)
class PixelMix:
    """The mix of one token.

    Attributes:
        xy: the pixel that was asked about.
        per_head: float32 [heads, K], rows summing to 1.
        mean: float32 [K].
        ranked: expert indices, the largest share first.
    """

    xy: tuple[float, float]
    per_head: Floats
    mean: Floats
    ranked: tuple[int, ...]


def pixel_mix(mix: Floats, shape: tuple[int, int], stride: float, xy: tuple[float, float]) -> PixelMix | None:
    """The mix of the token under ``xy`` (pixels of the image of ``shape``); None outside.

    ``mix`` is [heads, K, h, w], with tokens of ``stride`` pixels.
    """
    height, width = shape
    if not (0 <= xy[0] < width and 0 <= xy[1] < height):
        return None
    row = min(int(xy[1] / stride), mix.shape[2] - 1)
    col = min(int(xy[0] / stride), mix.shape[3] - 1)
    per_head = mix[:, :, row, col]
    mean = per_head.mean(axis=0, dtype=np.float32)
    ranked = tuple(int(each) for each in np.argsort(-mean, kind="stable"))
    return PixelMix(xy, per_head, mean, ranked)
