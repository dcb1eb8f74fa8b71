"""The far side of a process lane: runs in the spawned child, imports its service by name.

The child ends itself as soon as the pipe closes, whatever it is doing, so that it can outlive
neither a window that was closed nor one that was killed.
"""

from __future__ import annotations

import faulthandler
import importlib
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Generic, TextIO

from latentseg_gui.workers.events import Answer, JobContext, JobFailure
from latentseg_gui.workers.transport import Freed, Transport, UnreadableError

Handler = Callable[[object, JobContext], object]
"""Answers one request; made once per child by the function that `ChildSpec.target` names."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How to start a child.

    Attributes:
        target: "package.module:function"; the function takes nothing and returns a `Handler`.
        name: for the user and the process list ("engine", "training").
        niceness: added to the priority number of the process; 0 leaves it.
        threads: threads for numerical libraries; None for one per core.
        fault_log: file for tracebacks of hard crashes; None for standard error.
    """

    target: str
    name: str
    niceness: int = 0
    threads: int | None = None
    fault_log: Path | None = None


@dataclass(frozen=True, slots=True)
class RunJob:
    """Parent to child: answer ``request``."""

    job_id: int
    request: object


@dataclass(frozen=True, slots=True)
class CancelJob:
    """Parent to child: return early from ``job_id``."""

    job_id: int


@dataclass(frozen=True, slots=True)
class TellJob:
    """Parent to child: ``message`` for the running ``job_id``."""

    job_id: int
    message: object


@dataclass(frozen=True, slots=True)
class Ready:
    """Child to parent: the service is loaded."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """Child to parent: the service cannot be loaded; the child ends."""

    failure: JobFailure


@dataclass(frozen=True, slots=True)
class Reported:
    """Child to parent: progress of ``job_id``."""

    job_id: int
    progress: object


@dataclass(frozen=True, slots=True)
class JobAnswered(Generic[Answer]):
    """Child to parent: ``job_id`` ended, with an answer or a failure."""

    job_id: int
    answer: Answer
    failure: JobFailure | None = None


class _Inbox:
    """Reads the pipe in a thread of its own and ends the process when the pipe closes."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._jobs: queue.SimpleQueue[RunJob] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._cancelled: set[int] = set()
        self._told: dict[int, list[object]] = {}
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def next_job(self) -> RunJob:
        return self._jobs.get()

    def is_cancelled(self, job_id: int) -> bool:
        with self._lock:
            return job_id in self._cancelled

    def take_told(self, job_id: int) -> list[object]:
        with self._lock:
            return self._told.pop(job_id, [])

    def forget(self, job_id: int) -> None:
        with self._lock:
            self._cancelled.discard(job_id)
            self._told.pop(job_id, None)

    def _read(self) -> None:
        try:
            while True:
                self._take_next()
        except (EOFError, OSError):
            # The window is gone. Nothing here is worth a second of an orphan's life.
            os._exit(0)

    def _take_next(self) -> None:
        try:
            self._take(self._transport.receive())
        except UnreadableError as error:
            if error.job_id is not None:
                self._transport.send(JobAnswered(error.job_id, None, JobFailure.from_exception(error, "")))

    def _take(self, message: object) -> None:
        match message:
            case RunJob():
                self._jobs.put(message)
            case CancelJob(job_id):
                with self._lock:
                    self._cancelled.add(job_id)
            case TellJob(job_id, text):
                with self._lock:
                    self._told.setdefault(job_id, []).append(text)
            case Freed():
                self._transport.release(message)


class _Context:
    """The `JobContext` of one job in a child."""

    def __init__(self, transport: Transport, inbox: _Inbox, job_id: int) -> None:
        self._transport = transport
        self._inbox = inbox
        self._job_id = job_id

    def report(self, progress: object) -> None:
        self._transport.send(Reported(self._job_id, progress))

    def is_cancelled(self) -> bool:
        return self._inbox.is_cancelled(self._job_id)

    def told(self) -> list[object]:
        return self._inbox.take_told(self._job_id)


def run_child(connection: Connection, spec: ChildSpec, shared_prefix: str) -> None:
    """Serve the jobs that come through ``connection``; the entry point of the child process.

    Args:
        connection: to the window.
        spec: what to serve.
        shared_prefix: for the names of shared memory, known to the window.
    """
    _prepare(spec)
    transport = Transport(connection, own_prefix=shared_prefix)
    inbox = _Inbox(transport)
    try:
        handler = _handler_of(spec.target)
    except Exception as error:
        transport.send(Unusable(JobFailure.from_exception(error, f"start of the {spec.name} worker")))
        return
    transport.send(Ready())
    while True:
        job = inbox.next_job()
        _answer(job, handler, transport, inbox, spec.name)
        inbox.forget(job.job_id)


def _answer(job: RunJob, handler: Handler, transport: Transport, inbox: _Inbox, name: str) -> None:
    """Run one job and send how it ended; one that cannot be sent is a failure, too."""
    try:
        answer = handler(job.request, _Context(transport, inbox, job.job_id))
        transport.send(JobAnswered(job.job_id, answer))
    except Exception as error:
        transport.send(JobAnswered(job.job_id, None, JobFailure.from_exception(error, f"{name} worker")))


def _prepare(spec: ChildSpec) -> None:
    """Priority, threads and signals, before any numerical library is loaded."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the parent's to handle
    # The file must stay open for the life of the process: faulthandler keeps only its number.
    log = _opened_log(spec.fault_log)
    if log is not None:
        faulthandler.enable(log)
    _be_nice(spec.niceness)
    threads = spec.threads or os.cpu_count() or 1
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)
    # Threads that wait shall sleep: where other programs want the cores too, spinning ones take the time from
    # those that they wait for, and a click of 0.1 s takes seconds.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def _opened_log(path: Path | None) -> TextIO | None:
    """The file for tracebacks of hard crashes; stderr where it cannot be written: jobs matter more."""
    if path is None:
        return sys.__stderr__
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a")
    except OSError:
        return sys.__stderr__


def _be_nice(niceness: int) -> None:
    """Lower the priority of this process."""
    if niceness <= 0:
        return
    if sys.platform == "win32":
        import ctypes

        below_normal = 0x4000
        kernel = ctypes.windll.kernel32
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), below_normal)
    else:
        os.nice(niceness)


def _handler_of(target: str) -> Handler:
    """Make the handler that ``target`` ("package.module:function") names."""
    module, _, function = target.partition(":")
    handler: Handler = getattr(importlib.import_module(module), function)()
    return handler
