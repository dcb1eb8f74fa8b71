"""What was pointed at, asked of whoever answers: clicks, a box and lines; the last line in its own way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.prediction.proposals import PromptPoint, PromptSet
from model.click_models.click_model import ClickModel
from model.click_models.lines import answers_to_line
from model.prediction.line_answers import line_candidates, line_stages
from model.prediction.lines import Line
from model.prediction.predictor import Predictor

Answer = tuple[NDArray[np.bool_], float, NDArray[np.float32]]
"""Mask bool [H, W], its estimated IoU, logits for the next question."""

Box = tuple[float, ...]
Pointed = tuple[list[tuple[float, float]] | None, list[int] | None, Box | None]
"""Places of clicks, their labels, a box, as predictors take them."""


def stages(
    predictor: Predictor | ClickModel,
    prompts: PromptSet,
    before: NDArray[np.float32] | None,
    *,
    is_preview: bool = False,
) -> Iterator[tuple[bool, Answer]]:
    """The object: perhaps (False, what is known at once), then (True, the answer).

    Args:
        predictor: set to the image.
        prompts: what was pointed at.
        before: logits of the answer to all but the last click or line; None where there is none.
        is_preview: whether the last click was not made yet.
    """
    line = _last_line(prompts)
    if line is None:
        asked = pointed(prompts)
        yield from predictor.predict_stages(*asked, mask_input=before, is_preview=is_preview)
        return
    earlier = pointed(replace(prompts, points=prompts.points[:-1]))
    if isinstance(predictor, ClickModel):
        yield True, answers_to_line(predictor, line, *earlier, before, most=1)[0]
        return
    yield from line_stages(predictor, line, *earlier, mask_input=before)


def meanings(
    predictor: Predictor | ClickModel, prompts: PromptSet, before: NDArray[np.float32] | None
) -> list[Answer]:
    """The likeliest object, then what else may be meant; arguments as of `stages`."""
    line = _last_line(prompts)
    earlier = pointed(prompts if line is None else replace(prompts, points=prompts.points[:-1]))
    if isinstance(predictor, ClickModel):
        if line is None:
            return predictor.predict_candidates(*earlier, mask_input=before)
        return answers_to_line(predictor, line, *earlier, before)
    if line is not None:
        return line_candidates(predictor, line, *earlier, before)
    masks, scores, logits = predictor.predict(*earlier, mask_input=before, multimask_output=True)
    return [(mask, float(score), own) for mask, score, own in zip(masks, scores, logits, strict=True)]


def pointed(prompts: PromptSet) -> Pointed:
    """Clicks and those that stand for strokes; the box, or that of a loop that was drawn first."""
    places = [xy for point in prompts.points for xy in _clicks_of(point)]
    labels = [int(point.is_positive) for point in prompts.points for _ in _clicks_of(point)]
    return places or None, labels or None, _box_of(prompts)


def map_rows(prompts: PromptSet) -> list[list[int]]:
    """Which clicks of `pointed` each of the points is, by number; none for loops but the first.

    That is the corners of the box, which come last: -2 and -1.
    """
    rows, number = [], 0
    for point in prompts.points:
        count = len(_clicks_of(point))
        rows.append(list(range(number, number + count)))
        number += count
    if prompts.box is None and _box_of(prompts) is not None:
        rows[0] = [-2, -1]
    return rows


def _last_line(prompts: PromptSet) -> Line | None:
    return _line_of(prompts.points[-1]) if prompts.points else None


def _line_of(point: PromptPoint) -> Line | None:
    if not point.way:
        return None
    return Line.of(point.way, is_positive=point.is_positive, is_loop=point.is_loop)


def _clicks_of(point: PromptPoint) -> list[tuple[float, float]]:
    line = _line_of(point)
    return [point.xy] if line is None else [(float(x), float(y)) for x, y in line.clicks()]


def _box_of(prompts: PromptSet) -> Box | None:
    if prompts.box is not None or not prompts.points:
        return prompts.box
    first = _line_of(prompts.points[0])
    if first is None or not first.is_loop or not first.is_positive or prompts.taken_up is not None:
        return None
    return tuple(float(side) for side in first.box())
