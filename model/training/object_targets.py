"""Which objects a picture shows, as a network that finds objects learns them.

An object is the pixels that share a number; where a class is not numbered, a connected area of it. One of which a
part is not to be learned from (held back, or not labelled) has no box that could be learned: it is left alone.
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
from model.training.views import Picture
from model.zoo.objects import ObjectNetwork

FEWEST_PIXELS: Final = 6
"""Of an object: what is smaller is the rim of one that was cut off."""

_EIGHT: Final = np.ones((3, 3), bool)


@dataclass(frozen=True, slots=True, eq=False)
class ObjectTargets:
    """The objects of a picture.

    Attributes:
        boxes: float32 [N, 4] in pixels.
        classes: int64 [N].
        masks: bool [N, H, W].
        unclear: boxes of objects of which not everything is known, float32 [M, 4].
        is_known: where anything is labelled, bool [H, W].
    """

    boxes: Tensor
    classes: Tensor
    masks: Tensor
    unclear: Tensor
    is_known: Tensor

    def to(self, device: torch.device) -> ObjectTargets:
        """The same on ``device``."""
        every = (self.boxes, self.classes, self.masks, self.unclear, self.is_known)
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


def marked(picture: Picture) -> Picture:
    """A picture whose objects are negative numbers where not everything of them may be learned."""
    if picture.objects is None:
        return picture
    objects = picture.objects.numpy()
    is_hidden = (picture.train == IGNORED).numpy()
    cut = np.unique(objects[is_hidden & (objects > 0)])
    is_cut = np.isin(objects, cut)
    # The hidden part goes, too: nothing of what is held back may be seen.
    changed = np.where(is_hidden, 0, np.where(is_cut, -objects, objects)).astype(np.int32)
    return replace(picture, objects=torch.from_numpy(changed))


def targets_of(labels: Tensor, objects: Tensor) -> ObjectTargets:
    """The objects of a square.

    Args:
        labels: int64 [H, W], 255 where nothing is known.
        objects: int32 [H, W]; 0 for none, negative for what is left alone.
    """
    numbers, classes = objects.numpy(), labels.numpy()
    boxes, of_class, masks, unclear = [], [], [], []
    known, dense = np.unique(numbers, return_inverse=True)
    dense = dense.reshape(numbers.shape) + 1  # 0 is nothing to `find_objects`
    for index, place in enumerate(ndimage.find_objects(dense)):
        if known[index] == 0 or place is None:
            continue
        rows, cols = place
        mask = dense[place] == index + 1
        box = (cols.start, rows.start, cols.stop, rows.stop)
        if known[index] < 0 or int(mask.sum()) < FEWEST_PIXELS:
            unclear.append(box)
            continue
        values, counts = np.unique(classes[place][mask], return_counts=True)
        whole = np.zeros(numbers.shape, bool)
        whole[place] = mask
        boxes.append(box)
        of_class.append(int(values[counts.argmax()]))
        masks.append(whole)
    return ObjectTargets(
        boxes=torch.tensor(boxes, dtype=torch.float32).view(-1, 4),
        classes=torch.tensor(of_class, dtype=torch.long),
        masks=torch.from_numpy(np.stack(masks) if masks else np.zeros((0, *numbers.shape), bool)),
        unclear=torch.tensor(unclear, dtype=torch.float32).view(-1, 4),
        is_known=labels != IGNORED,
    )
