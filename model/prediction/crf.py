"""Refinement of edges by a fully connected conditional random field (Krähenbühl and Koltun, 2011).

Every pixel is joined with every other one: those that are near and of like colour want the same class
(appearance), and so do close neighbours (smoothness). Mean-field inference needs one high-dimensional
Gaussian filtering per round, which the permutohedral lattice (`model.prediction.permutohedral`) does in linear time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special

from model.errors import ModelError
from model.prediction.permutohedral import Lattice

Maps = NDArray[np.float32]
Filter = Callable[[Maps], Maps]
"""[C, N] -> [C, N], a sum over all pixels weighted by a kernel."""

_LEAST = 1e-5
LEAST_REACH = 0.001
"""Of a pixel, or of a step of colour: what is less reaches nobody, and its lattice has no end."""


@dataclass(frozen=True, slots=True)
class Crf:
    """How strongly pixels want to agree, and with whom.

    Attributes:
        rounds: of mean-field inference.
        appearance: weight of the kernel over place and colour.
        appearance_xy: its reach in pixels.
        appearance_rgb: its reach in colour, of 255.
        smoothness: weight of the kernel over place alone.
        smoothness_xy: its reach in pixels.

    Raises:
        ModelError: no rounds, a reach below 0.001, or a weight below 0.
    """

    rounds: int = 5
    appearance: float = 2.0
    appearance_xy: float = 50.0
    appearance_rgb: float = 10.0
    smoothness: float = 2.0
    smoothness_xy: float = 2.0

    def __post_init__(self) -> None:
        reaches = (self.appearance_xy, self.appearance_rgb, self.smoothness_xy)
        is_reaching = all(reach >= LEAST_REACH for reach in reaches)
        if self.rounds < 1 or not is_reaching or not min(self.appearance, self.smoothness) >= 0:
            raise ModelError(
                f"The refinement needs at least one round, reaches from {LEAST_REACH} and weights from 0 upwards.",
                action="Leave its settings as they are.",
            )


def refine(probabilities: Maps, pixels: NDArray[np.uint8], crf: Crf) -> Maps:
    """Probabilities that follow the edges of the picture.

    Args:
        probabilities: float32 [C, H, W], of a classifier.
        pixels: uint8 [H, W, 3].
        crf: the settings.

    Returns:
        float32 [C, H, W]; sums to 1 over C.
    """
    shape = probabilities.shape[1:]
    filters = (
        (crf.appearance, _normalised(_bilateral(pixels, crf), pixels.shape[0] * pixels.shape[1])),
        (crf.smoothness, _normalised(_gaussian(shape, crf.smoothness_xy), shape[0] * shape[1])),
    )
    evidence = np.log(np.maximum(probabilities, _LEAST)).reshape(len(probabilities), -1)
    return mean_field(evidence, filters, crf.rounds).reshape(probabilities.shape)


def mean_field(evidence: Maps, filters: tuple[tuple[float, Filter], ...], rounds: int) -> Maps:
    """Class probabilities [C, N] from log probabilities [C, N] and weighted kernels, Potts model.

    As in the authors' program a pixel takes part in its own message.
    """
    belief: Maps = special.softmax(evidence, axis=0)
    for _ in range(rounds):
        messages = evidence.copy()
        for weight, smooth in filters:
            if weight > 0:
                messages += weight * smooth(belief)
        belief = special.softmax(messages, axis=0)
    return belief


def _normalised(smooth: Filter, count: int) -> Filter:
    """The kernel divided by the roots of its row and column sums: symmetric, rows sum to about 1."""
    ones = np.ones((1, count), dtype=np.float32)
    root: Maps = (1 / np.sqrt(np.maximum(smooth(ones), 1e-20))).astype(np.float32)
    return lambda maps: smooth(maps * root) * root


def _bilateral(pixels: NDArray[np.uint8], crf: Crf) -> Filter:
    rows, cols = np.mgrid[: pixels.shape[0], : pixels.shape[1]].astype(np.float32)
    place = np.stack((rows, cols), axis=-1) / np.float32(crf.appearance_xy)
    colour = pixels.astype(np.float32) / np.float32(crf.appearance_rgb)
    return Lattice(np.concatenate((place, colour), axis=-1).reshape(-1, 5)).smooth


def _gaussian(shape: tuple[int, ...], reach: float) -> Filter:
    def smooth(maps: Maps) -> Maps:
        planes = maps.reshape(len(maps), *shape)
        done = [ndimage.gaussian_filter(each, reach, mode="constant") for each in planes]
        return np.stack(done).reshape(maps.shape)

    return smooth
