"""How networks did that learned from the same labels, as values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class NetworkOutcome:
    """How one network did.

    Attributes:
        name: of the network (`NetworkChoice.name`).
        title: as shown.
        mean_iou: on the held-out pixels, 0..1; NaN where it did not come to that.
        per_class: IoU by class number, 0..1; NaN for classes that are not labelled there.
        seconds: that it learned.
        parameters: numbers that it is made of.
        note: what went wrong, in words; "" where nothing did.
        weights: the file of what it has learned; None where it has learned nothing, or is not written yet.
    """

    name: str
    title: str
    mean_iou: float = math.nan
    per_class: tuple[float, ...] = ()
    seconds: float = 0.0
    parameters: int = 0
    note: str = ""
    weights: Path | None = None


@dataclass(frozen=True, slots=True)
class NetworksCompared:
    """How a comparison ended.

    Attributes:
        outcomes: in the order in which the networks learned.
        measured_on: on what, in words.
    """

    outcomes: tuple[NetworkOutcome, ...]
    measured_on: str


@dataclass(frozen=True, slots=True)
class NetworkProgress:
    """Where a comparison stands.

    Attributes:
        title: of the network that learns.
        number: of it, from 1.
        count: of all.
        phase: what is being done, in words.
        fraction: of the whole comparison, 0..1.
        outcomes: of the networks that are done.
    """

    title: str
    number: int
    count: int
    phase: str
    fraction: float
    outcomes: tuple[NetworkOutcome, ...] = ()


def best_first(outcomes: Sequence[NetworkOutcome]) -> tuple[NetworkOutcome, ...]:
    """The same, those with the highest mean IoU first, those without one last."""
    return tuple(sorted(outcomes, key=lambda each: math.inf if math.isnan(each.mean_iou) else -each.mean_iou))
