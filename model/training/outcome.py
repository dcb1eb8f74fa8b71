"""What came of a run: whether anything was learned, and whether that is better, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.errors import ModelError

if TYPE_CHECKING:
    from model.training.cross import FineTuningJob


class NotLearnedError(ModelError):
    """A run ended and nothing was learned, so there are no new weights."""


def no_step(seconds: float, images: int) -> NotLearnedError:
    """The error of a run whose time was over before its first step.

    Args:
        seconds: that it took.
        images: that it was given.
    """
    counted = "1 image" if images == 1 else f"{images} images"
    return NotLearnedError(
        f"Nothing was learned: preparing {counted} took all of the {seconds:.0f} s, and no step was made.",
        action="Give it more time, or fewer or smaller images.",
    )


def refuse_unlearned(job: FineTuningJob) -> None:
    """Raise NotLearnedError where a job that has ended has no new weights.

    Args:
        job: that has ended.
    """
    if job.has_learned:
        return
    why = job.note or "It was finished before it had learned anything."
    raise NotLearnedError(f"There are no new weights. {why}", action="Let it run again, perhaps longer.")


def is_worse(job: FineTuningJob) -> bool:
    """Whether the figures of a job that has ended speak against its weights; without figures they do not."""
    return not job.is_better and job.metric_after < job.metric_before
