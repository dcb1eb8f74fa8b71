"""The near side of a process lane: one thread that owns the child, its pipe and its queue.

All pickling and all blocking happen in this thread. Other threads only leave commands.
"""

from __future__ import annotations

import collections
import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from typing import Any, Final

from latentseg_gui.workers.child import (
    CancelJob,
    ChildSpec,
    JobAnswered,
    Ready,
    Reported,
    RunJob,
    TellJob,
    Unusable,
)
from latentseg_gui.workers.events import (
    ChildLost,
    JobCancelled,
    JobFailed,
    JobFailure,
    JobFinished,
    JobProgress,
    JobStarted,
    LaneEvent,
    LaneStateChanged,
    ReplayFailed,
)
from latentseg_gui.workers.jobs import Job, JobQueue
from latentseg_gui.workers.process import ChildProcess, kill

CANCEL_GRACE_S: Final = 1.0
"""A cancelled job that has not returned after this is ended with its process."""

MAX_CRASHES: Final = 3
"""After so many crashes without one finished job in between, the lane waits for the next request."""

_FIRST_PRIORITY: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class RecallJob:
    """``job_id`` is not wanted, if it has not begun."""

    job_id: int


@dataclass(frozen=True, slots=True)
class Restart:
    """Start a child where there is none, with a clean record."""


Post = Callable[[LaneEvent], None]
Command = Job | CancelJob | RecallJob | TellJob | Restart


