"""What the learned mix of experts is worth, where somebody measured it before."""

from __future__ import annotations

from latentseg_gui.document.training.mix_worth import MixWorth
from model.weights.figures import default_even_mix


def mix_worth_of_shipped() -> MixWorth | None:
    """Of the weights that come with the program, on held-out pictures; None where the figure is of others."""
    figure = default_even_mix()
    if figure is None:
        return None
    return MixWorth(figure.learned, figure.even, figure.pictures, is_own=False)
