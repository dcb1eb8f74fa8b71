"""What the learned mix of experts is worth to a set of weights."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MixWorth:
    """What the learned mix of experts is worth.

    Attributes:
        learned: mean IoU with the mix as it was learned.
        even: the same with an even mix.
        images: on so many images it was measured.
        is_own: whether on what the user labelled; else on the pictures that the weights were measured with.
    """

    learned: float
    even: float
    images: int
    is_own: bool

    @property
    def cost(self) -> float:
        """What an even mix costs."""
        return self.learned - self.even
