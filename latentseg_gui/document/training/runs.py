"""What fine-tuning gets, reports and ends with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.types import Labels


@dataclass(frozen=True, slots=True)
class TrainingSample:
    """A snapshot for fine-tuning.

    Attributes:
        image_id: of the image.
        pixels: RGB, uint8 [H, W, 3].
        labels: class ids with `UNLABELLED`, uint8 [H, W].
        provenance: who said so, `Provenance` values, uint8 [H, W]; None where a person said all of it.
        instances: object numbers, uint32 [H, W]; None where nothing is numbered.
    """

    image_id: str
    pixels: NDArray[np.uint8]
    labels: Labels
    provenance: NDArray[np.uint8] | None = None
    instances: NDArray[np.uint32] | None = None


@dataclass(frozen=True, slots=True)
class FineTuneProgress:
    """One report of a running fine-tuning job.

    Attributes:
        step: optimiser steps done.
        fraction: share of the budget spent, 0..1.
        loss: loss of the last step.
        metric: mean IoU on the held-out labelled pixels; NaN where it was not measured at this step.
        seconds: wall time spent.
        phase: what is being done, for the user ("preparing", "refitting the experts", ...).
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


@dataclass(frozen=True, slots=True)
class ClicksLearned:
    """What came of letting clicks learn.

    Attributes:
        weights: the safetensors file; written only where ``is_better``.
        version: the name of the new version.
        is_better: whether objects that were held out need fewer clicks.
        seconds: that it took.
        words: clicks before and after, and on what they were measured, as the beginning of a sentence.
        note: a sentence for the user where something went wrong.
    """

    weights: Path
    version: str
    is_better: bool
    seconds: float
    words: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class FineTuneResult:
    """How a fine-tuning job ended.

    Attributes:
        weights: the safetensors file of the best weights seen.
        version: the name of the new version.
        metric_before: mean IoU on held-out labelled pixels of the version it started from; NaN if unknown.
        metric_after: the same for the new version.
        is_better: whether the new version should be adopted.
        note: sentences for the user.
        validated_on: what the metrics were measured on, and what they leave out, in words.
        network: title of the network that has learned; "" for the one that comes with the program.
    """

    weights: Path
    version: str
    metric_before: float
    metric_after: float
    is_better: bool
    seconds: float
    note: str = ""
    validated_on: str = ""
    network: str = ""
