"""Masks and predictions with other class ids, worked out before the document takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.layers import Arrays, MaskLayer, compressed, looked_up
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Labels, Prediction


@dataclass(frozen=True, slots=True)
class ReadyMask:
    """A complete mask that takes the place of another; taking it copies nothing.

    Attributes:
        held: the arrays; None for a mask that is packed.
        unpack: gives a packed mask.
        num_labelled: how many pixels are labelled.
        counts: pixels by label, int64 [256], of a packed mask.
    """

    held: Arrays | None
    unpack: Callable[[], Arrays] | None
    num_labelled: int
    counts: NDArray[np.int64] | None = None

    @classmethod
    def unpacked(cls, arrays: Arrays) -> Self:
        """A mask that is looked at."""
        return cls(arrays, None, int(np.count_nonzero(arrays[0] != UNLABELLED)))

    @classmethod
    def packed(cls, arrays: Arrays) -> Self:
        """A mask that nobody looks at."""
        labels = arrays[0]
        shape = int(labels.shape[0]), int(labels.shape[1])
        counts = np.zeros(256, np.int64)
        for row in labels:  # numpy makes eight bytes of every label
            counts += np.bincount(row, minlength=256)
        return cls(None, compressed(arrays, shape), int(counts.sum() - counts[UNLABELLED]), counts)

    def give(self, layer: MaskLayer) -> None:
        """Make it the mask of a layer."""
        if self.held is not None:
            layer.replace(*self.held, self.num_labelled)
        elif self.unpack is not None:
            layer.defer(self.unpack, self.num_labelled, self.counts)


@dataclass(frozen=True, slots=True)
class Renumbering:
    """What is ready when the classes get other ids.

    Attributes:
        masks: by image.
        predictions: by image, the prediction that was there and its labels with the new ids.
    """

    masks: Mapping[str, ReadyMask]
    predictions: Mapping[str, tuple[Prediction, Labels]]

    def prediction(
        self, image_id: str, now: Prediction, table: NDArray[np.uint8], classes: int
    ) -> Prediction:
        """A prediction with the new ids; worked out here if another one came meanwhile."""
        then, labels = self.predictions.get(image_id, (None, None))
        if labels is None or then is not now:
            labels = predicted_labels(now, table, classes)
        return replace(now, labels=labels)


def predicted_labels(prediction: Prediction, table: NDArray[np.uint8], classes: int) -> Labels:
    """The labels of a prediction with the ids of ``table``, uint8 [256], in a table of so many classes.

    What would become unlabelled becomes background.
    """
    for_predictions = np.where(table < classes, table, BACKGROUND).astype(np.uint8)
    return looked_up(for_predictions, prediction.labels)


class ClassNumbers:
    """What became of the ids of classes, for whoever waits with one in hand."""

    def __init__(self) -> None:
        self._changes: list[tuple[NDArray[np.uint8], set[int]]] = []

    def note(self, before: ClassTable, after: ClassTable, table: NDArray[np.uint8]) -> None:
        """Classes got other ids: new id by old id, uint8 [256]."""
        names = after.names
        kept = {
            old for old, name in enumerate(before.names) if name in names and names.index(name) == table[old]
        }
        self._changes.append((np.array(table, np.uint8), kept))

    def later(self, class_id: int, *, is_itself: bool = False) -> Callable[[], int]:
        """A function that gives the id that a class, or `UNLABELLED`, has when it is called.

        It raises a `LatentsegError` if the class was deleted meanwhile.

        Args:
            class_id: what it is now.
            is_itself: whether the class that its pixels went to will not do.
        """
        return partial(self._now, class_id, len(self._changes), is_itself)

    def _now(self, class_id: int, since: int, is_itself: bool) -> int:
        number = class_id
        for table, kept in self._changes[since:]:
            is_gone = int(table[number]) == UNLABELLED or (is_itself and number not in kept)
            if is_gone and number != UNLABELLED:
                raise LatentsegError("The class was deleted meanwhile.", action="Choose another class.")
            number = int(table[number])
        return number