class Supervisor:
    """Runs jobs in a child process, one at a time, and posts what becomes of them.

    Args:
        spec: the child.
        post: called in the supervising thread with every event.
    """

    def __init__(self, spec: ChildSpec, post: Post) -> None:
        self._spec = spec
        self._post = post
        self._commands: collections.deque[Command] = collections.deque()
        self._wake_near, self._wake_far = multiprocessing.Pipe(duplex=False)
        self._is_stopping = threading.Event()
        self.pid: int | None = None
        # Everything below belongs to the supervising thread.
        self._queue = JobQueue()
        self._sticky: dict[str, Job] = {}
        self._child: ChildProcess | None = None
        self._is_ready = False
        self._running: Job | None = None
        self._is_cancelled = False
        self._deadline: float | None = None
        self._crashes = 0
        self._thread = threading.Thread(target=self._run, name=f"lane-{spec.name}", daemon=True)
        self._thread.start()

    def command(self, command: Command) -> None:
        """Leave a command for the supervising thread; returns at once."""
        self._commands.append(command)
        _wake(self._wake_far)

    def stop(self, timeout_s: float) -> bool:
        """End child and thread; whether both were gone in time. The child is killed if need be."""
        self._is_stopping.set()
        _wake(self._wake_far)
        self._thread.join(timeout_s / 2)
        if self._thread.is_alive() and self.pid is not None:
            kill(self.pid)  # frees a thread that is stuck in a write to a hanging child
            self._thread.join(timeout_s / 2)
        if self._thread.is_alive():
            return False
        self._wake_far.close()
        self._wake_near.close()
        return True

    # All below runs in the supervising thread.

    def _run(self) -> None:
        try:
            self._start_child("starting")
            while not self._is_stopping.is_set():
                self._turn()
        finally:
            self._drop_child()
            self._post(LaneStateChanged("stopped"))

    def _turn(self) -> None:
        """One round of the loop. Whatever goes wrong in it, every open job gets an ending."""
        try:
            self._take_commands()
            self._dispatch()
            self._wait()
        except Exception as error:
            failure = JobFailure.from_exception(error, f"{self._spec.name} worker")
            if self._running is not None and self._counts(self._running.job_id):
                self._post(JobFailed(self._running.job_id, failure))
            self._post(ChildLost(type(error).__name__))
            self._give_up(failure)

    def _take_commands(self) -> None:
        while self._commands:
            match self._commands.popleft():
                case Job() as job:
                    for replaced in self._queue.put(job):
                        self._post(JobCancelled(replaced.job_id))
                case CancelJob(job_id):
                    self._cancel(job_id)
                case RecallJob(job_id) if self._queue.remove(job_id):
                    self._post(JobCancelled(job_id))
                case TellJob(job_id) as tell if self._counts(job_id):
                    self._send(tell)
                case Restart():
                    self._crashes = 0
                    self._start_child("restarting")

    def _cancel(self, job_id: int) -> None:
        if self._queue.remove(job_id):
            self._post(JobCancelled(job_id))
        elif self._counts(job_id):
            # Reported at once; the child is killed only if it does not return within the grace period.
            self._is_cancelled = True
            self._deadline = time.monotonic() + CANCEL_GRACE_S
            self._post(JobCancelled(job_id))
            self._send(CancelJob(job_id))

    def _dispatch(self) -> None:
        """Give the child its next job, starting the child first if need be."""
        if self._running is not None or len(self._queue) == 0:
            return
        if self._child is None:
            self._start_child("starting")
        elif self._is_ready and (job := self._queue.pop()) is not None:
            self._begin(job)

    def _begin(self, job: Job) -> None:
        self._running, self._is_cancelled = job, False
        try:
            self._send(RunJob(job.job_id, job.request))
        except Exception as error:  # whatever pickling the request may raise
            self._running = None
            failure = JobFailure.from_exception(error, f"hand-over to the {self._spec.name} worker")
            self._post(JobFailed(job.job_id, failure))
            return
        if job.job_id >= 0:
            self._post(JobStarted(job.job_id))

    def _wait(self) -> None:
        """Sleep until the child, a command or a deadline wants attention; then attend to it."""
        sources: list[Connection | int] = [self._wake_near]
        if self._child is not None:
            sources += self._child.sources
        ready = wait(sources, self._patience())
        if self._wake_near in ready:
            self._wake_near.recv_bytes()
            ready.remove(self._wake_near)
        if ready:
            self._listen()
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._drop_child()
            self._post(ChildLost(""))
            self._start_child("restarting")

    def _patience(self) -> float | None:
        """Seconds that may be slept."""
        if self._commands or (self._running is None and len(self._queue) > 0 and self._is_ready):
            return 0.0
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _listen(self) -> None:
        """Take what the child has sent; notice if it has died."""
        child = self._child
        if child is None:
            return
        messages, is_alive = child.receive()
        for message in messages:
            self._take(message)
        if not is_alive and self._child is child:
            self._bury()

    def _take(self, message: object) -> None:
        match message:
            case Ready():
                self._is_ready = True
                self._post(LaneStateChanged("ready"))
            case Unusable(failure):
                self._give_up(failure)
            case Reported(job_id, progress):
                if self._counts(job_id):
                    self._post(JobProgress(job_id, progress))
            case JobAnswered():
                self._take_answer(message)

    def _take_answer(self, answered: JobAnswered[Any]) -> None:
        job, counts = self._running, self._counts(answered.job_id)
        if job is None or job.job_id != answered.job_id:
            return
        self._running, self._deadline = None, None
        if job.job_id >= 0:  # what a new child is told again says nothing about what ends it
            self._crashes = 0
        elif answered.failure is not None:
            self._post(ReplayFailed(answered.failure))
        if not counts:
            return
        if answered.failure is not None:
            self._post(JobFailed(job.job_id, answered.failure))
            return
        if job.is_sticky:
            self._sticky[job.key] = job
        self._post(JobFinished(job.job_id, answered.answer))

    def _counts(self, job_id: int) -> bool:
        """Whether ``job_id`` runs and somebody waits for it (replayed jobs have negative ids)."""
        running = self._running
        return running is not None and running.job_id == job_id >= 0 and not self._is_cancelled

    def _start_child(self, state: str) -> None:
        """A new child where there is none, brought to where the last one was by its sticky requests."""
        if self._child is not None:
            return
        self._post(LaneStateChanged(state))
        for index, job in enumerate(self._sticky.values()):
            self._queue.put(Job(-1 - index, job.request, f"again {job.key}", priority=_FIRST_PRIORITY))
        try:
            self._child = ChildProcess(self._spec)
        except (OSError, RuntimeError, MemoryError) as error:  # no process, no thread or no memory to be had
            self._give_up(JobFailure.from_exception(error, f"start of the {self._spec.name} worker"))
        else:
            self.pid = self._child.pid

    def _drop_child(self) -> str:
        child, self._child = self._child, None
        self._is_ready, self._running, self._deadline = False, None, None
        how = child.end() if child is not None else ""
        self.pid = None
        return how

    def _bury(self) -> None:
        """The child died by itself: tell whom it concerns, and start another."""
        job = self._running
        is_missed = job is not None and self._counts(job.job_id)
        how = self._drop_child()
        self._crashes += 1
        is_broken = self._crashes >= MAX_CRASHES
        failure = JobFailure(
            f"The {self._spec.name} worker stopped ({how}).",
            "Repeat the last step to start it again."
            if is_broken
            else "It is started again by itself; repeat the last step.",
            f"child process ended with {how}",
        )
        if job is not None and is_missed:
            self._post(JobFailed(job.job_id, replace(failure, is_crash=not is_broken)))
        self._post(ChildLost(how))
        if is_broken:
            self._give_up(failure)
        else:
            self._start_child("restarting")

    def _give_up(self, failure: JobFailure) -> None:
        """Fail everything that waits; the next request tries again."""
        self._drop_child()
        self._post(LaneStateChanged("broken"))
        for job in self._queue.clear():
            if job.job_id >= 0:
                self._post(JobFailed(job.job_id, failure))

    def _send(self, message: object) -> None:
        if self._child is not None:
            self._child.send(message)


def _wake(thread: Connection) -> None:
    """Make the supervising thread look up from its wait."""
    try:
        thread.send_bytes(b"!")
    except OSError:
        return  # stopped: nobody is there to wake
