"""The time budget, and what follows from it: learning rate and averaging of weights."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

import torch
from torch import Tensor, nn

WARM_UP: Final = 0.05
FLOOR: Final = 0.02


class TrainingClock(Protocol):
    """What fine-tuning asks of a clock."""

    @property
    def seconds(self) -> float:
        """The whole budget."""

    @property
    def spent(self) -> float:
        """Seconds so far."""

    @property
    def fraction(self) -> float:
        """Share of the budget that is spent, 0..1."""

    def hold(self) -> None:
        """Stop counting."""

    def resume(self) -> None:
        """Count again."""


class Clock:
    """Seconds spent of a budget; it can be held.

    Args:
        seconds: the budget.
        now: seconds from any origin, never going back.
    """

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds: float = seconds
        self._now = now
        self._start = now()
        self._held_at: float | None = None

    @property
    def spent(self) -> float:
        """Seconds so far, without those in which the clock was held."""
        return (self._now() if self._held_at is None else self._held_at) - self._start

    @property
    def fraction(self) -> float:
        """Share of the budget that is spent, 0..1."""
        return min(1.0, self.spent / self.seconds)

    def hold(self) -> None:
        """Stop counting."""
        if self._held_at is None:
            self._held_at = self._now()

    def resume(self) -> None:
        """Count again."""
        if self._held_at is not None:
            self._start += self._now() - self._held_at
            self._held_at = None


class Span:
    """A part of another clock's budget as a budget of its own.

    Args:
        whole: the clock.
        start: its spent seconds at which the part begins.
        seconds: length of the part.
    """

    def __init__(self, whole: TrainingClock, start: float, seconds: float) -> None:
        self.seconds = seconds
        self._whole = whole
        self._start = start

    @property
    def spent(self) -> float:
        """Seconds of the part so far."""
        return max(0.0, self._whole.spent - self._start)

    @property
    def fraction(self) -> float:
        """Share of the part that is spent, 0..1."""
        return min(1.0, self.spent / max(self.seconds, 1e-9))

    def hold(self) -> None:
        """Stop counting."""
        self._whole.hold()

    def resume(self) -> None:
        """Count again."""
        self._whole.resume()


def with_time_left(clock: TrainingClock, share: float) -> TrainingClock:
    """The clock, set back where less than a share of the budget, 0..1, is left."""
    if clock.fraction <= 1 - share:
        return clock
    return Span(clock, clock.spent - (1 - share) * clock.seconds, clock.seconds)


def rate_at(progress: float) -> float:
    """Factor on the learning rate at a share of a phase: a short rise, then half a cosine."""
    if progress < WARM_UP:
        return max(FLOOR, progress / WARM_UP)
    return FLOOR + (1 - FLOOR) * 0.5 * (
        1 + math.cos(math.pi * min(1.0, (progress - WARM_UP) / (1 - WARM_UP)))
    )


class Average:
    """Exponential moving average of parameters; short at first, so that it is never behind."""

    def __init__(self, parameters: Mapping[str, nn.Parameter], decay: float = 0.98) -> None:
        self._parameters = dict(parameters)
        self._decay = decay
        self._steps = 0
        self._mean = {name: p.detach().clone() for name, p in self._parameters.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take the present values in."""
        self._steps += 1
        weight = 1 - min(self._decay, (1 + self._steps) / (10 + self._steps))
        names = list(self._mean)
        torch._foreach_lerp_(
            [self._mean[n] for n in names], [self._parameters[n].detach() for n in names], weight
        )

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange average and parameters; twice restores."""
        for name, parameter in self._parameters.items():
            mean = self._mean[name].clone()
            self._mean[name].copy_(parameter)
            parameter.copy_(mean)


def are_finite(values: Iterable[Tensor]) -> bool:
    """Whether no value is NaN or infinite."""
    return all(bool(torch.isfinite(value).all()) for value in values if value.is_floating_point())
