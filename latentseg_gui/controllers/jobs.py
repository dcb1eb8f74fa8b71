"""Jobs of a lane with someone to hear how they end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from latentseg_gui.controllers.ports import ErrorSink
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.workers.events import JobFailure
from latentseg_gui.workers.lanes import Lane

OnResult = Callable[[object], None]
OnFailure = Callable[[LatentsegError], None]
OnProgress = Callable[[object], None]


@dataclass(frozen=True, slots=True)
class _Listener:
    title: str
    on_result: OnResult
    on_failure: OnFailure
    on_progress: OnProgress | None
    on_cancelled: Callable[[], None] | None


class JobSource(QObject):
    """What announces jobs to the status bar.

    Signals:
        began(name, title): a job with a title was submitted, or has another title now.
        progressed(name, fraction): how far it is, 0..1.
        ended(name): it is over, however it ended.
    """

    began = Signal(str, str)
    progressed = Signal(str, float)
    ended = Signal(str)

    def cancel_named(self, full_name: str) -> None:
        """Takes back the job that `began` announced under this name; other names are not ours."""
        raise NotImplementedError


class Jobs(JobSource):
    """Submits to one lane and calls back in the GUI thread, exactly once per job that was not cancelled."""

    def __init__(self, lane: Lane, name: str, errors: ErrorSink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lane = lane
        self._name = name
        self._errors = errors
        self._listeners: dict[int, _Listener] = {}
        lane.job_progress.connect(self._on_progress)
        lane.job_finished.connect(self._on_finished)
        lane.job_failed.connect(self._on_failed)
        lane.job_cancelled.connect(self._on_cancelled)

    @property
    def lane(self) -> Lane:
        """The lane that runs the jobs."""
        return self._lane

    def submit(
        self,
        request: object,
        on_result: OnResult,
        *,
        title: str = "",
        key: str = "",
        priority: int = 0,
        is_sticky: bool = False,
        on_failure: OnFailure | None = None,
        on_progress: OnProgress | None = None,
        on_cancelled: Callable[[], None] | None = None,
    ) -> int:
        """Queues ``request``; a failure nobody listens for goes to the user.

        Args:
            request: a message for a child process, or a function for a thread.
            on_result: called with the answer.
            title: what the status bar shows while it runs; empty for jobs not worth a line.
            key: a later job of the same key takes the place of one that still waits.
            priority: higher runs earlier.
            is_sticky: repeated when the child process had to be started again.
            on_failure: called instead of reporting.
            on_progress: called with every progress message.
            on_cancelled: called when it was cancelled or replaced.
        """
        job_id = self._lane.submit(request, key=key, priority=priority, is_sticky=is_sticky)
        failure = on_failure or self._errors.report
        self._listeners[job_id] = _Listener(title, on_result, failure, on_progress, on_cancelled)
        if title:
            self.began.emit(self.full_name(job_id), title)
        return job_id

    def cancel(self, job_id: int) -> None:
        """Takes a job back."""
        self._lane.cancel(job_id)

    def cancel_named(self, full_name: str) -> None:
        """Takes back the job that `began` announced under this name; other names are not ours."""
        name, _, number = full_name.rpartition("#")
        if name == self._name and number.isdigit():
            self._lane.cancel(int(number))

    def full_name(self, job_id: int) -> str:
        """The name under which a job is announced."""
        return f"{self._name}#{job_id}"

    def _end(self, job_id: int) -> _Listener | None:
        listener = self._listeners.pop(job_id, None)
        if listener is not None and listener.title:
            self.ended.emit(self.full_name(job_id))
        return listener

    @Slot(int, object)
    def _on_progress(self, job_id: int, progress: object) -> None:
        listener = self._listeners.get(job_id)
        if listener is None:
            return
        fraction = getattr(progress, "fraction", None)
        if listener.title and isinstance(fraction, float):
            self.progressed.emit(self.full_name(job_id), fraction)
        if listener.on_progress is not None:
            listener.on_progress(progress)

    @Slot(int, object)
    def _on_finished(self, job_id: int, answer: object) -> None:
        listener = self._end(job_id)
        if listener is not None:
            listener.on_result(answer)

    @Slot(int, object)
    def _on_failed(self, job_id: int, failure: JobFailure) -> None:
        listener = self._end(job_id)
        if listener is not None:
            listener.on_failure(LatentsegError(failure.what, action=failure.action, detail=failure.detail))

    @Slot(int)
    def _on_cancelled(self, job_id: int) -> None:
        listener = self._end(job_id)
        if listener is not None and listener.on_cancelled is not None:
            listener.on_cancelled()
