"""The network's answers to a line that was drawn, after clicks, a box or other lines, or as the first of all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.prediction.click_answers import Question, as_meant, question_of, start_before
from model.prediction.inputs import Pointing
from model.prediction.lines import Line, followed, mask_hint, told
from model.prediction.outputs import EncodedImage
from model.prediction.predictor import Predictor, as_clicked
from model.prediction.zoom_in import Answer


def line_stages(
    predictor: Predictor,
    line: Line,
    point_coords: ArrayLike | None = None,
    point_labels: ArrayLike | None = None,
    box: ArrayLike | None = None,
    mask_input: ArrayLike | None = None,
    *,
    candidate: int = 0,
) -> Iterator[tuple[bool, Answer]]:
    """The object that a line points at, as `Predictor.predict_stages` answers clicks.

    Args:
        predictor: set to the image.
        line: the last of what was pointed at.
        point_coords: earlier clicks, and `Line.clicks` of earlier strokes, in order.
        point_labels: of these.
        box: round the object; of a loop that was drawn first, that round it.
        mask_input: logits of the answer to all but the line, or a mask to start from.
        candidate: which meaning is asked for.

    Yields:
        Perhaps (False, what is known at once); then (True, the final answer).

    Raises:
        ModelError: it makes no sense.
    """
    image, runner = as_clicked(predictor)
    clicks = line.clicks().clip(0, (image.shape[1], image.shape[0]))
    pointed = _with_clicks(point_coords, point_labels, clicks, is_positive=line.is_positive)
    is_first = mask_input is None and point_coords is None
    round_it = line.box() if line.is_loop else None
    whole = question_of(image, (*pointed, round_it if is_first and box is None else box), mask_input)
    start = start_before(image, _but_for_one(whole, len(clicks)))
    question = _asked(image, whole, line, round_it)
    for is_final, (mask, score, logits) in as_meant(image, runner, question, predictor.max_pixels, candidate):
        done = followed(line, mask, None if start is None else start.mask)
        answer = done, score, told(logits, done)
        if is_final:
            image.answered.put(whole.pointing, *answer)
        yield is_final, answer


def line_candidates(predictor: Predictor, line: Line, *pointed: ArrayLike | None) -> list[Answer]:
    """The likeliest object, then what else the line may mean; arguments as of `line_stages`."""
    image, runner = as_clicked(predictor)
    answers, zoomed = [], image.zoomed
    for candidate in range(runner.num_candidates + 1):
        *_, (_, answer) = line_stages(predictor, line, *pointed, candidate=candidate)
        answers.append(answer)
        zoomed = image.zoomed if candidate == 0 else zoomed
    image.zoomed = zoomed  # the next click most likely goes on from the first
    return answers


def _with_clicks(
    coords: ArrayLike | None, labels: ArrayLike | None, clicks: NDArray[np.float32], *, is_positive: bool
) -> tuple[ArrayLike, ArrayLike]:
    """Earlier clicks, [P, 2], and those that stand for the line; the labels of all."""
    earlier = np.zeros((0, 2), np.float32) if coords is None else np.asarray(coords, np.float32)
    known = np.zeros(0) if labels is None else np.asarray(labels)
    return np.concatenate((earlier, clicks)), np.append(known, np.full(len(clicks), int(is_positive)))


def _but_for_one(whole: Question, count: int) -> Question:
    """The question with one click in the place of the ``count`` last ones, as what there was is looked up."""
    pointing = whole.pointing
    earlier = len(pointing.xy) - count
    xy = np.concatenate((pointing.xy[:earlier], np.zeros((1, 2), np.float32)))
    signs = np.append(pointing.is_positive[:earlier], np.True_)
    return replace(whole, pointing=Pointing(xy, signs, pointing.box))


def _asked(
    image: EncodedImage, whole: Question, line: Line, round_it: NDArray[np.float32] | None
) -> Question:
    """What the network is asked: a loop by itself, whatever there was; a stroke with all before it."""
    drawn = replace(line, xy=line.xy * np.array(image.scale_xy, np.float32))
    if round_it is None:
        return replace(whole, earlier=mask_hint(drawn, whole.earlier, image.size))
    nothing = np.zeros((0, 2), np.float32), np.zeros(0, np.bool_)
    return Question(Pointing(*nothing, round_it), None, mask_hint(drawn, None, image.size))
