"""Lanes: where the window sends work, and where it hears of it, always in the GUI thread.

A lane runs one job at a time. Every job that was submitted ends in exactly one of
`job_finished`, `job_failed` and `job_cancelled`.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer, Signal, Slot

from latentseg_gui.workers.child import CancelJob, ChildSpec, TellJob
from latentseg_gui.workers.events import (
    ChildLost,
    JobCancelled,
    JobFailed,
    JobFinished,
    JobProgress,
    JobStarted,
    LaneEvent,
    LaneStateChanged,
    ReplayFailed,
)
from latentseg_gui.workers.jobs import Job
from latentseg_gui.workers.process import kill
from latentseg_gui.workers.supervisor import Command, RecallJob, Restart, Supervisor
from latentseg_gui.workers.thread import JobThread
from latentseg_gui.workers.watch import Watch

SHUTDOWN_S = 1.8
"""The window must be gone two seconds after it was closed."""

HANGS_AFTER_S = 15.0


class Lane(QObject):
    """What `ChildLane` and `ThreadLane` share. Make and use it in the GUI thread.

    Signals:
        child_lost: the process is gone with all that it knew; how it ended, "" where the lane ended it.
        replay_failed: the `JobFailure` of what a new process had to be told first.
    """

    job_started = Signal(int)
    job_progress = Signal(int, object)
    job_finished = Signal(int, object)
    job_failed = Signal(int, object)  # JobFailure
    job_cancelled = Signal(int)
    lane_state_changed = Signal(str)
    child_lost = Signal(str)
    replay_failed = Signal(object)
    became_idle = Signal()

    _posted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ids = itertools.count()
        self._open: set[int] = set()
        self._state = "idle"
        self._runner: Supervisor | JobThread | None = None
        self._is_shut = False
        # A bound slot of an object of the GUI thread: the event crosses in Qt's own queue, and a
        # late one to a lane that is gone is dropped.
        self._posted.connect(self._on_posted, Qt.ConnectionType.QueuedConnection)

    @property
    def is_idle(self) -> bool:
        """Whether no submitted job is still open."""
        return not self._open

    @property
    def state(self) -> str:
        """The last of `lane_state_changed`."""
        return self._state

    def submit(
        self,
        request: object,
        *,
        key: str = "",
        is_latest_only: bool = True,
        priority: int = 0,
        is_sticky: bool = False,
    ) -> int:
        """Queue ``request``; returns its job id.

        Args:
            request: what to do: a picklable message for a process, a function for a thread.
            key: jobs of one key are about one thing.
            is_latest_only: take the place of a job of the same key that has not begun.
            priority: higher runs earlier.
            is_sticky: send it again (one per key) when the process had to be started again, so
                that its state is as it was.
        """
        job_id = next(self._ids)
        self._open.add(job_id)
        self._command(Job(job_id, request, key or f"job {job_id}", is_latest_only, priority, is_sticky))
        return job_id

    def cancel(self, job_id: int) -> None:
        """Take back a job: one that waits never begins, one that runs is asked to return at once.

        `job_cancelled` follows without delay. A process that does not react within a second is
        ended and started again.
        """
        if job_id in self._open:
            self._command(CancelJob(job_id))

    def recall(self, job_id: int) -> None:
        """Take back a job that waits, and let one that runs go on: no process is ended for it."""
        if job_id in self._open:
            self._command(RecallJob(job_id))

    def cancel_all(self) -> None:
        """Take back every open job."""
        for job_id in sorted(self._open):
            self.cancel(job_id)

    def tell(self, job_id: int, message: object) -> None:
        """Send ``message`` to a running job (`JobContext.told`); lost if it does not run."""
        self._command(TellJob(job_id, message))

    def shutdown(self, timeout_s: float = SHUTDOWN_S) -> bool:
        """End the lane and everything it started; whether all of it is gone. No signal follows."""
        self._is_shut = True
        self._open.clear()
        runner, self._runner = self._runner, None
        return runner is None or runner.stop(timeout_s)

    def wait_idle(self, timeout_ms: int = 10_000) -> bool:
        """Run the event loop until the lane is idle; False if it is not by then. For tests."""
        if self.is_idle:
            return True
        loop, timer = QEventLoop(), QTimer()
        timer.setSingleShot(True)
        timer.timeout.connect(loop.quit)
        self.became_idle.connect(loop.quit)
        timer.start(timeout_ms)
        loop.exec()
        self.became_idle.disconnect(loop.quit)
        return self.is_idle

    def _make_runner(self) -> Supervisor | JobThread:
        """Start what runs the jobs."""
        raise TypeError(f"{type(self).__name__} is abstract")

    def _command(self, command: Command) -> None:
        self._ensure_runner().command(command)

    def _ensure_runner(self) -> Supervisor | JobThread:
        if self._is_shut:
            raise RuntimeError("this lane was shut down")
        if self._runner is None:
            self._runner = self._make_runner()
        return self._runner

    def _post(self, event: LaneEvent) -> None:
        """Hand ``event`` to the GUI thread; called in the runner's thread."""
        if not self._is_shut:
            self._posted.emit(event)

    @Slot(object)
    def _on_posted(self, event: LaneEvent) -> None:
        if self._is_shut:
            return
        if isinstance(event, LaneStateChanged):
            self._state = event.state
            self.lane_state_changed.emit(event.state)
        elif isinstance(event, ChildLost):
            self.child_lost.emit(event.how)
        elif isinstance(event, ReplayFailed):
            self.replay_failed.emit(event.failure)
        elif event.job_id in self._open:
            self._tell_listeners(event)
            if not self._open and not isinstance(event, JobStarted | JobProgress):
                self.became_idle.emit()

    def _tell_listeners(self, event: LaneEvent) -> None:
        match event:
            case JobStarted(job_id):
                self.job_started.emit(job_id)
            case JobProgress(job_id, progress):
                self.job_progress.emit(job_id, progress)
            case JobFinished(job_id, answer):
                self._open.discard(job_id)
                self.job_finished.emit(job_id, answer)
            case JobFailed(job_id, failure):
                self._open.discard(job_id)
                self.job_failed.emit(job_id, failure)
            case JobCancelled(job_id):
                self._open.discard(job_id)
                self.job_cancelled.emit(job_id)


