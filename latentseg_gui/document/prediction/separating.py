"""Objects of a prediction: which pixels belong together, of which class each object is, how many there are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.layers import Instances
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import BACKGROUND, Labels
from model.analysis.calibration import cut_off
from model.analysis.objects import Hills, ObjectOptions, hills_of, inside_of, joined_hills

MOST_SHOWN: Final = 1 << 24
"""Finding where objects touch takes about 3 ms a megapixel, in the thread of the window."""


@dataclass(frozen=True, slots=True)
class Separated:
    """A prediction with objects.

    Attributes:
        prediction: its pixels of counted classes that belong to no object are background now.
        counts: objects by class id; every counted class has an entry.
    """

    prediction: Prediction
    counts: dict[int, int]


def separated(prediction: Prediction, classes: ClassTable, options: ObjectOptions) -> Separated:
    """The objects of a prediction whose model knows how deep pixels lie in theirs; any other stays as it is."""
    hills = landscape_of(prediction, classes, options)
    if hills is None:
        return Separated(prediction, {})
    return with_objects(prediction, hills, classes, options)


def landscape_of(prediction: Prediction, classes: ClassTable, options: ObjectOptions) -> Hills | None:
    """What objects are made of; it depends on the threshold and the smoothness of ``options`` alone.

    The threshold is about what the network says before it is calibrated: so it was chosen, and a version that was
    fitted on a little more or less shall not count otherwise.
    """
    if prediction.depth is None:
        return None
    said = prediction.said
    threshold = cut_off(options.threshold, prediction.temperature)
    inside = inside_of(said, prediction.confidence, classes.thing_ids, threshold)
    depth = prediction.depth.astype(np.float32) / np.float32(255)
    return hills_of(inside, depth, options.smoothness)


def with_objects(
    prediction: Prediction, hills: Hills, classes: ClassTable, options: ObjectOptions
) -> Separated:
    """The objects of a landscape, each of the class that most of its pixels have.

    Args:
        prediction: of which ``hills`` is the landscape.
        hills: from `landscape_of`.
        classes: which are counted, and how small their objects may be.
        options: how readily objects come apart.
    """
    said, things = prediction.said, classes.thing_ids
    part = joined_hills(hills, options.separation)  # [N], from 0
    owner = _class_of(part, said.ravel()[hills.where], things)
    sizes = np.bincount(part, minlength=len(owner))
    smallest = np.zeros(256, np.int64)
    smallest[list(classes.ids)] = [entry.smallest for entry in classes]
    is_kept = sizes >= np.maximum(smallest[owner], 1) if len(owner) else np.zeros(0, np.bool_)
    number = np.where(is_kept, np.cumsum(is_kept), 0).astype(np.uint32)
    table = np.arange(256, dtype=np.uint8)
    table[list(things)] = BACKGROUND
    labels = table[said]
    labels.ravel()[hills.where] = np.where(is_kept, owner, BACKGROUND).astype(np.uint8)[part]
    instances = np.zeros(hills.shape, np.uint32)
    instances.ravel()[hills.where] = number[part]
    counts = np.bincount(owner[is_kept], minlength=256)
    made = replace(prediction, labels=labels, instances=instances, most_likely=said)
    return Separated(made, {each: int(counts[each]) for each in things})


def parted(prediction: Prediction) -> Labels:
    """Labels to be looked at, uint8 [H, W]: a line of background wherever two objects touch.

    Images of more than `MOST_SHOWN` pixels are too small on any screen for it.
    """
    numbers = prediction.instances
    if numbers is None or numbers.size > MOST_SHOWN:
        return prediction.labels
    seam = np.zeros(numbers.shape, np.bool_)
    for here, there, line in (
        (numbers[1:], numbers[:-1], seam[1:]),
        (numbers[:, 1:], numbers[:, :-1], seam[:, 1:]),
    ):
        line |= (here != there) & (here > 0) & (there > 0)
    return np.where(seam, np.uint8(BACKGROUND), prediction.labels) if seam.any() else prediction.labels


def counted_only(labels: Labels, instances: Instances | None, classes: ClassTable) -> Instances | None:
    """Object numbers without those of classes that are not counted; None where none is left."""
    if instances is None:
        return None
    is_counted = np.zeros(256, np.bool_)
    is_counted[list(classes.thing_ids)] = True
    left = np.where(is_counted[labels], instances, np.uint32(0))
    return left if left.any() else None


def _class_of(part: NDArray[np.int32], said: Labels, things: tuple[int, ...]) -> NDArray[np.int64]:
    """For every object the counted class that most of its pixels have; where none has one, the first."""
    count = int(part.max(initial=-1)) + 1
    if not things:
        return np.zeros(count, np.int64)
    column = np.full(256, -1, np.int64)
    column[list(things)] = np.arange(len(things))
    votes, known = column[said], column[said] >= 0
    pairs = np.bincount(part[known] * len(things) + votes[known], minlength=count * len(things))
    best = pairs.reshape(count, len(things)).argmax(1)
    return np.asarray(np.array(things, np.int64)[best])
