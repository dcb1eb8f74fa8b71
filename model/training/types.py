"""What fine-tuning is given and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.errors import ModelError
from model.prediction.inputs import check_image

IGNORED: Final = 255
SPEEDS: Final = ("live", "quick", "thorough")
LOSSES: Final = ("cross-entropy", "dice", "focal", "lovasz", "boundary")
OPTIMISERS: Final = ("adamw", "adam", "nadam", "sgd")
PARTS: Final = ("auto", "head", "experts", "top", "all")
VALIDATIONS: Final = ("held-out", "cross")
_CHOICES: Final = "choices"

TAKEN_OVER: Final = 1
ACCEPTED: Final = 2
PAINTED: Final = 3
IMPORTED: Final = 4
"""Where a label comes from: a prediction that was taken over, an object accepted after clicks, the brush, or a file."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImage:
    """An image with the pixels that are labelled.

    Attributes:
        image: RGB, uint8 [H, W, 3]; grey [H, W] is taken, too.
        labels: class ids, uint8 [H, W]; 255 where nobody has said anything.
        name: under which its features may be cached between runs; "" for no caching.
        origin: where each label comes from (`TAKEN_OVER`, `ACCEPTED`, `PAINTED`, `IMPORTED`), uint8 [H, W]; what was
            taken over is learned from, but nothing is measured on it; strokes grow, also imported ones, but no object
            that was accepted. None: nobody knows, and it is taken as imported.
        objects: number of the object that each pixel belongs to, int32 [H, W]; 0 for none. From them it learns
            to tell objects apart. None: nothing is numbered.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    name: str = ""
    origin: NDArray[np.uint8] | None = None
    objects: NDArray[np.int32] | None = None

    @property
    def by_hand(self) -> NDArray[np.uint8]:
        """The labels that were made by hand, uint8 [H, W]; 255 elsewhere."""
        if self.origin is None:
            return self.labels
        return np.where(self.origin == TAKEN_OVER, np.uint8(IGNORED), self.labels)


def _option(default: Any, choices: tuple[str, ...] = ()) -> Any:
    """A field that a user may set: it is checked against ``choices`` and stands in the record of a run."""
    return field(default=default, metadata={_CHOICES: choices})


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
        augmentation: 0 shows only the images as they are, 1 varies light, size and direction.
        seed: of every random choice. Two runs with the same seed that make the same steps give the same weights;
            how many steps there are follows from the time.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        shown: name of the sample that a live refit predicts at its end, while everything is at hand.
    """

    num_classes: int = 2
    seconds: float = 30.0
    speed: str = "quick"
    learning_rate: float = _option(0.0)
    loss: str = _option("cross-entropy+dice", LOSSES)
    optimiser: str = _option("adamw", OPTIMISERS)
    parts: str = _option("auto", PARTS)
    validation: str = _option("held-out", VALIDATIONS)
    classes_kept: tuple[int | None, ...] = ()
    held_out: float = 0.2
    augmentation: float = _option(1.0)
    seed: int = _option(0)
    device: str = "auto"
    shown: str = ""

    @classmethod
    def options(cls) -> dict[str, tuple[str, ...]]:
        """What a user may set, by name, with the values to choose from; none where it is a number."""
        return {each.name: each.metadata[_CHOICES] for each in fields(cls) if _CHOICES in each.metadata}

    def kept_of(self, have: int) -> Sequence[int | None]:
        """Per class which of the ``have`` classes of a network it goes on from."""
        if self.classes_kept:
            return self.classes_kept
        return [index if index < have else None for index in range(self.num_classes)]


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
        done: what of ``total`` is done in this phase; 0 where nothing is counted.
        total: how many there are.
    """

    step: int
    fraction: float
    loss: float
    metric: float
    seconds: float
    phase: str
    done: int = 0
    total: int = 0


def checked_samples(samples: Sequence[LabelledImage], config: FineTuneConfig) -> list[LabelledImage]:
    """The samples, grey images with three equal channels; ModelError where they or ``config`` make no sense."""
    _check_choices(config)
    if not 1 <= config.num_classes < IGNORED or not config.seconds > 0:
        raise ModelError(
            "The number of classes or the time is out of range.", action="Use 1..254 and more than 0 s."
        )
    if config.classes_kept and len(config.classes_kept) != config.num_classes:
        raise ModelError("classes_kept must name every class.", action="Give one entry per class.")
    good = [
        _checked_sample(sample, sample.name or f"image {index + 1}", config.num_classes)
        for index, sample in enumerate(samples)
    ]
    if not any((sample.labels != IGNORED).any() for sample in samples):
        raise ModelError(
            "There is nothing to learn from yet.",
            action="Correct or accept at least one mask, or paint a few strokes.",
        )
    return good


def object_numbers(instances: NDArray[np.uint32] | None) -> NDArray[np.int32] | None:
    """Numbers of any size as `LabelledImage.objects` takes them; None where there is none."""
    if instances is None or not instances.any():
        return None
    if int(instances.max()) <= np.iinfo(np.int32).max:
        return instances.astype(np.int32)
    _, dense = np.unique(np.append(instances.ravel(), np.uint32(0)), return_inverse=True)  # 0 stays 0
    return np.asarray(dense[:-1].reshape(instances.shape), np.int32)


def _check_choices(config: FineTuneConfig) -> None:
    for name, known in {"speed": SPEEDS, **config.options()}.items():
        chosen = getattr(config, name)
        what = name.removesuffix("s") if name == "parts" else name
        values = chosen.split("+") if name == "loss" else [chosen]
        unknown = [value for value in values if known and value not in known]
        if unknown:
            how = "sums of" if name == "loss" else "one of"
            raise ModelError(f'There is no {what} "{unknown[0]}".', action=f"Use {how} {', '.join(known)}.")
    if not 0 <= config.learning_rate < float("inf") or not config.augmentation >= 0:
        raise ModelError(
            "The learning rate or the augmentation is out of range.", action="Use 0 or more; 0 chooses."
        )


def _checked_sample(sample: LabelledImage, name: str, num_classes: int) -> LabelledImage:
    try:
        image = check_image(sample.image)
    except ModelError as error:
        raise ModelError(f'"{name}": {error.what}', action=error.action) from error
    _check_plane(sample.labels, f'The labels of "{name}"')
    origin = sample.origin
    if origin is not None:
        _check_plane(origin, f'The origin of the labels of "{name}"')
    planes = [plane for plane in (sample.labels, origin, sample.objects) if plane is not None]
    if any(plane.shape != image.shape[:2] for plane in planes):
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
    return replace(sample, image=image)


def _check_plane(plane: Any, what: str) -> None:
    """Raise ModelError where a plane is no array of uint8: -1 would become "not labelled" in silence."""
    if not isinstance(plane, np.ndarray) or plane.dtype != np.uint8:
        kind = plane.dtype if isinstance(plane, np.ndarray) else type(plane).__name__
        raise ModelError(
            f"{what} must be a NumPy array of uint8, not {kind}.",
            action="Use class ids from 0, 255 for pixels that are not labelled, and astype(numpy.uint8).",
        )