class ChildLane(Lane):
    """Jobs in one spawned child process, started with the first job or by `start`.

    Args:
        target: "package.module:function"; the function is called in the child and returns what
            answers the requests (`latentseg_gui.workers.child.Handler`). Given by name, so that
            the window never imports it.
        name: of the worker, for messages to the user.
        niceness: how much to lower the priority of the process.
        threads: threads for its numerical libraries; None for all cores.
        fault_log: file for tracebacks of hard crashes.
        hangs_after_s: without any sign of life for so long while a job is open, the child counts as hanging.
        parent: owner of this QObject.

    Signals:
        hanging: True when the child shows no sign of life any more, False when it does again or is gone.
    """

    hanging = Signal(bool)

    def __init__(
        self,
        target: str,
        *,
        name: str,
        niceness: int = 0,
        threads: int | None = None,
        fault_log: Path | None = None,
        hangs_after_s: float = HANGS_AFTER_S,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._spec = ChildSpec(target, name, niceness, threads, fault_log)
        self._watch = Watch(lambda: None if self.is_idle else self.child_pid, hangs_after_s, self)
        self._watch.hanging.connect(self.hanging)

    @property
    def child_pid(self) -> int | None:
        """Process id of the child; None while there is none."""
        return self._runner.pid if isinstance(self._runner, Supervisor) else None

    @property
    def is_hanging(self) -> bool:
        """Whether the child has work and shows no sign of life."""
        return self._watch.is_hanging

    def start(self) -> None:
        """Start the child now, so that the first job does not wait for it."""
        self._ensure_runner()

    def restart(self) -> None:
        """End the child, which may hang, and start another; also where the lane has given up.

        What ran fails as after a crash, and what waits goes on.
        """
        pid = self.child_pid
        self._command(Restart())
        if pid is not None:
            kill(pid)  # from here: the supervising thread may be stuck in a write to it

    def shutdown(self, timeout_s: float = SHUTDOWN_S) -> bool:
        """End the lane and everything it started; whether all of it is gone. No signal follows."""
        self._watch.stop()
        return super().shutdown(timeout_s)

    def _make_runner(self) -> Supervisor:
        self._watch.start()
        return Supervisor(self._spec, self._post)


class ThreadLane(Lane):
    """Jobs in one persistent thread: functions without arguments, such as reading a file."""

    def __init__(self, *, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name

    def _make_runner(self) -> JobThread:
        return JobThread(self._name, self._post)


def training_threads() -> int:
    """Threads for a process that works beside the window: one core stays with the user."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores - 1)
