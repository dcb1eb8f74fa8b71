"""The classes of the weights and those of the document, which need not be the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.types import BACKGROUND, Labels, WeightsInfo


class LabelMap:
    """Turns class ids of a set of weights into those of the document; made anew for other weights."""

    def __init__(self, weights: WeightsInfo | None = None) -> None:
        self.version = "" if weights is None else weights.version
        self._names = () if weights is None else weights.class_names

    def to_document(self, labels: Labels, classes: ClassTable) -> Labels:
        """Labels uint8 [H, W] of the weights, in class ids of the document."""
        if self._names == classes.names:
            return labels
        mapped: Labels = self.table(classes)[labels]
        return mapped

    def probabilities(
        self, values: NDArray[np.uint16] | None, classes: ClassTable
    ) -> NDArray[np.uint16] | None:
        """Probabilities [C, H, W] by class of the document: those of classes that become one are added."""
        if values is None or self._names == classes.names:
            return values
        table = self.table(classes)
        mapped = np.zeros((len(classes), *values.shape[1:]), np.uint16)
        for number, channel in enumerate(values):
            mapped[table[number]] += channel
        return mapped

    def table(self, classes: ClassTable) -> NDArray[np.uint8]:
        """Classes meet by name; an unknown one keeps its number where there is one, else it is background."""
        table = np.full(256, BACKGROUND, np.uint8)
        for number, name in enumerate(self._names):
            by_name = classes.index_of(name)
            by_number = number if number < len(classes) else BACKGROUND
            table[number] = by_number if by_name is None else by_name
        return table
