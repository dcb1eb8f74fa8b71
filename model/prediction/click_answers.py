"""Clicks, a box and an earlier mask are a question; the answer is one object, or several that may be meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.errors import ModelError
from model.networks.experts import AttentionMaps
from model.prediction.click_constraints import AnsweredClicks, PreviousMask, guarded
from model.prediction.inputs import MASK_LOGIT, Pointing, check_mask_input, check_pointing
from model.prediction.outputs import EncodedImage
from model.prediction.plain_clicks import grown_region, is_correction, is_field
from model.prediction.plain_regions import PLAIN, PlainRegions
from model.prediction.postprocess import clicked_pixels, last_clicks
from model.prediction.resample import resize_logits
from model.prediction.runner import Runner
from model.prediction.zoom_in import Answer, refine_by_zoom

Candidates = tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.float32]]
"""masks bool [N, H, W], estimated IoU float32 [N], logits float32 [N, h, w] of the reduced picture."""

Pointed = tuple[ArrayLike | None, ArrayLike | None, ArrayLike | None]
"""Places of clicks, their labels, a box, as callers hand them in."""

SURE: Final = 0.85
"""What the network thinks better than this by its own estimate is what a click means."""

FIELD: Final = 8.0
"""An object so many times as large as a plain region round the click is rather a field of such regions."""

SURE_FROM_AFAR: Final = 0.75
"""The same of the answer before a closer look, to which a field of small things is but a texture."""

DOUBTFUL: Final = 0.7
SOME: Final = 2.0
"""The same where the network thinks its own answer poor."""

PLAIN_SCORE: Final = 0.66
"""The IoU of a plain region that is taken for the object: the mean of 43 objects in microscope pictures."""

CORRECTED: Final = 0.9
"""As good counts a plain region that a click corrects."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about an image.

    Attributes:
        pointing: clicks and box in pixels of the image.
        previous: logits that were handed in, or None.
        earlier: the same at the working size of the image.
        is_preview: whether nobody has clicked yet, so that the image must not remember it.
    """

    pointing: Pointing
    previous: NDArray[np.float32] | None
    earlier: NDArray[np.float32] | None
    is_preview: bool = False


def question_of(image: EncodedImage, pointed: Pointed, mask_input: Any) -> Question:
    """What callers hand in, checked.

    Raises:
        ModelError: it makes no sense, or nothing was pointed at.
    """
    pointing, previous = check_pointing(*pointed, image.shape), check_mask_input(mask_input)
    if len(pointing.xy) == 0 and pointing.box is None and previous is None:
        raise ModelError("Nothing was pointed at.", action="Give at least one click or a box.")
    earlier = None if previous is None else resize_logits(previous, image.size)
    return Question(pointing, previous, earlier)


def answer_stages(
    image: EncodedImage, runner: Runner, question: Question, max_pixels: int
) -> Iterator[tuple[bool, Answer]]:
    """The likeliest object; a further click keeps what it does not contradict.

    Args:
        image: as clicks see it; it remembers the answer, unless that is a preview.
        runner: of the weights that it was encoded with.
        question: from `question_of`.
        max_pixels: size at which a region may be encoded.

    Yields:
        Perhaps (False, what is known at once); then (True, the final answer).
    """
    yield from _Asked(image, runner, question, max_pixels).answers()


def start_before(image: EncodedImage, question: Question) -> PreviousMask | None:
    """What the last click is put on: an answer of earlier, or a mask of any other origin; None where it is nothing."""
    if question.previous is None or question.earlier is None or len(question.pointing.xy) == 0:
        return None
    known = image.answered.before(question.pointing, question.previous)
    if known is not None:
        return PreviousMask(*known, question.earlier)
    mask = resize_logits(question.previous, image.shape) > 0
    return PreviousMask(mask, None, question.earlier) if mask.any() else None


def candidates(image: EncodedImage, runner: Runner, question: Question, max_pixels: int) -> Candidates:
    """The likeliest object, then what else may be meant: the whole that it belongs to, a part of it, plain regions.

    Each is remembered, so that further clicks can go on from it. Arguments as of `answer_stages`.
    """
    asked = _Asked(image, runner, question, max_pixels)
    *_, (_, likeliest) = asked.answers()
    zoomed, others = image.zoomed, list[tuple[Answer, bool]]()
    for candidate in range(1, runner.num_candidates + 1):
        *_, (_, answer) = as_meant(image, runner, question, max_pixels, candidate)
        others.append((answer, False))
    if runner.num_candidates:
        others += [each for each in asked.more() if not np.array_equal(each[0][0], likeliest[0])]
    image.zoomed = zoomed  # the next click most likely goes on from the first
    for other, is_plain in others:
        image.answered.put(question.pointing, *other, is_plain=is_plain)
    masks, scores, logits = zip(likeliest, *(answer for answer, _ in others), strict=True)
    return np.stack(masks), np.array(scores, np.float32), np.stack(logits)


def maps_of(image: EncodedImage, runner: Runner, question: Question) -> AttentionMaps | None:
    """What the question attends to, in the likeliest answer before it zooms in."""
    local = question.pointing.moved((0.0, 0.0), image.scale_xy)
    return runner.segment(image.encoding, local, question.earlier, need_attention=True)[2]


def as_meant(
    image: EncodedImage, runner: Runner, question: Question, max_pixels: int, candidate: int
) -> Iterator[tuple[bool, Answer]]:
    """Answers of one meaning, seen from afar and then zoomed in, as the network gives them."""
    seen = _from_afar(image, runner, question, candidate)
    meant = last_clicks(question.pointing, image.shape)
    yield from refine_by_zoom(image, runner, meant, seen, max_pixels, candidate=candidate)


def _from_afar(
    image: EncodedImage, runner: Runner, question: Question, candidate: int
) -> tuple[NDArray[np.float32], float]:
    """Logits [h, w] and score of the answer that the whole picture gives."""
    local = last_clicks(question.pointing, image.shape).moved((0.0, 0.0), image.scale_xy)
    logits, score, _ = runner.segment(image.encoding, local, question.earlier, candidate=candidate)
    return logits, score


def _lone_click(question: Question, shape: tuple[int, int]) -> tuple[int, int] | None:
    """The pixel of a click that is all there is to go by; None where there is more, or it is beside the object."""
    pointing = question.pointing
    is_lone = len(pointing.xy) == 1 and pointing.box is None and question.previous is None
    if not is_lone or not pointing.is_positive[0]:
        return None
    rows, cols = clicked_pixels(pointing, shape)
    return int(rows[0]), int(cols[0])


class _Asked:
    """A question on its way: what the network says to it, and what stands out at a lone click, each found out once."""

    def __init__(self, image: EncodedImage, runner: Runner, question: Question, max_pixels: int) -> None:
        self._image = image
        self._runner = runner
        self._question = question
        self._max_pixels = max_pixels
        self._answered = AnsweredClicks() if question.is_preview else image.answered
        self._own: Answer | None = None
        self._is_plain = False
        self._score_from_afar = 0.0
        click = _lone_click(question, image.shape)
        self._regions = None if click is None else PlainRegions(image.pixels, click)

    def answers(self) -> Iterator[tuple[bool, Answer]]:
        """As of `answer_stages`."""
        answered, pointing = self._answered, self._question.pointing
        for is_final, answer in self._unmarked():
            if is_final and self._is_plain:
                mask, _, logits = answer
                answer = mask, PLAIN_SCORE, logits
                answered.put(pointing, *answer, is_plain=True)
            yield is_final, answer

    def more(self) -> list[tuple[Answer, bool]]:
        """What else may be meant, once it was answered, and whether that is a plain region.

        Plain regions round a lone click; and what the network said itself, where that may be something else.
        """
        regions = [] if self._regions is None else self._regions.up_to()
        found = [(_as_answer(each.mask, self._image), True) for each in regions]
        if self._own is None:
            *_, (_, self._own) = as_meant(self._image, self._runner, self._question, self._max_pixels, 0)
        return [*found, (self._own, False)] if self._is_plain or self._regions is not None else found

    def _unmarked(self) -> Iterator[tuple[bool, Answer]]:
        """The answers; it is known in the end whether they are a plain region."""
        image, question = self._image, self._question
        start, previous = start_before(image, question), question.previous
        was_plain = previous is not None and image.answered.is_plain(question.pointing, previous)
        if start is not None and was_plain:
            grown = grown_region(image.pixels, start.mask, question.pointing)
            self._is_plain = grown is not None or is_correction(start.mask, question.pointing)
            if grown is not None:
                yield True, _as_answer(grown, image)
                return
            start = replace(start, score=CORRECTED) if self._is_plain else start
        seen = _from_afar(image, self._runner, question, 0)
        self._score_from_afar = seen[1]
        yield from guarded(self._by_network(seen), self._answered, question.pointing, start, seen[0])

    def _by_network(self, seen: tuple[NDArray[np.float32], float]) -> Iterator[tuple[bool, Answer]]:
        """Answers to what was seen from afar; to a lone click perhaps what was hit of a field of small things."""
        question = self._question
        meant, is_preview = last_clicks(question.pointing, self._image.shape), question.is_preview
        looks = refine_by_zoom(
            self._image, self._runner, meant, seen, self._max_pixels, is_preview=is_preview
        )
        for is_final, answer in looks:
            one = self._one_of_field(answer, is_final=is_final)
            if is_final:
                self._own, self._is_plain = answer, self._is_plain or one is not None
            yield is_final, answer if one is None else one

    def _one_of_field(self, answer: Answer, *, is_final: bool) -> Answer | None:
        """The one thing that a lone click hit, where the network would rather mean a field of such; else None."""
        mask, score, _ = answer
        is_sure = score >= (SURE if is_final else DOUBTFUL) or self._score_from_afar >= SURE_FROM_AFAR
        if self._regions is None or is_sure:
            return None
        larger = SOME if is_final and score < DOUBTFUL else FIELD
        regions = self._regions.up_to(np.count_nonzero(mask) / larger)
        if (
            not regions
            or regions[0].clearness < PLAIN
            or not is_field(self._image.pixels, mask, regions[0].mask)
        ):
            return None
        return _as_answer(regions[0].mask, self._image)


def _as_answer(region: NDArray[np.bool_], image: EncodedImage) -> Answer:
    logits = np.where(region, np.float32(MASK_LOGIT), np.float32(-MASK_LOGIT))
    return region, PLAIN_SCORE, resize_logits(logits, image.size)
