"""One persistent thread that runs plain functions, one at a time.

Persistent, because every new thread would leave an allocator arena behind.
"""

from __future__ import annotations

import threading
from typing import Any, Final

from latentseg_gui.workers.child import CancelJob, TellJob
from latentseg_gui.workers.events import (
    JobCancelled,
    JobFailed,
    JobFailure,
    JobFinished,
    JobStarted,
    LaneStateChanged,
)
from latentseg_gui.workers.jobs import Job, JobQueue
from latentseg_gui.workers.supervisor import Command, Post, RecallJob, Restart

_NOBODY: Final = -1


class JobThread:
    """Runs functions in a thread and posts what becomes of them.

    Args:
        name: of the thread.
        post: called with every event, in that thread or in the one that commands.
    """

    def __init__(self, name: str, post: Post) -> None:
        self._name = name
        self._post = post
        self._changed = threading.Condition()
        self._queue = JobQueue()
        self._running = _NOBODY
        self._is_stopping = False
        # A daemon: a read that hangs on a dead network drive must not keep the program alive.
        self._thread = threading.Thread(target=self._run, name=f"lane-{name}", daemon=True)
        self._thread.start()

    def command(self, command: Command) -> None:
        """Queue or cancel a job; returns at once. Functions cannot be told anything."""
        with self._changed:
            match command:
                case Job():
                    for replaced in self._queue.put(command):
                        self._post(JobCancelled(replaced.job_id))
                    self._changed.notify()
                case CancelJob(job_id):
                    self._cancel(job_id)
                case RecallJob(job_id) if self._queue.remove(job_id):
                    self._post(JobCancelled(job_id))
                case RecallJob() | TellJob() | Restart():
                    return

    def stop(self, timeout_s: float) -> bool:
        """End the thread after the function that runs; whether it was gone in time."""
        with self._changed:
            self._is_stopping = True
            self._queue.clear()
            self._changed.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _cancel(self, job_id: int) -> None:
        if self._queue.remove(job_id):
            self._post(JobCancelled(job_id))
        elif self._running == job_id:
            self._running = _NOBODY  # it runs to its end, and nobody hears of it
            self._post(JobCancelled(job_id))

    def _run(self) -> None:
        while (job := self._next()) is not None:
            self._post(JobStarted(job.job_id))
            event = self._outcome(job)
            with self._changed:
                counts, self._running = self._running == job.job_id, _NOBODY
            if counts:
                self._post(event)
        self._post(LaneStateChanged("stopped"))

    def _next(self) -> Job | None:
        """The job whose turn it is, waiting for one; None when the thread shall end."""
        with self._changed:
            while not self._is_stopping and len(self._queue) == 0:
                self._changed.wait()
            job = None if self._is_stopping else self._queue.pop()
            self._running = _NOBODY if job is None else job.job_id
            return job

    def _outcome(self, job: Job) -> JobFinished[Any] | JobFailed:
        try:
            if not callable(job.request):
                raise TypeError(f"a thread runs functions, not {type(job.request).__name__}")
            return JobFinished(job.job_id, job.request())
        except Exception as error:
            return JobFailed(job.job_id, JobFailure.from_exception(error, f"{self._name} job"))
