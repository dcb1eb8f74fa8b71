"""Where the model is uncertain, as values: regions that a person should look at next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from latentseg_gui.document.types import Rect

Why = Literal["unsure", "experts", "both"]


@dataclass(frozen=True, slots=True)
class UncertainRegion:
    """A region of an image where a correction would teach most.

    Attributes:
        rect: in pixels of the image.
        score: 0..1, higher is more uncertain.
        unsure: mean uncertainty between the two likeliest classes, 0..1.
        disagreement: how differently the heads ask the experts, 0..1.
        why: which of the two stands out.
        classes: names of the two classes in question.
    """

    image_id: str
    rect: Rect
    score: float
    unsure: float
    disagreement: float
    why: Why
    classes: tuple[str, str]


@dataclass(frozen=True, slots=True)
class UncertainRegions:
    """Uncertain regions of an image, the worst first, and how unsure the model is on the whole, 0..1."""

    image_id: str
    version: str
    uncertainty: float
    regions: tuple[UncertainRegion, ...]
