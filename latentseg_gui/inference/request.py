"""What a question to another process or thread says of itself: the type of its answer, and how soon it counts."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from types import NoneType
from typing import ClassVar, Generic, Protocol, TypeVar, get_args, get_origin

Answer = TypeVar("Answer")
Thunk = Callable[[], Answer]
"""Work for a thread: it needs no arguments, and what it returns is the answer."""


class Priority(IntEnum):
    """Whose turn it is in a lane, from top to bottom; equal ones in the order in which they were asked.

    One table for all lanes, so that the order can be read in one place.
    """

    WEIGHTS = 100
    """Everything else is answered by them."""
    TONE = 50
    """A slider is being dragged."""
    CLICK = 30
    INTERVENTION = 25
    ENCODE = 20
    """No click on the image can be answered before."""
    PROJECT = 15
    """Saving and opening: nobody waits for pictures meanwhile."""
    VERSIONS = 13
    JOURNAL = 12
    PREDICT = 10
    SHOW = 9
    """The image that was asked for, or the preview in an open dialog."""
    ATTENTION = 8
    CLICK_MAPS = 7
    FINER_MAPS = 6
    INFLUENCE = 5
    HOVER = 2
    NORMAL = 0
    """Neighbours of the image, thumbnails, exports."""
    ALL_EXPERTS = -9
    SPARE_TIME = -10
    """Whole folders, and what nobody has asked for yet."""


class Request(Generic[Answer]):
    """A question to a child process; a subclass names the type of its answer: ``class Ask(Request[Reply])``.

    Attributes:
        answer_type: what the answer must be an instance of.
        priority: how soon it is answered, unless whoever asks knows better.
        is_answered_early: whether what is known at once is reported before the answer, as an answer of its type.
    """

    __slots__ = ()

    answer_type: ClassVar[type] = NoneType
    priority: ClassVar[Priority] = Priority.NORMAL
    is_answered_early: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for base in cls.__dict__.get("__orig_bases__", ()):
            if get_origin(base) is Request:
                (named,) = get_args(base)
                cls.answer_type = NoneType if named is None else get_origin(named) or named


class JobContext(Protocol):
    """What a running job may ask and say (made by the lane)."""

    def report(self, progress: object) -> None:
        """Send ``progress`` to the window."""

    def is_cancelled(self) -> bool:
        """Whether the job should return as soon as it can."""

    def told(self) -> list[object]:
        """Messages to this job since the last call."""
