"""What a lane reports, as plain values that may cross threads and processes."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Why a job ended without an answer.

    Attributes:
        what: one sentence for the user: what went wrong.
        action: one sentence: what the user can do about it.
        detail: technical text for the log.
        is_crash: the process ended while it worked on this; another one may be asked again.
        lacks: the image that the process would have to be shown first; "" where that is not the reason.
    """

    what: str
    action: str = ""
    detail: str = ""
    is_crash: bool = False
    lacks: str = ""

    @classmethod
    def from_exception(cls, error: BaseException, job: str) -> JobFailure:
        """The failure that ``error`` stands for.

        Errors that carry ``what`` and ``action`` sentences keep them; any other becomes a general
        sentence about ``job``, with the traceback in the detail.
        """
        trace = "".join(traceback.format_exception(error))
        what = getattr(error, "what", None)
        if isinstance(what, str):
            detail = str(getattr(error, "detail", ""))
            action, lacks = str(getattr(error, "action", "")), str(getattr(error, "lacks", ""))
            return cls(what, action, f"{detail}\n{trace}".strip(), lacks=lacks)
        if isinstance(error, MemoryError):
            return cls(
                "There is not enough memory for this.", "Close other programs or use a smaller image.", trace
            )
        return cls(
            f"The {job} failed unexpectedly ({type(error).__name__}: {error}).",
            "Your work is untouched; try again, and report it if it happens again.",
            trace,
        )


@dataclass(frozen=True, slots=True)
class JobStarted:
    """The job is running now."""

    job_id: int


@dataclass(frozen=True, slots=True)
class JobProgress:
    """The running job reported something."""

    job_id: int
    progress: object


@dataclass(frozen=True, slots=True)
class JobFinished(Generic[Answer]):
    """The job ended with an answer, of the type that its request names."""

    job_id: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class JobFailed:
    """The job ended without an answer."""

    job_id: int
    failure: JobFailure


@dataclass(frozen=True, slots=True)
class JobCancelled:
    """The job was cancelled, or a later one of the same key took its place."""

    job_id: int


@dataclass(frozen=True, slots=True)
class LaneStateChanged:
    """The lane is now "starting", "ready", "restarting", "broken" or "stopped"."""

    state: str


@dataclass(frozen=True, slots=True)
class ChildLost:
    """The process is gone, with everything that it knew; the lane goes on with another, or is broken.

    Attributes:
        how: how it ended ("signal 9"); "" where the lane ended it, because a cancelled job did not come back.
    """

    how: str


@dataclass(frozen=True, slots=True)
class ReplayFailed:
    """What a new process has to be told first (sticky requests) went wrong there."""

    failure: JobFailure


JobEvent = JobStarted | JobProgress | JobFinished[Any] | JobFailed | JobCancelled
LaneEvent = JobEvent | LaneStateChanged | ChildLost | ReplayFailed


class JobContext(Protocol):
    """What a running job may ask and say; made by the lane."""

    def report(self, progress: object) -> None:
        """Send ``progress`` to the window."""

    def is_cancelled(self) -> bool:
        """Whether the job should return as soon as it can; its answer no longer counts."""

    def told(self) -> list[object]:
        """The messages sent to this job by `Lane.tell` since the last call, oldest first."""
