"""The two files of weights that come with the program, and which of them is in use.

Both are of the default network. They differ in what they were trained on, and so in what people may do with them: see
``assets/weights/MODEL_CARD.md``. The choice is a variable of the environment, so that every process that is started
from here makes the same one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from model.errors import ModelError, WeightsError

VARIABLE: Final = "LATENTSEG_WEIGHTS"


@dataclass(frozen=True, slots=True)
class ShippedWeights:
    """A file of weights inside the program.

    Attributes:
        name: as people give it.
        file: name of the file in ``assets/weights``.
        terms: what people may do with them, in a sentence.
    """

    name: str
    file: str
    terms: str


RESEARCH: Final = ShippedWeights(
    "research",
    "default.safetensors",
    "Trained on sets of which some are for non-commercial research and education only, and of some no terms are known.",
)
WORK: Final = ShippedWeights(
    "work",
    "work.safetensors",
    "Trained only on sets whose stated terms allow commercial use; a click finds a little less with them.",
)
SHIPPED: Final = (RESEARCH, WORK)
"""The first is in use where nobody has chosen."""


def shipped_named(name: str) -> ShippedWeights:
    """The shipped weights called ``name``.

    Raises:
        ModelError: none are called so.
    """
    for each in SHIPPED:
        if each.name == name:
            return each
    names = " or ".join(each.name for each in SHIPPED)
    raise ModelError(f'No shipped weights are called "{name}".', action=f"Set {VARIABLE} to {names}.")


def chosen_weights() -> ShippedWeights:
    """The shipped weights in use.

    Raises:
        ModelError: the environment names some that do not exist.
    """
    return shipped_named(os.environ.get(VARIABLE) or SHIPPED[0].name)


def choose_weights(name: str) -> None:
    """From now on these are in use, here and in every process that is started from here.

    Raises:
        ModelError: none are called so.
    """
    os.environ[VARIABLE] = shipped_named(name).name


def shipped_path(weights: ShippedWeights) -> Path:
    """Where a file of shipped weights lies.

    Raises:
        WeightsError: the installation is incomplete.
    """
    path = Path(str(resources.files("assets").joinpath("weights", weights.file)))
    if not path.is_file():
        raise WeightsError(
            "The weights that should come with the program are missing.",
            action="Install it again, or name a file of weights.",
            detail=str(path),
        )
    return path
