"""What fine-tuning is given and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.errors import ModelError

IGNORED: Final = 255
SPEEDS: Final = ("live", "quick", "thorough")
LOSSES: Final = ("cross-entropy", "dice", "focal", "lovasz", "boundary")
OPTIMISERS: Final = ("adamw", "adam", "nadam", "sgd")
PARTS: Final = ("auto", "head", "experts", "top", "all")
VALIDATIONS: Final = ("held-out", "cross")


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImage:
    """An image with the pixels that somebody vouched for.

    Attributes:
        image: RGB, uint8 [H, W, 3].
        labels: class ids, uint8 [H, W]; 255 where nobody has said anything.
        name: under which its features may be cached between runs; "" for no caching.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    name: str = ""


@dataclass(frozen=True, slots=True)
class FineTuneConfig:
    """How to fine-tune.

    Attributes:
        num_classes: classes afterwards; labels must be below.
        seconds: time budget, for everything.
        speed: "live" (the pixel path on cached features), "quick" (experts and head), or "thorough" (also a
            backbone for the classes).
        learning_rate: of the head; 0 chooses.
        loss: names out of `LOSSES` joined by "+".
        optimiser: one of `OPTIMISERS`.
        parts: what may learn: "head", "experts" (and head), "top" (and the upper half of the backbone),
            "all", or "auto": what belongs to the speed. A live refit leaves the backbone alone in any case.
        validation: what decides whether the outcome is better: "held-out" pixels, or "cross": every
            image is judged by a network that has not seen it. That takes half of the time.
        classes_kept: per class the class of the network that it goes on from, or None for a new
            one; empty keeps all that are there.
        held_out: share of the labelled pixels that is held back to measure with.
        uses_all: spend the last of the time on the held-back pixels, too. It gains a little, and the
            next run can no longer measure on them what it started from.
        augmentation: 0 shows only the images as they are, 1 varies light, size and direction.
        seed: of every random choice.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        shown: name of the sample that a live refit predicts at its end, while everything is at hand.
    """

    num_classes: int = 2
    seconds: float = 30.0
    speed: str = "quick"
    learning_rate: float = 0.0
    loss: str = "cross-entropy+dice"
    optimiser: str = "adamw"
    parts: str = "auto"
    validation: str = "held-out"
    classes_kept: tuple[int | None, ...] = ()
    held_out: float = 0.2
    uses_all: bool = False
    augmentation: float = 1.0
    seed: int = 0
    device: str = "auto"
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """One report of a running job.

    Attributes:
        step: optimiser steps done.
        fraction: share of the budget spent, 0..1.
        loss: of the last step; NaN before the first.
        metric: mean IoU on the held-out pixels, where it was measured at this step; else NaN.
        seconds: spent.
        phase: what is being done, in words.
    """

    step: int
    fraction: float
    loss: float
    metric: float
    seconds: float
    phase: str


def check(samples: list[LabelledImage], config: FineTuneConfig) -> None:
    """Raise ModelError where ``samples`` or ``config`` make no sense."""
    _check_choices(config)
    if not 1 <= config.num_classes < IGNORED or not config.seconds > 0:
        raise ModelError(
            "The number of classes or the time is out of range.", action="Use 1..254 and more than 0 s."
        )
    if config.classes_kept and len(config.classes_kept) != config.num_classes:
        raise ModelError("classes_kept must name every class.", action="Give one entry per class.")
    for index, sample in enumerate(samples):
        _check_sample(sample, sample.name or f"image {index + 1}", config.num_classes)
    if not any((sample.labels != IGNORED).any() for sample in samples):
        raise ModelError(
            "There is nothing to learn from yet.",
            action="Correct or accept at least one mask, or paint a few strokes.",
        )


def _check_choices(config: FineTuneConfig) -> None:
    for what, value, known in (
        ("speed", config.speed, SPEEDS),
        ("optimiser", config.optimiser, OPTIMISERS),
        ("part", config.parts, PARTS),
        ("validation", config.validation, VALIDATIONS),
    ):
        if value not in known:
            raise ModelError(f'There is no {what} "{value}".', action=f"Use one of {', '.join(known)}.")
    unknown = [name for name in config.loss.split("+") if name not in LOSSES]
    if unknown:
        raise ModelError(f'There is no loss "{unknown[0]}".', action=f"Use sums of {', '.join(LOSSES)}.")
    if not 0 <= config.learning_rate < float("inf") or not config.augmentation >= 0:
        raise ModelError(
            "The learning rate or the augmentation is out of range.", action="Use 0 or more; 0 chooses."
        )


def _check_sample(sample: LabelledImage, name: str, num_classes: int) -> None:
    if sample.image.ndim != 3 or sample.image.shape[2] != 3 or sample.image.shape[:2] != sample.labels.shape:
        raise ModelError(
            f'The labels of "{name}" do not fit its image.',
            action="Give uint8 [H, W, 3] and [H, W] of the same size.",
        )
    known = sample.labels[sample.labels != IGNORED]
    if known.size and int(known.max()) >= num_classes:
        raise ModelError(
            f'"{name}" has a class {int(known.max())}, but there are only {num_classes}.',
            action="Add the class, or leave the image out.",
        )
