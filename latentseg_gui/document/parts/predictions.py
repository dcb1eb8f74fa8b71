"""What the model says of the images of a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.lookup import looked_up
from latentseg_gui.document.parts.entries import Entries
from latentseg_gui.document.prediction.prediction import Prediction

Relabelled = tuple[Prediction, Prediction]
"""A prediction, and the one that takes its place."""

_NOTHING_READY: Final[Mapping[str, Relabelled]] = MappingProxyType({})


class Predictions:
    """The predictions of the images of a document; derived, never part of the masks."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self.events = entries.events

    def of(self, image_id: str) -> Prediction | None:
        """What the model says of the image."""
        return self._entries.get(image_id).prediction

    def is_stale(self, image_id: str) -> bool:
        """Whether the prediction was made by weights that are no longer in use."""
        return self._entries.get(image_id).is_stale

    def set(self, prediction: Prediction) -> None:
        """Take a prediction.

        Raises:
            LatentsegError: if it does not have the size of the image.
        """
        image_id = prediction.image_id
        if prediction.labels.shape != self._entries.layer(image_id).shape:
            raise LatentsegError(
                f"The prediction does not have the size of “{self._entries.name(image_id)}”.",
                action="Predict the image again.",
            )
        entry = self._entries.get(image_id)
        entry.prediction, entry.is_stale = prediction, False
        self.events.prediction_changed.emit(image_id)
        self._entries.check_status(image_id)

    def refine(self, prediction: Prediction) -> None:
        """Take a prediction in the place of the one that it was made of; it is as old as that."""
        entry = self._entries.get(prediction.image_id)
        if entry.prediction is not None:
            entry.prediction = prediction
            self.events.prediction_changed.emit(prediction.image_id)

    def clear(self, image_id: str) -> None:
        """Forget the prediction of an image."""
        entry = self._entries.get(image_id)
        if entry.prediction is not None:
            entry.prediction, entry.is_stale = None, False
            self.events.prediction_changed.emit(image_id)
            self._entries.check_status(image_id)

    def mark_stale(self, *, version: str = "") -> None:
        """The weights have changed: every prediction is from before, but for those of ``version``."""
        for image_id, entry in self._entries.by_id.items():
            if entry.prediction is not None and not entry.is_stale and entry.prediction.version != version:
                entry.is_stale = True
                self.events.prediction_changed.emit(image_id)
                self._entries.check_status(image_id)

    def replace_classes(
        self, replaced: Sequence[tuple[int, int]], ready: Mapping[str, Relabelled] = _NOTHING_READY
    ) -> None:
        """Give the pixels of classes that go other ones; called by commands only.

        Args:
            replaced: id of each class that goes, and of the one that takes its place.
            ready: predictions by image, and what becomes of them, as worked out before; others are worked out here.
        """
        for image_id, entry in self._entries.by_id.items():
            if entry.prediction is not None and replaced:
                known = relabelled_before(entry.prediction, ready.get(image_id))
                entry.prediction = known or relabelled(entry.prediction, replaced)


def relabelled_before(prediction: Prediction, known: Relabelled | None) -> Prediction | None:
    """What becomes of a prediction whose classes are those of the first of ``known``; None where they are not."""
    if known is None:
        return None
    then, after = known
    if then.labels is not prediction.labels or then.most_likely is not prediction.most_likely:
        return None
    if after is then:
        return prediction
    return replace(prediction, labels=after.labels, most_likely=after.most_likely)


def relabelled(prediction: Prediction, replaced: Sequence[tuple[int, int]]) -> Prediction:
    """A prediction with other classes in the place of some; the same one where it has none of these."""
    planes = (
        [prediction.labels] if prediction.most_likely is None else [prediction.labels, prediction.most_likely]
    )
    # Comparing bytes is many times quicker than `isin`, and this may run in the thread of the window.
    if not any(bool((labels == class_id).any()) for class_id, _ in replaced for labels in planes):
        return prediction
    table = np.arange(256, dtype=np.uint8)
    for class_id, by in replaced:
        table[class_id] = by
    said = prediction.most_likely
    return replace(
        prediction,
        labels=looked_up(table, prediction.labels),
        most_likely=None if said is None else looked_up(table, said),
    )
