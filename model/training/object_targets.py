"""Which objects a picture shows, as a network that finds objects learns them.

An object is the pixels that share a number; where a class is not numbered, a connected area of it. One of which a
part is not to be learned from (held back, or not labelled) has no box that could be learned: of it only class and
mask count, as far as they are known, and where less than half of it is known it is left alone.
Shapes: N objects, H and W the size of a picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from model.errors import ModelError
from model.training.types import IGNORED, LabelledImage
from model.training.views import LabelledWindow
from model.zoo.objects import ObjectNetwork

FEWEST_PIXELS: Final = 6
"""Of an object: what is smaller is the rim of one that was cut off."""

LEAST_KNOWN: Final = 0.5
"""Share of an object that must be known for it to be learned."""

SMALL_QUANTILE: Final = 0.05
SMALLER: Final = 0.4
"""Nothing smaller than this share of the objects at this quantile of their sizes is taken for an object."""

_LEFT_ALONE: Final = 1 << 30
"""Added to the number of an object, before it is made negative."""

_EIGHT: Final = np.ones((3, 3), bool)


@dataclass(frozen=True, slots=True, eq=False)
class ObjectTargets:
    """The objects of a picture.

    Attributes:
        boxes: float32 [N, 4] in pixels.
        classes: int64 [N].
        masks: bool [N, H, W].
        is_whole: whether everything of it is known, and so where it ends, bool [N].
        unclear: boxes of objects that are left alone, float32 [M, 4].
        is_known: where anything is labelled, bool [H, W].
    """

    boxes: Tensor
    classes: Tensor
    masks: Tensor
    is_whole: Tensor
    unclear: Tensor
    is_known: Tensor

    def to(self, device: torch.device) -> ObjectTargets:
        """The same on ``device``."""
        every = (self.boxes, self.classes, self.masks, self.is_whole, self.unclear, self.is_known)
        return ObjectTargets(*(each.to(device) for each in every))


def numbered_things(samples: Sequence[LabelledImage]) -> frozenset[int]:
    """Classes of which objects are numbered; the background is none."""
    found: set[int] = set()
    for sample in samples:
        if sample.objects is not None:
            found |= set(np.unique(sample.labels[sample.objects != 0]).tolist())
    return frozenset(found - {0, IGNORED})


def labelled_things(samples: Sequence[LabelledImage]) -> frozenset[int]:
    """All classes of which anything is labelled; the background is none.

    Raises:
        ModelError: there is none.
    """
    found = {int(value) for sample in samples for value in np.unique(sample.labels)} - {0, IGNORED}
    if not found:
        raise ModelError(
            "Nothing but background is labelled, so there are no objects to learn.",
            action="Label some objects, or choose a network for areas.",
        )
    return frozenset(found)


def things_for(network: ObjectNetwork, samples: Sequence[LabelledImage]) -> frozenset[int]:
    """Classes whose objects a network shall learn to tell apart.

    Raises:
        ModelError: it does nothing else, and there are none.
    """
    return labelled_things(samples) if network.is_made_of_objects else numbered_things(samples)


def smallest_of(samples: Sequence[LabelledImage], things: frozenset[int]) -> int:
    """Pixels below which nothing is an object, by those that a person numbered; 0 where there are none.

    What touches the border of its image is cut off and says nothing.
    """
    sizes: list[int] = []
    for sample in samples:
        if sample.objects is None:
            continue
        numbers = np.where(np.isin(sample.labels, list(things)), sample.objects, 0)
        edges = np.concatenate((numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]))
        known, counts = np.unique(numbers, return_counts=True)
        sizes += counts[(known != 0) & ~np.isin(known, edges)].tolist()
    return int(SMALLER * float(np.quantile(sizes, SMALL_QUANTILE))) if sizes else 0


def with_object_numbers(samples: Sequence[LabelledImage], things: frozenset[int]) -> list[LabelledImage]:
    """The samples with a number for every object of ``things``: those given, else one per connected area."""
    return [replace(each, objects=_all_numbered(each, things)) for each in samples]


def _all_numbered(sample: LabelledImage, things: frozenset[int]) -> NDArray[np.int32]:
    objects = np.zeros(sample.labels.shape, np.int32)
    if sample.objects is not None:
        objects[:] = np.where(np.isin(sample.labels, list(things)), sample.objects, 0)
    next_number = int(objects.max(initial=0)) + 1
    for thing in sorted(things):
        parts, count = ndimage.label((sample.labels == thing) & (objects == 0), _EIGHT)
        np.copyto(objects, parts.astype(np.int32) + np.int32(next_number - 1), where=parts > 0)
        next_number += count
    return objects


def marked(picture: LabelledWindow) -> LabelledWindow:
    """A picture whose objects are negative numbers where they may not be learned whole (`targets_of_square`)."""
    if picture.objects is None:
        return picture
    is_hidden = (picture.train == IGNORED).numpy()
    known, index = np.unique(picture.objects.numpy(), return_inverse=True)
    index = index.reshape(is_hidden.shape)  # [H, W]
    whole = np.bincount(index.ravel(), minlength=len(known))
    left = np.bincount(index[~is_hidden], minlength=len(known))
    dense = np.arange(1, len(known) + 1)
    changed = np.where(
        left == whole, dense, np.where(left >= LEAST_KNOWN * whole, -dense, -dense - _LEFT_ALONE)
    )
    changed[known == 0] = 0
    # The hidden part goes, too: nothing of what is held back may be seen.
    objects = np.where(is_hidden, 0, changed[index]).astype(np.int32)
    return replace(picture, objects=torch.from_numpy(objects), true_objects=picture.objects)


def targets_of_square(labels: Tensor, objects: Tensor) -> ObjectTargets:
    """The objects of a square.

    Args:
        labels: int64 [H, W], 255 where nothing is known.
        objects: int32 [H, W]; 0 for none, negative where not everything is known, as `marked` makes them.
    """
    numbers, classes = objects.numpy(), labels.numpy()
    boxes, of_class, masks, is_whole, unclear = [], [], [], [], []
    known, dense = np.unique(numbers, return_inverse=True)
    dense = dense.reshape(numbers.shape) + 1  # [H, W]; 0 is nothing to `find_objects`
    for index, place in enumerate(ndimage.find_objects(dense)):
        if known[index] == 0 or place is None:
            continue
        rows, cols = place
        mask = dense[place] == index + 1
        box = (cols.start, rows.start, cols.stop, rows.stop)
        if known[index] < -_LEFT_ALONE or int(mask.sum()) < FEWEST_PIXELS:
            unclear.append(box)
            continue
        values, counts = np.unique(classes[place][mask], return_counts=True)
        whole = np.zeros(numbers.shape, bool)
        whole[place] = mask
        boxes.append(box)
        of_class.append(int(values[counts.argmax()]))
        masks.append(whole)
        is_whole.append(bool(known[index] > 0))
    return ObjectTargets(
        boxes=torch.tensor(boxes, dtype=torch.float32).view(-1, 4),  # [n, 4]
        classes=torch.tensor(of_class, dtype=torch.long),
        masks=torch.from_numpy(np.stack(masks) if masks else np.zeros((0, *numbers.shape), bool)),
        is_whole=torch.tensor(is_whole, dtype=torch.bool),
        unclear=torch.tensor(unclear, dtype=torch.float32).view(-1, 4),  # [m, 4]
        is_known=labels != IGNORED,
    )
