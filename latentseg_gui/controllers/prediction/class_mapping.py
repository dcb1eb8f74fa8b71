"""The classes of the weights and those of the document, which need not be the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.lookup import looked_up
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import BACKGROUND, Labels

_FULL: Final = 65535
_AT_ONCE: Final = 4_000_000
"""Labels of more pixels than this are turned in another thread: a megapixel takes more than 1 ms."""


class LabelMap:
    """Turns class numbers of a set of weights into ids of the document; made anew for other weights.

    Given a table whose ids are numbers, as files of masks have it, it gives numbers.
    """

    def __init__(self, weights: WeightsInfo | None = None) -> None:
        self.version = "" if weights is None else weights.version
        self._names: tuple[str, ...] = () if weights is None else weights.class_names

    @classmethod
    def named(cls, class_names: tuple[str, ...]) -> LabelMap:
        """For weights of which no more than their classes is known."""
        labels = cls()
        labels._names = class_names
        return labels

    def to_document(self, labels: Labels, classes: ClassTable) -> Labels:
        """Labels uint8 [H, W] of the weights, in class ids of the document."""
        return looked_up(self.table(classes), labels) if self.changes(classes) else labels

    def changes(self, classes: ClassTable) -> bool:
        """Whether any class has another id in the document."""
        count = len(self._names)
        return bool((self.table(classes)[:count] != np.arange(count)).any())

    def probabilities(
        self, values: NDArray[np.uint16] | None, classes: ClassTable
    ) -> NDArray[np.uint16] | None:
        """Probabilities [C, H, W] by class number of the document: those of classes that become one are added."""
        if values is None or self._names == classes.names:
            return values
        table = classes.number_table[self.table(classes)]
        mapped = np.zeros((len(classes), *values.shape[1:]), np.uint16)
        for number, channel in enumerate(values):
            total = mapped[table[number]].astype(np.uint32) + channel
            mapped[table[number]] = np.minimum(total, _FULL)  # rounded up twice, it could begin again at 0
        return mapped

    def table(self, classes: ClassTable) -> NDArray[np.uint8]:
        """Id by number in the weights, uint8 [256].

        Classes meet by name; an unknown one keeps its number where there is one, else it is background.
        """
        table = np.full(256, BACKGROUND, np.uint8)
        for number, name in enumerate(self._names):
            by_name = classes.id_of(name)
            by_number = classes.ids[number] if number < len(classes) else BACKGROUND
            table[number] = by_number if by_name is None else by_name
        return table


class Translator:
    """Hands on predictions with the classes of the document, large ones after a moment beside the window.

    Args:
        document: whose classes count.
        jobs: of a thread.
    """

    def __init__(self, document: Document, jobs: Jobs) -> None:
        self._document = document
        self._jobs = jobs

    def take(
        self,
        prediction: Prediction,
        labels: LabelMap,
        then: Callable[[Prediction], None],
        *,
        is_current: Callable[[], bool] = lambda: True,
    ) -> None:
        """Calls ``then`` with the prediction in classes of the document: now, or later if it is large.

        Args:
            prediction: in classes of the weights.
            labels: of these weights.
            then: takes it.
            is_current: whether it is still wanted when it comes later.
        """
        classes = self._document.classes

        def translated() -> Prediction:
            return replace(prediction, labels=labels.to_document(prediction.labels, classes))

        def on_translated(answer: Prediction) -> None:
            if self._document.classes.named_ids != classes.named_ids:
                self.take(prediction, labels, then, is_current=is_current)
            else:
                then(answer)

        if prediction.labels.size <= _AT_ONCE or not labels.changes(classes):
            then(translated())
        else:
            self._jobs.submit(
                translated, on_translated, key=f"translate {prediction.image_id}", is_current=is_current
            )
