"""What was measured of the weights that come with the program: a table beside the file, tied to it by its hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.weights.checkpoint import default_weights_path


@dataclass(frozen=True, slots=True)
class EvenMixFigure:
    """Mean IoU with the learned mix of experts and with an even one, on so many pictures."""

    learned: float
    even: float
    pictures: int


def default_even_mix() -> EvenMixFigure | None:
    """What an even mix would cost the weights that come with the program; None where that was not measured.

    Raises:
        WeightsError: the weights are missing.
    """
    return even_mix_of(default_weights_path())


def even_mix_of(path: Path) -> EvenMixFigure | None:
    """The figure in the table beside a file of weights, ``NAME.json``; None where it is of another file."""
    try:
        table: Any = json.loads(path.with_suffix(".json").read_bytes())
        if table["sha256"] != hashlib.sha256(path.read_bytes()).hexdigest():
            return None
        figure = table["even_mix"]
        return EvenMixFigure(float(figure["learned"]), float(figure["even"]), int(figure["pictures"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
