"""The network's answers to a line that was drawn, after clicks, a box or other lines, or as the first of all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.prediction.click_answers import Pointed, Question, as_meant, question_of, start_before
from model.prediction.inputs import Pointing
from model.prediction.lines import Line, Mask, followed, mask_hint, told
from model.prediction.outputs import EncodedImage
from model.prediction.predictor import Predictor, as_clicked
from model.prediction.ridges import THIN_SCORE, Ridge, ridge_under
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
    drawn = _Drawn.of(predictor, line, (point_coords, point_labels, box), mask_input)
    thin = drawn.thin() if candidate == 0 else None
    for is_final, answer in drawn.stages(predictor, candidate):
        is_thin = thin is not None and drawn.is_meant(thin, answer)
        if thin is not None and is_thin:
            answer = drawn.finer(thin, answer)
        if is_final:
            drawn.remember(answer, is_thin=is_thin)
        yield is_final, answer


def line_candidates(
    predictor: Predictor,
    line: Line,
    point_coords: ArrayLike | None = None,
    point_labels: ArrayLike | None = None,
    box: ArrayLike | None = None,
    mask_input: ArrayLike | None = None,
) -> list[Answer]:
    """The likeliest object, then what else the line may mean; arguments as of `line_stages`.

    A thin thing under a stroke is one of the meanings wherever it is clear, and the first where that is likelier.
    """
    image, runner = as_clicked(predictor)
    drawn = _Drawn.of(predictor, line, (point_coords, point_labels, box), mask_input)
    answers, zoomed = [], image.zoomed
    for candidate in range(runner.num_candidates + 1):
        *_, (_, answer) = drawn.stages(predictor, candidate)
        answers.append(answer)
        zoomed = image.zoomed if candidate == 0 else zoomed
    image.zoomed = zoomed  # the next click most likely goes on from the first
    for answer in answers:
        drawn.remember(answer)
    thin = drawn.thin()
    if thin is None or not drawn.is_finer(thin, answers[0]):
        return answers
    finer, is_first = drawn.finer(thin, answers[0]), drawn.is_meant(thin, answers[0])
    if not is_first and not thin.is_clear:
        return answers
    drawn.remember(finer, is_thin=True)
    return [finer, *answers] if is_first else [*answers, finer]


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """A line on its way.

    Attributes:
        line: as it was drawn.
        image: as clicks see it.
        pointing: all that was pointed at, by which the answer is remembered.
        question: what the network is asked.
        there: bool [H, W], what there was before; None for nothing.
    """

    line: Line
    image: EncodedImage
    pointing: Pointing
    question: Question
    there: Mask | None

    @classmethod
    def of(cls, predictor: Predictor, line: Line, earlier: Pointed, mask_input: ArrayLike | None) -> _Drawn:
        """Checked; arguments as of `line_stages`."""
        image, _ = as_clicked(predictor)
        coords, labels, box = earlier
        clicks = line.clicks().clip(0, (image.shape[1], image.shape[0]))
        pointed = _with_clicks(coords, labels, clicks, is_positive=line.is_positive)
        is_first = mask_input is None and coords is None
        round_it = line.box() if line.is_loop else None
        whole = question_of(image, (*pointed, round_it if is_first and box is None else box), mask_input)
        start = start_before(image, _but_for_one(whole, len(clicks)))
        asked = _asked(image, whole, line, round_it)
        return cls(line, image, whole.pointing, asked, None if start is None else start.mask)

    def stages(self, predictor: Predictor, candidate: int) -> Iterator[tuple[bool, Answer]]:
        """What the network makes of it, as `line_stages` yields."""
        image, runner = as_clicked(predictor)
        seen = as_meant(image, runner, self.question, predictor.max_pixels, candidate)
        for is_final, (mask, score, logits) in seen:
            done = followed(self.line, mask, self.there)
            yield is_final, (done, score, told(logits, done))

    def thin(self) -> Ridge | None:
        """What a stroke that adds may point at beside what the network sees."""
        return ridge_under(self.image.pixels, self.line) if self.line.is_positive else None

    def is_finer(self, thin: Ridge, answer: Answer) -> bool:
        """Whether the answer adds something several times as wide."""
        added = answer[0] if self.there is None else answer[0] & ~self.there
        return thin.is_finer_than(int(np.count_nonzero(added)))

    def is_meant(self, thin: Ridge, answer: Answer) -> bool:
        """Whether the thin thing takes the answer's place."""
        return self.is_finer(thin, answer) and thin.is_likelier_than(answer[1])

    def finer(self, thin: Ridge, answer: Answer) -> Answer:
        """The thin thing, with what there was before."""
        mask = thin.mask if self.there is None else self.there | thin.mask
        return mask, THIN_SCORE, told(answer[2], mask)

    def remember(self, answer: Answer, *, is_thin: bool = False) -> None:
        """So that the next click goes on from it; where it is thin, from what stands out by itself."""
        self.image.answered.put(self.pointing, *answer, is_plain=is_thin)


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
