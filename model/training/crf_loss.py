"""Where only strokes are labelled: pixels that look alike and are near each other should agree.

Labels alone say nothing of where a thing ends, for strokes stay away from edges. A conditional random
field as a loss does (Tang et al. 2018, "On regularized losses for weakly-supervised CNN segmentation"):
it is cheap for the boundary to run where the picture changes, and dear elsewhere. The field is fully
connected, and every step looks at a few of its offsets, drawn from its Gaussian over places.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import Final

import torch
from torch import Tensor

from model.training.types import IGNORED
from model.training.views import LabelledWindow

SPARSE: Final = 0.5
"""Below this share of labelled pixels, what is not labelled has a say."""

STRENGTH: Final = 40.0
REACH: Final = 6.0
"""Standard deviation of the offsets, in pixels."""

SIMILARITY: Final = 0.3
"""How far apart colours may be, in standard deviations of the pictures of the run."""

OFFSETS: Final = 8

KNOWN: Final = 0.5
"""How far classes must be known on average, from chance (0) to surely (1), before the worst-known one is believed."""

Place = tuple[EllipsisType, slice, slice]


def is_sparse(pictures: Sequence[LabelledWindow]) -> bool:
    """Whether the pictures have labels on a small part of their pixels only."""
    labelled = sum(
        int((picture.train != IGNORED).sum() + (picture.held != IGNORED).sum()) for picture in pictures
    )
    return labelled < SPARSE * sum(picture.train.numel() for picture in pictures)


def potts_energy(logits: Tensor, colours: Tensor, generator: torch.Generator) -> Tensor:
    """How much pixels that look alike differ in class: the Potts energy of the field, per pair of pixels.

    Args:
        logits: [B, C, H, W].
        colours: standardised, [B, 3, H, W].
        generator: of the offsets.

    Returns:
        Scalar, 0..1.
    """
    probabilities = logits.float().softmax(1)
    total = logits.new_zeros((), dtype=torch.float32)
    for down, right in _offsets(min(logits.shape[-2:]), generator):
        here, there = _shifted(down, right)
        distance = (colours[here] - colours[there]).square().mean(1)
        similarity = torch.exp(distance / (-2 * SIMILARITY**2))
        total = total + (similarity * (1 - (probabilities[here] * probabilities[there]).sum(1))).mean()
    return total / OFFSETS


@torch.no_grad()
def trust(logits: Tensor, labels: Tensor) -> float:
    """How well the labelled pixels are known already: the probability of the right class, for the worst class.

    All pixels agree where all are of one class. Before they get there, some class is known badly, and
    this lets go. A network that knows no more than chance would go there at once, and labels would have
    to get it out again: it is not trusted at all.

    Args:
        logits: [B, C, H, W].
        labels: int64 [B, H, W]; 255 is ignored.

    Returns:
        0..1; 0 where no pixel is labelled.
    """
    known = labels != IGNORED
    target = labels[known]
    right = logits.movedim(1, -1)[known].float().softmax(1).gather(1, target[:, None])[:, 0]  # [n]
    each = [float(right[target == value].mean()) for value in torch.unique(target)]
    if not each:
        return 0.0
    chance, mean = 1 / logits.shape[1], sum(each) / len(each)
    return min(each) * min(1.0, max(0.0, (mean - chance) / (KNOWN * (1 - chance))))


def _offsets(side: int, generator: torch.Generator) -> list[tuple[int, int]]:
    """(rows down, columns right) of neighbours; rows are 0 or more, for pairs have no direction."""
    drawn = (torch.randn(OFFSETS, 2, generator=generator) * REACH).round().long()
    drawn = drawn.clamp(1 - side, side - 1)
    drawn[(drawn == 0).all(1)] = 1
    return [(down, right) if down >= 0 else (-down, -right) for down, right in drawn.tolist()]


def _shifted(down: int, right: int) -> tuple[Place, Place]:
    """Where the pixels of a map are that have a neighbour at that offset, and where the neighbours are."""
    left = max(0, -right)
    first = (..., slice(None, -down or None), slice(left, -max(0, right) or None))
    second = (..., slice(down, None), slice(max(0, right), -left or None))
    return first, second
