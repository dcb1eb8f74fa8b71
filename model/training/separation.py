"""Learning to tell objects of a class apart, from objects that a person numbered.

Depth is learned as a soft label: a pixel half-way into its object is "half inside". Pixels of a class that is
counted count only where an object has a number: nobody knows where one ends that was only stroked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from model.analysis.objects import side_of
from model.training.types import IGNORED, LabelledImage

FEWEST: Final = 2
"""Numbered objects that are needed: of a single one nothing about neighbours can be learned."""

MOST: Final = 2048
"""Larger sizes than this are not told from each other; weights hold no larger numbers."""

Objects = NDArray[np.int32]


def things_in(samples: Sequence[LabelledImage]) -> frozenset[int]:
    """Classes of numbered objects; none where there are fewer than `FEWEST` objects."""
    things: set[int] = set()
    count = 0
    for sample in samples:
        if sample.objects is not None:
            numbered = (sample.objects > 0) & (sample.labels != IGNORED)
            things |= set(np.unique(sample.labels[numbered]).tolist())
            count += len(np.unique(sample.objects[numbered]))
    return frozenset(things) if count >= FEWEST else frozenset()


def learned_side(samples: Sequence[LabelledImage]) -> int:
    """Side in pixels of a square as large as the median numbered object, at most `MOST`."""
    numbers = [np.zeros(0, np.int64)]
    for sample in samples:
        if sample.objects is not None:
            here = sample.objects[(sample.objects > 0) & (sample.labels != IGNORED)].astype(np.int64)
            numbers.append(here + numbers[-1].max(initial=0))
    return min(MOST, round(side_of(np.concatenate(numbers))))


def targets_of(objects: Tensor, labels: Tensor, things: frozenset[int]) -> Tensor:
    """What is to be learned of a picture.

    Args:
        objects: numbers, int32 [H, W]; 0 for none.
        labels: class ids, uint8 [H, W]; 255 is ignored.
        things: classes whose objects are numbered.

    Returns:
        float32 [2, H, W]: depth, and 1 where it is known.
    """
    numbers = objects.numpy()
    is_thing = np.isin(labels.numpy(), list(things))
    known = (labels.numpy() != IGNORED) & ((numbers > 0) | ~is_thing)
    return torch.from_numpy(np.stack((depth_of(numbers), known.astype(np.float32))))


def depth_of(objects: Objects) -> NDArray[np.float32]:
    """How deep every pixel lies in its object, float32 [H, W]: near 0 at the rim, 1 at its innermost pixel."""
    if not objects.any():
        return np.zeros(objects.shape, np.float32)
    distance = ndimage.distance_transform_edt(~_rim(objects)) + 0.5
    distance[objects == 0] = 0
    most = np.zeros(int(objects.max()) + 1)
    np.maximum.at(most, objects.ravel(), distance.ravel())
    return (distance / np.maximum(most, 1.0)[objects]).astype(np.float32)


def _rim(objects: Objects) -> NDArray[np.bool_]:
    """Pixels of objects that have a pixel of something else above, below or beside them."""
    rim = np.zeros(objects.shape, bool)
    down, right = objects[1:] != objects[:-1], objects[:, 1:] != objects[:, :-1]
    rim[1:] |= down
    rim[:-1] |= down
    rim[:, 1:] |= right
    rim[:, :-1] |= right
    return rim & (objects > 0)


def depth_loss(logits: Tensor, targets: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of depth over what is known; inside and outside of objects weigh the same.

    Args:
        logits: [B, 1, H, W].
        targets: [B, 2, H, W] from `targets_of`.
        labels: to learn from, [B, H, W]; what is ignored, or held back for now, does not count.

    Returns:
        Scalar; 0, with a graph, where nothing is known.
    """
    depth, known = targets.unbind(1)  # [B, H, W]
    known = known * (labels != IGNORED)
    each = F.binary_cross_entropy_with_logits(logits[:, 0].float(), depth, reduction="none")
    inside = (depth > 0).float()
    return _mean(each, known * inside) + _mean(each, known * (1 - inside))


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1.0)
