"""What can learn, and the settings of fine-tuning, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Speed:
    """How much of the network learns, and for how long where nobody says otherwise.

    Attributes:
        name: as the model library and the command line know it.
        seconds: time budget.
    """

    name: str
    seconds: float


SPEEDS: Final = {
    each.name: each for each in (Speed("live", 1.0), Speed("quick", 30.0), Speed("thorough", 180.0))
}
"""The speeds by name, the fastest first; window and command line take names and times from here."""

LATENT_EXPERT: Final = "latent-expert"
"""The network that comes with the program; it alone has speeds, and learns while masks are corrected."""

FROM_SCRATCH: Final = 60.0
"""Seconds for a network that learns from nothing."""


def seconds_for(network: str, speed: str) -> float:
    """The time budget where nobody says otherwise."""
    return SPEEDS[speed].seconds if network == LATENT_EXPERT else FROM_SCRATCH


REFIT: Final = Speed("live", 0.35)
"""What follows a correction by itself: it must be over before the next one."""


@dataclass(frozen=True, slots=True)
class NetworkChoice:
    """A network that can be trained.

    Attributes:
        name: as the command line and files of weights know it.
        title: as shown.
        summary: what it is good for, in one sentence.
        limits: what it cannot do, in a sentence or two.
        parameters: numbers that it is made of.
        is_pretrained: whether it comes with weights; others learn from nothing.
        has_pretrained_encoder: whether it is built on the encoder that the shipped weights hold.
    """

    name: str
    title: str
    summary: str
    limits: str
    parameters: int = 0
    is_pretrained: bool = False
    has_pretrained_encoder: bool = False


@dataclass(frozen=True, slots=True)
class LearningSettings:
    """How fine-tuning learns; what most users leave alone.

    Attributes:
        loss: names out of "cross-entropy", "dice", "focal", "lovasz", "boundary", joined by "+".
        optimiser: "adamw", "adam", "nadam" or "sgd".
        learning_rate: of the head; 0 chooses.
        parts: what learns: "auto" (as the speed asks), "head", "experts" (and head), "top" (of the
            backbone, too) or "all".
        augmentation: strength of random variations, 0 for none.
        validation: "held-out" pixels, or "cross": every image judged by a network that has not seen it.
        seed: of everything random.
    """

    loss: str = "cross-entropy+dice"
    optimiser: str = "adamw"
    learning_rate: float = 0.0
    parts: str = "auto"
    augmentation: float = 1.0
    validation: str = "held-out"
    seed: int = 0
