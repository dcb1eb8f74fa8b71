"""Which of the shipped weights are in use, as the window chooses and tells it."""

from __future__ import annotations

import os

from model.errors import ModelError
from model.weights.shipped import VARIABLE, WORK, choose_weights, chosen_weights


def begin_with(*, for_work: bool) -> None:
    """Before the model's processes start: those for use at work, or what the environment says."""
    if for_work and not os.environ.get(VARIABLE):
        choose_weights(WORK.name)


def terms_in_use() -> str:
    """What people may do with the shipped weights in use, in a sentence; "" where there are none of the name."""
    try:
        return chosen_weights().terms
    except ModelError:
        return ""
