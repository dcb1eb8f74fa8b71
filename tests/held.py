"""Jobs whose answers come when the test says so; all else about them is what the window does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.workers.events import JobFailure
from latentseg_gui.workers.lanes import Lane


class HeldLane(Lane):
    """Keeps what is submitted, in the order of asking, until the test answers it.

    Attributes:
        held: (job id, request) of what is not answered yet.
        priorities: by job id.
        is_busy: whether something else runs, and all of this still waits.
    """

    is_busy = False

    def __init__(self) -> None:
        super().__init__()
        self.held: list[tuple[int, Any]] = []
        self.priorities: dict[int, int] = {}

    def submit(self, request: object, *, priority: int = 0, **_: object) -> int:  # type: ignore[override]
        job_id = next(self._ids)
        self.held.append((job_id, request))
        self.priorities[job_id] = priority
        return job_id

    def cancel(self, job_id: int) -> None:
        self.held = [each for each in self.held if each[0] != job_id]
        self.job_cancelled.emit(job_id)

    def recall(self, job_id: int) -> None:
        if self.is_busy:
            self.cancel(job_id)


class Quiet:
    """Remembers what the user would be told."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.sentences: list[str] = []

    def report(self, error: Exception) -> None:
        self.errors.append(error)

    def inform(self, sentence: str) -> None:
        self.sentences.append(sentence)


class HeldJobs(Jobs):
    """Jobs of a `HeldLane`; ``errors`` remembers what nobody else listens for."""

    def __init__(self, errors: Any = None) -> None:
        self.errors = errors or Quiet()
        self.kept = HeldLane()
        super().__init__(self.kept, "held", self.errors)

    @property
    def requests(self) -> list[Any]:
        """What is not answered yet."""
        return [request for _, request in self.kept.held]

    def answer(self, make: Callable[[Any], object] = lambda work: work(), index: int = 0) -> None:
        """Answers a request with what ``make`` makes of it; work for a thread is done now."""
        job_id, request = self.kept.held.pop(index)
        self.kept.job_finished.emit(job_id, make(request))

    def report(self, progress: object, index: int = 0) -> None:
        """Says what is known of a request before its answer."""
        self.kept.job_progress.emit(self.kept.held[index][0], progress)

    def fail(self, what: str = "It did not work.", index: int = 0) -> None:
        """Ends a request without an answer."""
        job_id, _ = self.kept.held.pop(index)
        self.kept.job_failed.emit(job_id, JobFailure(what))
