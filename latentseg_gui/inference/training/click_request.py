"""What the training process is asked about clicks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from latentseg_gui.document.training.learning import CLICK_SECONDS
from latentseg_gui.document.training.runs import ClicksLearned, TrainingSample
from latentseg_gui.inference.request import Request


@dataclass(frozen=True, slots=True)
class LearnClicks(Request[ClicksLearned]):
    """Let clicks learn from accepted objects; reports `FineTuneProgress`.

    Attributes:
        weights: where to start from; None for the shipped ones.
        version: the name that the new version shall have.
        samples: images with objects.
        output: the file of the new weights; written only if objects need fewer clicks.
        seconds: time budget.
    """

    weights: Path | None
    version: str
    samples: tuple[TrainingSample, ...]
    output: Path
    seconds: float = CLICK_SECONDS
