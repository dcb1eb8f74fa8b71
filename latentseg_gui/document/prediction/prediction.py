"""What a version of the model says of an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.types import Labels


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a version of the model says of an image.

    Attributes:
        labels: most likely class, uint8 [H, W].
        confidence: probability of that class as 0..255, uint8 [H, W].
        version: the version of the weights that said so.
        is_altered: whether experts were knocked out or boosted for it.
        seconds: time the model took.
        instances: object numbers, uint32 [H, W]; None where the model does not tell objects apart.
        depth: how deep a pixel lies in its object, 0..255 for the middle, uint8 [H, W]; None where the model
            does not know. `latentseg_gui.document.prediction.separating` makes ``instances`` of it.
        most_likely: the class before objects were made of depth, uint8 [H, W]; None where none were.
        temperature: what the confidence was calibrated with, 1 where it was not (`model.analysis.calibration`).
    """

    image_id: str
    version: str
    labels: Labels
    confidence: NDArray[np.uint8]
    is_altered: bool = False
    seconds: float = 0.0
    instances: NDArray[np.uint32] | None = None
    depth: NDArray[np.uint8] | None = None
    most_likely: Labels | None = None
    temperature: float = 1.0

    @property
    def said(self) -> Labels:
        """The most likely class of every pixel, whatever objects were made of it."""
        return self.labels if self.most_likely is None else self.most_likely
