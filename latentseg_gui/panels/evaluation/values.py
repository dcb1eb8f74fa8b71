"""Values that cross the border of the evaluation panel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """How well one class is predicted on what is labelled.

    Attributes:
        class_id: of the class.
        colour: "#rrggbb".
        iou: 0..1; NaN where no pixel is labelled so.
        missed: share of the pixels labelled so that are predicted otherwise, 0..1; NaN where there are none.
        taken: share of the pixels predicted so that are labelled otherwise, 0..1; NaN where there are none.
    """

    class_id: int
    name: str
    colour: str
    iou: float
    missed: float
    taken: float


@dataclass(frozen=True, slots=True)
class ImageFigures:
    """How much of what is labelled on an image is predicted otherwise.

    Attributes:
        wrong: share of the labelled pixels, 0..1.
        pixels: how many are labelled and measured.
    """

    image_id: str
    name: str
    wrong: float
    pixels: int


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationShown:
    """What the panel shows.

    Attributes:
        headline: the figure, in words.
        measured_on: on what, in words; or why there is no figure.
        classes: by number.
        confusion: pixels, labelled in rows and predicted in columns, int64 [C, C].
        images: the worst first.
    """

    headline: str
    measured_on: str
    classes: tuple[ClassFigures, ...]
    confusion: NDArray[np.int64]
    images: tuple[ImageFigures, ...] = ()
