"""What the model says of the images of a document."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.entries import Entries
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.renumbering import Renumbering
from latentseg_gui.document.types import Prediction


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
                f"The prediction does not have the size of “{self._entries.name(image_id)}”."
            )
        entry = self._entries.get(image_id)
        entry.prediction, entry.is_stale = prediction, False
        self.events.prediction_changed.emit(image_id)
        self._entries.check_status(image_id)

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

    def remap(self, table: NDArray[np.uint8], num_classes: int, ready: Renumbering) -> None:
        """Replace class ids by ``table[id]``, uint8 [256], in a table of so many classes; by commands only.

        Args:
            table: new id by old id.
            num_classes: in the new table.
            ready: what was worked out before; the rest is worked out here.
        """
        for image_id, entry in self._entries.by_id.items():
            if entry.prediction is not None:
                entry.prediction = ready.prediction(image_id, entry.prediction, table, num_classes)
