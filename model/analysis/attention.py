"""What attention maps say, in numbers: one definition of each, for the library, its window and its command line.

NumPy only. Shapes: K experts, C classes, (h, w) tokens. A ``look`` sums to 1 over tokens, a ``mix`` over experts.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from model.errors import ModelError

Floats = NDArray[np.floating[Any]]
HeadChoice = Literal["mean", "max"] | int


def reduce_heads(maps: Floats, heads: HeadChoice = "mean") -> NDArray[np.float32]:
    """Maps [heads, K, h, w] to float32 [K, h, w]: the mean or the largest over heads, or one head.

    Raises:
        ModelError: there is no such head.
    """
    if heads == "mean":
        return np.asarray(maps.mean(axis=0, dtype=np.float32))
    if heads == "max":
        return np.asarray(maps.max(axis=0), np.float32)
    if not isinstance(heads, int) or not 0 <= heads < len(maps):
        raise ModelError(
            f"There is no head {heads}; there are {len(maps)}, counted from 0.",
            action="Choose one of these, or mean or max.",
        )
    return np.asarray(maps[heads], np.float32)


def mass(mix: Floats) -> NDArray[np.float32]:
    """Share of the picture that each expert explains, float32 [K], summing to 1; ``mix`` is [K, h, w]."""
    return np.asarray(mix.mean(axis=(1, 2), dtype=np.float32))


def look_entropy(look: Floats) -> NDArray[np.float32]:
    """How widely each expert looks, float32 [K]: 0 at a single token, 1 everywhere alike; ``look`` is [K, h, w]."""
    return _relative_entropy(look.reshape(len(look), -1), axis=1)


def mix_entropy(mix: Floats) -> NDArray[np.float32]:
    """How undecided each token is between experts, float32 [h, w]: 0 for one expert, 1 for all alike."""
    return _relative_entropy(mix, axis=0)


def territory(mix: Floats) -> NDArray[np.uint8]:
    """The expert that each token draws on most, uint8 [h, w], from a mix [K, h, w]; K at most 256."""
    return np.asarray(mix.argmax(axis=0), np.uint8)


def labels_at_tokens(labels: NDArray[np.uint8], shape: tuple[int, ...], stride: float) -> NDArray[np.uint8]:
    """The class in the middle of each of ``shape`` (h, w) tokens, uint8 [h, w], from labels [H, W]."""
    rows, cols = (
        np.minimum(((np.arange(count) + 0.5) * stride).astype(np.intp), side - 1)
        for count, side in zip(shape, labels.shape, strict=True)
    )
    return np.asarray(labels[np.ix_(rows, cols)])


def class_affinity(mix: Floats, labels: NDArray[np.integer[Any]], num_classes: int) -> NDArray[np.float32]:
    """Of what each expert explains, the share that lies in each class, float32 [K, C].

    Rows sum to 1 where every token has one of the classes; an expert without any mass has a row of zeros.

    Args:
        mix: [K, h, w].
        labels: [h, w], the class in the middle of each token (`labels_at_tokens`).
        num_classes: C.
    """
    flat = mix.reshape(len(mix), -1)
    members = labels.reshape(-1)[None, :] == np.arange(num_classes)[:, None]
    sums = (flat @ members.astype(np.float32).T).astype(np.float32)
    totals = flat.sum(axis=1, keepdims=True)
    shares: NDArray[np.float32] = np.divide(sums, totals, out=np.zeros_like(sums), where=totals > 0)
    return shares


def vector_shift(before: Floats, after: Floats) -> NDArray[np.float32]:
    """How far each expert moved between two versions: 1 - cosine of its vectors [K, D], float32 [K] in 0..2."""
    norms = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    cosine = (before * after).sum(axis=1) / np.maximum(norms, 1e-12)
    return np.asarray(1 - cosine, np.float32)


def _relative_entropy(shares: Floats, axis: int) -> NDArray[np.float32]:
    """Entropy along an axis, of that of an even spread; 0 where there is nothing to choose from."""
    count = shares.shape[axis]
    if count < 2:
        return np.zeros(np.delete(shares.shape, axis), np.float32)
    logs = np.log(shares, out=np.zeros(shares.shape, np.result_type(shares, np.float32)), where=shares > 0)
    entropy = -(shares * logs).sum(axis=axis, dtype=np.float32)
    return np.asarray(np.clip(entropy / np.float32(np.log(count)), 0, 1), np.float32)
