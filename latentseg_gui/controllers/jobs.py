"""Jobs of a lane with someone to hear how they end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypedDict, TypeVar, Unpack

from PySide6.QtCore import QObject, Signal, Slot

from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.inference.request import Priority, Request, Thunk
from latentseg_gui.workers.events import JobFailure
from latentseg_gui.workers.lanes import Lane

A = TypeVar("A")

OnFailure = Callable[[LatentsegError], None]
OnProgress = Callable[[object], None]
ShowImage = Callable[[str, Callable[[], None], OnFailure], None]
"""Lets a process see an image; then calls the first function, or the second where that cannot be done."""

_TRIES_AFTER_CRASHES, _TRIES_AFTER_SHOWING = 1, 2


class WorkerLostError(LatentsegError):
    """The process ended while it worked on a job, each time that it was asked."""


class WrongAnswerError(LatentsegError):
    """The answer is not of the type that the request names: window and process do not fit together."""

    def __init__(self, request: Request[Any], given: object) -> None:
        super().__init__(
            "The model's process gave an answer of the wrong kind.",
            action="Your work is untouched. Restart the program; if it happens again, report it with the details.",
            detail=f"{type(request).__name__}: {type(given).__name__} in the place of "
            f"{request.answer_type.__name__}",
        )


class JobOptions(TypedDict, Generic[A], total=False):
    """What may be said of a job beside the question and who hears the answer.

    Attributes:
        title: what the status bar shows while it runs; empty (the default) for jobs not worth a line.
        key: a later job of the same key takes the place of one that still waits.
        priority: for a message another than its own.
        is_sticky: repeated when the child process had to be started again.
        is_current: whether the question is still asked; whatever comes of one that is not is dropped.
        is_fresh: whether an answer was given by what is in use now, such as the live weights.
        on_stale: called instead of the others when something was dropped.
        on_failure: called instead of reporting.
        on_progress: called with every progress message that is no early answer.
        on_cancelled: called when it was cancelled or replaced.
    """

    title: str
    key: str
    priority: Priority | None
    is_sticky: bool
    is_current: Callable[[], bool]
    is_fresh: Callable[[A], bool]
    on_stale: Callable[[], None] | None
    on_failure: OnFailure | None
    on_progress: OnProgress | None
    on_cancelled: Callable[[], None] | None


@dataclass(frozen=True, slots=True)
class _Asked(Generic[A]):
    """How a job was submitted, so that it can be submitted again."""

    request: Request[A] | Thunk[A]
    key: str
    priority: int
    is_sticky: bool
    crashes: int = 0
    shown: int = 0


@dataclass(frozen=True, slots=True)
class _Listener(Generic[A]):
    """Who hears how a job ends; here alone is asked whether anybody still wants to know."""

    asked: _Asked[A]
    title: str
    on_answer: Callable[[A], None]
    on_failure: OnFailure
    on_progress: OnProgress | None
    on_cancelled: Callable[[], None] | None
    on_stale: Callable[[], None] | None
    is_current: Callable[[], bool]
    is_fresh: Callable[[A], bool]

    @property
    def is_answered_early(self) -> bool:
        """Whether answers may come as progress."""
        request = self.asked.request
        return isinstance(request, Request) and request.is_answered_early

    def wrong(self, given: object) -> WrongAnswerError | None:
        """What is wrong with the type of an answer; work in a thread was checked where it was written."""
        request = self.asked.request
        if not isinstance(request, Request) or isinstance(given, request.answer_type):
            return None
        return WrongAnswerError(request, given)

    def take(self, answer: A) -> None:
        """Hands the answer over, or says that it came too late."""
        if self.is_current() and self.is_fresh(answer):
            self.on_answer(answer)
        else:
            self.drop()

    def take_early(self, answer: A) -> None:
        """Hands over what is known before the answer, which is still to come."""
        if self.is_current() and self.is_fresh(answer):
            self.on_answer(answer)

    def drop(self) -> None:
        """Nobody wants to know any more."""
        if self.on_stale is not None:
            self.on_stale()


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
    """Submits to one lane and calls back in the GUI thread, exactly once per job that was not cancelled.

    Args:
        lane: what runs the jobs.
        name: for the status bar.
        errors: hears of failures that nobody else listens for.
        asks_again: whether a job during which the process ended is submitted once more, to the next process. For
            questions, which change nothing.
        parent: owner of this QObject.

    Attributes:
        show_image: lets the process see an image that a question is about and that it does not have (any more),
            after which the question is asked again; None where images are not shown.
    """

    def __init__(
        self,
        lane: Lane,
        name: str,
        errors: ErrorSink,
        parent: QObject | None = None,
        *,
        asks_again: bool = False,
    ) -> None:
        super().__init__(parent)
        self.show_image: ShowImage | None = None
        self._asks_again = asks_again
        self._waiting: dict[int, _Listener[Any]] = {}
        self._asked_again: dict[int, int] = {}
        self._lane = lane
        self._name = name
        self._errors = errors
        self._listeners: dict[int, _Listener[Any]] = {}
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
        request: Request[A] | Thunk[A],
        on_answer: Callable[[A], None],
        **options: Unpack[JobOptions[A]],
    ) -> int:
        """Queues ``request``; a failure nobody listens for goes to the user.

        Args:
            request: a message for a child process, or a function for a thread.
            on_answer: called with the answer, and before with early ones where the request has such.
            options: see `JobOptions`.
        """
        key = options.get("key", "")
        for first in [first for first, each in self._waiting.items() if key and each.asked.key == key]:
            self._withdraw(first)
        priority = options.get("priority")
        if priority is None:
            priority = request.priority if isinstance(request, Request) else Priority.NORMAL
        return self._submit(
            _Listener(
                asked=_Asked(request, key, priority, options.get("is_sticky", False)),
                title=options.get("title", ""),
                on_answer=on_answer,
                on_failure=options.get("on_failure") or self._errors.report,
                on_progress=options.get("on_progress"),
                on_cancelled=options.get("on_cancelled"),
                on_stale=options.get("on_stale"),
                is_current=options.get("is_current", _always),
                is_fresh=options.get("is_fresh", _always),
            )
        )

    def cancel(self, job_id: int) -> None:
        """Takes a job back, also where it was asked again meanwhile, or waits for that."""
        if job_id in self._waiting:
            self._withdraw(job_id)
        else:
            self._lane.cancel(self._asked_again.get(job_id, job_id))

    def recall(self, job_id: int) -> None:
        """Takes a job back that has not begun; one that runs goes on, for `is_current` to drop its answer."""
        if job_id in self._waiting:
            self._withdraw(job_id)
        else:
            self._lane.recall(self._asked_again.get(job_id, job_id))

    def cancel_named(self, full_name: str) -> None:
        """Takes back the job that `began` announced under this name; other names are not ours."""
        name, _, number = full_name.rpartition("#")
        if name == self._name and number.isdigit():
            self._lane.cancel(int(number))

    def retitle(self, job_id: int, title: str) -> None:
        """Announces a job that runs under another title: what is done now."""
        self.began.emit(self.full_name(self._asked_again.get(job_id, job_id)), title)

    def full_name(self, job_id: int) -> str:
        """The name under which a job is announced."""
        return f"{self._name}#{job_id}"

    def _end(self, job_id: int) -> _Listener[Any] | None:
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
        if listener.is_answered_early and listener.wrong(progress) is None:
            listener.take_early(progress)
        elif listener.on_progress is not None and listener.is_current():
            listener.on_progress(progress)

    @Slot(int, object)
    def _on_finished(self, job_id: int, answer: Any) -> None:
        listener = self._end(job_id)
        self._first_name(job_id)
        if listener is None:
            return
        error = listener.wrong(answer)
        if error is None:
            listener.take(answer)
            return
        self._errors.report(error)  # whoever listens for failures may keep silent about them
        if listener.on_failure != self._errors.report:
            listener.on_failure(error)

    @Slot(int, object)
    def _on_failed(self, job_id: int, failure: JobFailure) -> None:
        listener = self._end(job_id)
        if listener is None:
            return
        asked, first = listener.asked, self._first_name(job_id)
        error = LatentsegError(failure.what, action=failure.action, detail=failure.detail)
        if not listener.is_current():
            listener.drop()
        elif failure.is_crash and self._asks_again and asked.crashes < _TRIES_AFTER_CRASHES:
            self._waiting[first] = replace(listener, asked=replace(asked, crashes=asked.crashes + 1))
            self._ask_again(first)
        elif failure.lacks and self.show_image is not None and asked.shown < _TRIES_AFTER_SHOWING:
            self._waiting[first] = replace(listener, asked=replace(asked, shown=asked.shown + 1))
            self.show_image(failure.lacks, partial(self._ask_again, first), partial(self._give_up, first))
        elif failure.is_crash and self._asks_again:
            listener.on_failure(_ended_twice(error))
        else:
            listener.on_failure(error)

    def _submit(self, listener: _Listener[Any]) -> int:
        asked = listener.asked
        job_id = self._lane.submit(
            asked.request, key=asked.key, priority=asked.priority, is_sticky=asked.is_sticky
        )
        self._listeners[job_id] = listener
        if listener.title:
            self.began.emit(self.full_name(job_id), listener.title)
        return job_id

    def _ask_again(self, first: int) -> None:
        """Submits a job that waits for it once more, unless a later one of its key is under way."""
        listener = self._waiting.get(first)
        if listener is None:
            return
        key = listener.asked.key
        if key and any(each.asked.key == key for each in self._listeners.values()):
            self._withdraw(first)
            return
        del self._waiting[first]
        self._asked_again[first] = self._submit(listener)

    def _give_up(self, first: int, error: LatentsegError) -> None:
        listener = self._waiting.pop(first, None)
        if listener is not None:
            listener.on_failure(error)

    def _withdraw(self, first: int) -> None:
        listener = self._waiting.pop(first, None)
        if listener is not None and listener.on_cancelled is not None:
            listener.on_cancelled()

    def _first_name(self, job_id: int) -> int:
        """What `submit` called a job that has ended now, however often it was asked again."""
        first = next((first for first, now in self._asked_again.items() if now == job_id), job_id)
        self._asked_again.pop(first, None)
        return first

    @Slot(int)
    def _on_cancelled(self, job_id: int) -> None:
        listener = self._end(job_id)
        self._first_name(job_id)
        if listener is not None and listener.on_cancelled is not None:
            listener.on_cancelled()


def _always(*_: object) -> bool:
    return True


def _ended_twice(error: LatentsegError) -> WorkerLostError:
    return WorkerLostError(
        f"{error.what} The same happened when it was asked again.",
        action="Your work is untouched. Close other programs, or use a smaller image, and try again.",
        detail=error.detail,
    )
