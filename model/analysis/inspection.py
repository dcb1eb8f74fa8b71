"""Reading the experts: what their maps say, which of them matter, which are idle. NumPy only, no torch.

Attention says where an expert looks and who reads it, not what would happen without it. The influence
table answers that: it takes experts away one at a time and counts what changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.cluster import hierarchy
from scipy.spatial import distance

from model.analysis.attention import class_affinity as class_affinity
from model.analysis.attention import labels_at_tokens as labels_at_tokens
from model.analysis.attention import look_entropy as look_entropy
from model.analysis.attention import mass as mass
from model.analysis.attention import mix_entropy as mix_entropy
from model.analysis.attention import reduce_heads as reduce_heads
from model.analysis.attention import territory as territory
from model.analysis.attention import vector_shift as vector_shift

FloatArray = NDArray[np.floating[Any]]

IDLE_SHARE: Final = 0.1
"""An expert is idle if pixels draw on it less than this share of what an average expert gets."""

TWIN_OVERLAP: Final = 0.9
TWIN_COSINE: Final = 0.95


def pool_to(values: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Mean of values [C, H, W] over cells, [C, h, w]; h, w at most H, W."""
    _, rows, cols = values.shape
    row_edges, col_edges = (np.arange(n) * full // n for n, full in zip(size, (rows, cols), strict=True))
    sums = np.add.reduceat(np.add.reduceat(values, row_edges, axis=1), col_edges, axis=2)
    counts = np.diff(row_edges, append=rows)[:, None] * np.diff(col_edges, append=cols)
    return np.asarray(sums / counts)


def map_overlap(maps: FloatArray) -> FloatArray:
    """How much the maps [K, h, w] of two experts cover the same places: [K, K], 1 for equal maps."""
    flat = maps.reshape(len(maps), -1).astype(np.float64)  # [K, h * w]
    flat = flat / np.maximum(flat.sum(1, keepdims=True), 1e-12)
    return np.asarray(np.stack([np.minimum(flat, one).sum(1) for one in flat]))


def vector_similarity(vectors: FloatArray) -> FloatArray:
    """Cosine between the vectors [K, D] of two experts: [K, K]."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return np.asarray(unit @ unit.T)


def cluster_order(similarity: FloatArray) -> list[int]:
    """An order of experts in which similar ones, by a matrix [K, K], are neighbours."""
    if len(similarity) < 3:
        return list(range(len(similarity)))
    apart = np.clip(1 - (similarity + similarity.T) / 2, 0, None)
    np.fill_diagonal(apart, 0)
    tree = hierarchy.linkage(distance.squareform(apart, checks=False), "average", optimal_ordering=True)
    return [int(leaf) for leaf in hierarchy.leaves_list(tree)]


@dataclass(frozen=True, slots=True)
class Findings:
    """Experts that deserve a second thought.

    Attributes:
        idle: experts that hardly any pixel draws on.
        twins: pairs of experts that do the same: their maps overlap and their vectors agree.
    """

    idle: tuple[int, ...]
    twins: tuple[tuple[int, int], ...]

    def sentences(self, names: Callable[[int], str] = lambda index: f"expert {index}") -> list[str]:
        """One sentence per finding."""
        said = [f"{names(index)} is idle: hardly any pixel draws on it." for index in self.idle]
        return said + [f"{names(a)} and {names(b)} do the same." for a, b in self.twins]


def examine(mix: FloatArray, vectors: FloatArray | None = None) -> Findings:
    """Name the experts of a mix [K, h, w] that are idle or duplicates.

    Args:
        mix: summing to 1 over K.
        vectors: [K, D]; without them the maps alone decide on duplicates.
    """
    share = mass(mix) * len(mix)
    idle = tuple(int(index) for index in np.flatnonzero(share < IDLE_SHARE))
    alike = map_overlap(mix) > TWIN_OVERLAP
    if vectors is not None:
        alike &= vector_similarity(vectors) > TWIN_COSINE
    alike[list(idle)] = alike[:, list(idle)] = False
    pairs = zip(*np.nonzero(np.triu(alike, 1)), strict=True)
    return Findings(idle, tuple((int(a), int(b)) for a, b in pairs))


@dataclass(frozen=True, slots=True)
class Influence:
    """What happens without an expert (or without several).

    Attributes:
        experts: those knocked out.
        changed: share of pixels whose class changes.
        area: change of each class's share of the picture, [C].
        confidence: mean change of the probability of the class that was predicted with all experts.
    """

    experts: tuple[int, ...]
    changed: float
    area: tuple[float, ...]
    confidence: float


def influence_table(
    probabilities: Callable[[Sequence[int]], FloatArray], num_experts: int
) -> list[Influence]:
    """Knock out every expert alone and rank by what changes, the most influential first.

    Args:
        probabilities: class probabilities [C, H, W] without the given experts; called K + 1 times,
            for instance ``predictor.predict_overview``, which never encodes.
        num_experts: K.
    """
    before = probabilities(())
    rows = [compare(before, probabilities((index,)), (index,)) for index in range(num_experts)]
    return sorted(rows, key=lambda row: (-row.changed, row.confidence, row.experts))


def compare(before: FloatArray, after: FloatArray, experts: Sequence[int]) -> Influence:
    """What changed between two class probabilities [C, H, W]."""
    old, new = before.argmax(0), after.argmax(0)
    classes = range(len(before))
    chosen = np.take_along_axis(after, old[None], 0) - np.take_along_axis(before, old[None], 0)
    return Influence(
        experts=tuple(experts),
        changed=float((old != new).mean()),
        area=tuple(float((new == c).mean() - (old == c).mean()) for c in classes),
        confidence=float(chosen.mean()),
    )
