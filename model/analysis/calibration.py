"""Whether a network is as often right as it says it is sure, and a temperature that makes it so.

A temperature T divides the logits of all classes by T: no class changes, only how sure the network is of it. It is
fitted on pixels that were held back. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

BINS: Final = 15
LARGEST: Final = 16.0
"""Beyond this a network says of everything that it may be anything."""

_LEAST: Final = 1e-7


def with_temperature(shares: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Probabilities as a temperature makes them.

    Args:
        shares: probability of every class, float32 [C, N], each column adds up to 1.
        temperature: 1 changes nothing, more makes less sure.
    """
    logits = np.log(shares.clip(_LEAST)) / temperature
    powers = np.exp(logits - logits.max(0))
    return np.asarray(powers / powers.sum(0), dtype=np.float32)


def cut_off(share: float, temperature: float) -> float:
    """The probability, as a temperature makes it, of what had probability ``share`` of two classes before, 0..1."""
    if not 0 < share < 1:
        return share
    return 1 / (1 + math.exp(-math.log(share / (1 - share)) / temperature))


def fitted_temperature(
    shares: NDArray[np.float32], truth: NDArray[np.uint8], weights: NDArray[np.float64] | None = None
) -> float:
    """The temperature, 1..`LARGEST`, under which what is true is likeliest.

    It never makes a network surer than it is: on few held-out pixels it may have been right by luck.

    Args:
        shares: probability of every class, float32 [C, N].
        truth: class ids, uint8 [N].
        weights: how much each pixel counts, [N], not all zero; None: all the same.
    """
    if not truth.size:
        return 1.0

    def surprise(log_temperature: float) -> float:
        likely = with_temperature(shares, math.exp(log_temperature))[truth, np.arange(len(truth))]
        return float(np.average(-np.log(likely.clip(_LEAST)), weights=weights))

    found = minimize_scalar(surprise, bounds=(0.0, math.log(LARGEST)), method="bounded")
    return math.exp(float(found.x)) if surprise(float(found.x)) < surprise(0.0) else 1.0


def calibration_error(shares: NDArray[np.float32], truth: NDArray[np.uint8], bins: int = BINS) -> float:
    """Expected calibration error, 0..1: how far being right and being sure lie apart, in the mean over pixels.

    Args:
        shares: probability of every class, float32 [C, N].
        truth: class ids, uint8 [N].
        bins: of equal width, into which pixels are put by how sure the network is.

    Returns:
        NaN for no pixels.
    """
    if not truth.size:
        return math.nan
    sure, is_right = shares.max(0), shares.argmax(0) == truth
    bin_of = np.minimum((sure * bins).astype(np.intp), bins - 1)
    apart = np.bincount(bin_of, is_right, bins) - np.bincount(bin_of, sure, bins)
    return float(np.abs(apart).sum() / truth.size)
