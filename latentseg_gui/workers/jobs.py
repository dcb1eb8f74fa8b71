"""Jobs waiting for their turn: order, priorities, and "only the latest of a key counts"."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Job:
    """A request and how it wants to be treated.

    Attributes:
        job_id: unique in its lane.
        request: what to do; for a child process it must be picklable.
        key: jobs of the same key are about the same thing.
        is_latest_only: a later job of the same key takes the place of this one while it waits.
        priority: higher runs earlier; equal ones in the order of their arrival.
        is_sticky: after a restart of the worker the request is sent again, without an answer.
    """

    job_id: int
    request: object
    key: str = ""
    is_latest_only: bool = True
    priority: int = 0
    is_sticky: bool = False


class JobQueue:
    """Waiting jobs. Not thread-safe: one thread owns it."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, job: Job) -> list[Job]:
        """Add ``job``; returns the jobs whose place it took."""
        replaced = [
            other
            for other in self._jobs
            if other.is_latest_only and job.is_latest_only and other.key == job.key
        ]
        self._jobs = [other for other in self._jobs if other not in replaced]
        self._jobs.append(job)
        return replaced

    def pop(self) -> Job | None:
        """Take out the job whose turn it is; None if there is none."""
        if not self._jobs:
            return None
        turn = max(range(len(self._jobs)), key=lambda index: (self._jobs[index].priority, -index))
        return self._jobs.pop(turn)

    def remove(self, job_id: int) -> bool:
        """Take ``job_id`` out; False if it does not wait here."""
        kept = [job for job in self._jobs if job.job_id != job_id]
        is_removed = len(kept) < len(self._jobs)
        self._jobs = kept
        return is_removed

    def clear(self) -> list[Job]:
        """Take out and return all jobs."""
        jobs, self._jobs = self._jobs, []
        return jobs
