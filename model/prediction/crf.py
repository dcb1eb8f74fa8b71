"""Refinement of edges by a fully connected conditional random field (Krähenbühl and Koltun, 2011).

Every pixel is joined with every other one: those that are near and of like colour want the same class
(appearance), and so do close neighbours (smoothness). Mean-field inference needs one high-dimensional
Gaussian filtering per round, which the permutohedral lattice (`model.prediction.crf`) does in linear time.

A point spreads its value over the corners of the simplex that it lies in (splat), values are blurred
along the axes of the lattice, and the point gathers what arrived (slice). All three are sparse matrices.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse, special

from model.errors import ModelError

Values = NDArray[np.float32]

CHUNK: Final = 1 << 16
"""Points at a time, so that memory stays small while corners are sought."""


class Lattice:
    """The filter with the kernel exp(-|a - b|^2 / 2) between points.

    The lattice is an approximation: its kernel is a little wider, and known up to a factor only.

    Args:
        points: float32 [N, d], in units of the reach of the kernel.
    """

    def __init__(self, points: Values) -> None:
        self._splat, self._blurs = _matrices(points)

    def smooth(self, maps: Values) -> Values:
        """Maps [C, N] -> [C, N]: for every point the sum over all points, weighted by the kernel."""
        values = self._splat.T @ np.ascontiguousarray(maps.T)  # [M, C]
        for blur in self._blurs:
            values = blur @ values
        smoothed = self._splat @ values
        return np.ascontiguousarray(smoothed.T, dtype=np.float32)


def _corners(points: Values) -> tuple[NDArray[np.int32], Values]:
    """The corners of the simplex of every point: keys int32 [N, d + 1, d] and weights [N, d + 1]."""
    dim = points.shape[1]
    elevated = _elevated(points)
    base = np.rint(elevated / (dim + 1)).astype(np.int32) * (dim + 1)  # nearest remainder-0 point
    excess = base.sum(1) // (dim + 1)
    order = np.argsort(-(elevated - base), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(dim + 1)[None], axis=1)
    rank += excess[:, None]  # bring the point back to the plane on which coordinates sum to 0
    low, high = rank < 0, rank > dim
    base += np.where(low, dim + 1, 0).astype(np.int32) - np.where(high, dim + 1, 0).astype(np.int32)
    rank += np.where(low, dim + 1, 0) - np.where(high, dim + 1, 0)
    weights = _barycentric((elevated - base) / (dim + 1), rank)
    canonical = np.array(
        [[r if place <= dim - r else r - (dim + 1) for place in range(dim + 1)] for r in range(dim + 1)],
        dtype=np.int32,
    )
    keys = base[:, None, :dim] + canonical[:, rank[:, :dim]].transpose(1, 0, 2)
    return keys, weights.astype(np.float32)


def _elevated(points: Values) -> NDArray[np.float64]:
    """Points [N, d] on the plane of d + 1 coordinates whose sum is 0, scaled to the blur of the lattice."""
    dim = points.shape[1]
    axes = np.arange(dim)
    scale = (dim + 1) * math.sqrt(2 / 3) / np.sqrt((axes + 1) * (axes + 2))
    scaled = points.astype(np.float64) * scale
    elevated = np.zeros((len(points), dim + 1))
    rest = np.zeros(len(points))
    for axis in range(dim - 1, -1, -1):
        elevated[:, axis + 1] = rest - (axis + 1) * scaled[:, axis]
        rest += scaled[:, axis]
    elevated[:, 0] = rest
    return elevated


def _barycentric(offset: NDArray[np.float64], rank: NDArray[np.intp]) -> NDArray[np.float64]:
    """Weights [N, d + 1] of the corners, by remainder."""
    count, size = offset.shape
    dim = size - 1
    weights = np.zeros((count, size + 1))
    each = np.arange(count)
    for axis in range(size):
        weights[each, dim - rank[:, axis]] += offset[:, axis]
        weights[each, size - rank[:, axis]] -= offset[:, axis]
    weights[:, 0] += 1 + weights[:, size]
    return weights[:, :size]


def _matrices(points: Values) -> tuple[sparse.csr_array, list[sparse.csr_array]]:
    """Splat [N, M] over the M corners that occur, and one blur [M, M] per axis of the lattice."""
    count, dim = points.shape
    size = dim + 1
    codes, weights = np.empty((count, size), np.int64), np.empty((count, size), np.float32)
    factors = _factors(_reach(points), dim)
    for first in range(0, count, CHUNK):
        part = slice(first, first + CHUNK)
        keys, weights[part] = _corners(points[part])
        codes[part] = keys @ factors
    unique, place = np.unique(codes, return_inverse=True)
    starts = np.arange(0, count * size + 1, size)
    parts = weights.reshape(-1), place.reshape(-1).astype(np.int32), starts
    splat = sparse.csr_array(parts, (count, len(unique)))
    steps = np.ones((size, dim), np.int64)
    steps[np.arange(dim), np.arange(dim)] -= size
    return splat, [_blur(unique, step @ factors) for step in steps]


def _reach(points: Values) -> int:
    """More than any coordinate of a corner or its neighbour differs from that of another."""
    dim: int = points.shape[1]
    corners = np.abs(points).max(0, keepdims=True).repeat(2**dim, 0) * _signs(dim)
    largest = math.ceil(float(np.abs(_elevated(corners)).max()))
    return 2 * (largest + 2 * (dim + 1)) + 1


def _factors(reach: int, dim: int) -> NDArray[np.int64]:
    """What makes one number of the d coordinates of a corner, int64 [d], by a scalar product.

    The digits of a number to the base ``reach`` where that fits into 64 bits. Else random odd factors, modulo
    2^64: neighbours are still a fixed step apart, and among M corners two share a number with a chance of about
    M^2 / 2^64, one in a million for five million corners.
    """
    if reach**dim < 2**63:
        return np.array([reach**axis for axis in range(dim)], np.int64)
    random = np.random.default_rng(0).integers(-(2**63), 2**63, dim, np.int64)
    return random | 1


def _signs(dim: int) -> Values:
    """All corners of a cube, float32 [2^dim, dim]."""
    return ((np.arange(2**dim)[:, None] >> np.arange(dim)) & 1).astype(np.float32) * 2 - 1


def _blur(codes: NDArray[np.int64], step: np.int64) -> sparse.csr_array:
    """(1, 2, 1) / 4 along an axis whose neighbours are ``step`` apart; what is not there counts 0."""
    count = len(codes)
    rows, cols, values = [np.arange(count)], [np.arange(count)], [np.full(count, 0.5, np.float32)]
    for shift in np.array([step], np.int64) * np.array([[-1], [1]]):  # arrays: numbers may wrap
        found = np.searchsorted(codes, codes + shift).clip(max=count - 1)
        exists = np.flatnonzero(codes[found] == codes + shift)
        rows.append(exists)
        cols.append(found[exists])
        values.append(np.full(len(exists), 0.25, np.float32))
    triples = (np.concatenate(values), (np.concatenate(rows), np.concatenate(cols)))
    return sparse.coo_array(triples, (count, count)).tocsr()


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
