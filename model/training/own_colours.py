"""How much a picture's own colours count for the outlines of its objects is asked of the labelled pictures.

Every picture in turn (of a single one, every quarter) is told by a judge that learned from the others
(`model.training.evidence`), and its outlines are drawn anew by its own colours
(`model.prediction.contrast`), more or less strongly. What brings the pixels of objects nearest to those that were
labelled is kept; where nothing is nearer than the judge by itself, colours count for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.prediction.contrast import redraw
from model.prediction.outputs import ClassPrediction
from model.training.evidence import END, Judge
from model.training.session import TrainingSession
from model.training.types import IGNORED
from model.training.views import as_pixels

STRENGTHS: Final = (0, 50, 100)
"""In hundredths; that of a network is one of them."""

LEAST_GAIN: Final = 0.05
"""Of the IoU: less than that a judge that knows less than the network cannot tell."""

MOST_PIXELS: Final = 1 << 16
"""Of a picture that is judged; of a larger one every second or third pixel of a row."""


def weigh_colours(session: TrainingSession) -> Iterator[str]:
    """Set how much the own colours of a picture count; needs encoded pictures.

    Nothing where objects are not told apart, or of several classes: which of them ends, contrast does not say. Where
    the time for choices is over, what held before goes on.
    """
    network = session.network
    if network.head.separation is None or len(session.things) != 1 or session.encoded == 0:
        return
    if session.clock.fraction > END or session.processes.size > 1:  # processes have to agree
        return
    judge = Judge(session)
    gains = []
    for index in range(len(judge.pictures)):
        gains.append(_gains(session, judge, index))
        yield "weighing colours"
    mean = np.mean(gains, axis=0)  # [len(STRENGTHS)]
    best = int(mean.argmax())
    chosen = STRENGTHS[best] if mean[best] >= LEAST_GAIN else 0
    network.detail_config = replace(network.detail_config, own_colours=chosen)


def _gains(session: TrainingSession, judge: Judge, index: int) -> list[float]:
    """By how much the IoU of objects is better in a picture, for each of `STRENGTHS`."""
    picture, thing = judge.pictures[index], next(iter(session.things))
    step = max(1, round((picture.train.numel() / MOST_PIXELS) ** 0.5 + 0.25))
    told = judge.told(index, step)
    if told is None:
        return [0.0] * len(STRENGTHS)
    share = told[thing].clip(0.02, 0.98)
    labels = picture.train[::step, ::step].numpy()
    pixels = as_pixels(picture.image[:, ::step, ::step])
    side = session.network.detail_config.object_side / step
    found = [_iou(_drawn(share, pixels, each / 100, side), labels, thing) for each in STRENGTHS]
    return [each - found[0] for each in found]


def _drawn(
    share: NDArray[np.float32], pixels: NDArray[np.uint8], strength: float, side: float
) -> NDArray[np.bool_]:
    """Where objects are once outlines have been drawn anew, [h, w]."""
    is_object = share > 0.5
    answer = ClassPrediction(
        is_object.astype(np.uint8),
        np.maximum(share, 1 - share).astype(np.float32),
        depth=is_object.astype(np.uint8) * np.uint8(255),
    )
    redraw(answer, pixels, strength=strength, side=side)
    return answer.labels > 0


def _iou(found: NDArray[np.bool_], labels: NDArray[np.uint8], thing: int) -> float:
    """With the pixels of a class, of those that are labelled."""
    known, truth = labels != IGNORED, labels == thing
    either = float(((found | truth) & known).sum())
    return float((found & truth & known).sum()) / either if either else 0.0
