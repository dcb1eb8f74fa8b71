"""What every running job has, whatever it does: an iterator of reports, and a clock that can be held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from model.training.clock import TrainingClock
from model.training.types import Progress


class Steered(Protocol):
    """A running job as whoever waits for it sees it."""

    def __iter__(self) -> Iterator[Progress]:
        """Work; every item is a report, and between items the job can be left."""

    def pause(self) -> None:
        """Hold the clock."""

    def resume(self) -> None:
        """Let the clock run on."""

    def finish(self) -> None:
        """End at the next item with the best so far."""


class TimedJob:
    """A job with a time budget; iterate over it to let it work.

    Attributes:
        clock: the time budget.
    """

    clock: TrainingClock
    _iterator: Iterator[Progress]

    @property
    def seconds(self) -> float:
        """Time spent."""
        return self.clock.spent

    def __iter__(self) -> Iterator[Progress]:
        return self._iterator

    def pause(self) -> None:
        """Hold the clock; simply do not ask for the next item."""
        self.clock.hold()

    def resume(self) -> None:
        """Let the clock run on."""
        self.clock.resume()
