"""Values that cross the border of the training panel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.training.learning import LearningSettings


@dataclass(frozen=True, slots=True)
class TrainingItem:
    """One image that can be trained on.

    Attributes:
        labelled_pixels: how many pixels are labelled.
        total_pixels: of the image.
        class_names: classes that occur among them.
    """

    image_id: str
    name: str
    labelled_pixels: int
    total_pixels: int
    class_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassShare:
    """How many labelled pixels a class has over all ticked images; colour "#rrggbb"."""

    name: str
    colour: str
    pixels: int


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What Start asks for; ``speed`` is one of `learning.SPEEDS`, ``network`` "" for that of the weights in use."""

    image_ids: tuple[str, ...]
    speed: str
    seconds: float
    settings: LearningSettings
    network: str = ""


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of the weights.

    Attributes:
        metric: mean IoU on held-out labelled pixels; NaN where it was not measured.
        made: when, as text.
        data: what it was trained on, as text.
        measured_on: what the metric was measured on, as text.
        is_active: whether it predicts now.
        is_removable: the shipped weights are not.
        is_usable: whether its file is there and whole.
    """

    version: str
    metric: float = float("nan")
    made: str = ""
    data: str = ""
    measured_on: str = ""
    is_active: bool = False
    is_removable: bool = True
    is_usable: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class CropShown:
    """A training crop: pixels uint8 [h, w, 3], and the same with its labels painted over."""

    pixels: NDArray[np.uint8]
    painted: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class UncertainRegionRow:
    """An uncertain region: the name of its image, and why, as a sentence."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class ComparisonWish:
    """Which networks (`NetworkChoice.name`) shall learn, and for how many seconds each."""

    networks: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class PictureShown:
    """A picture with a title; pixels uint8 [h, w, 3], of which what shall be painted over them may be awaited."""

    title: str
    pixels: NDArray[np.uint8]
    is_waited_for: bool = False
