"""Values that cross the border of the training panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SPEEDS: Final = ("live", "quick", "thorough")


@dataclass(frozen=True, slots=True)
class TrainingItem:
    """One image that can be trained on.

    Attributes:
        vouched_pixels: how many pixels a person vouched for.
        total_pixels: of the image.
        class_names: classes that occur among them.
    """

    image_id: str
    name: str
    vouched_pixels: int
    total_pixels: int
    class_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassShare:
    """How many vouched pixels a class has over all ticked images; colour "#rrggbb"."""

    name: str
    colour: str
    pixels: int


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """What most users leave alone.

    Attributes:
        learning_rate: 0 lets the job choose.
        loss: "auto", "cross_entropy", "dice", "focal", "lovasz", "boundary" or sums with "+".
        seed: of everything random.
        parts: "auto", "head", "experts" (experts and head) or "all" (the encoder too).
    """

    learning_rate: float = 0.0
    loss: str = "auto"
    seed: int = 0
    parts: str = "auto"


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What Start asks for; ``speed`` is one of `SPEEDS`."""

    image_ids: tuple[str, ...]
    speed: str
    seconds: float
    settings: TrainingSettings


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of the weights.

    Attributes:
        metric: mean IoU on held-out vouched pixels; NaN where it was not measured.
        made: when, as text.
        data: what it was trained on, as text.
        is_active: whether it predicts now.
        is_removable: the shipped weights are not.
    """

    version: str
    metric: float = float("nan")
    made: str = ""
    data: str = ""
    is_active: bool = False
    is_removable: bool = True
