"""Clicks -> proposals: a rough one at once, a better one after a zoom, and a memory of both."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import expit

from latentseg_gui.document.prediction.proposals import MaskProposal, PromptSet
from latentseg_gui.document.types import Rect
from latentseg_gui.inference.cache import ByteCache
from latentseg_gui.inference.messages import SegmentObject
from latentseg_gui.inference.pointed import meanings, stages
from model.click_models.click_model import ClickModel
from model.prediction.click_constraints import MOST_LOGIT
from model.prediction.inputs import MASK_LOGIT
from model.prediction.predictor import Predictor

MAX_ANSWER_BYTES: Final = 64 << 20

Key = tuple[str, str, PromptSet]
"""Image, version of the weights, what was pointed at."""

_LEAST_ROOM: Final = 32
"""So many pixels round a proposal, or half its size, can be taken in by another cut-off."""
_ALIKE: Final = 0.5
"""Logits whose own mask has a smaller IoU with the proposal do not lie over the image (those of other models may be
padded to a square), or hardly decided it: another cut-off of them would be another object."""


class Clicks:
    """Answers clicks; each starts from the settled answer to all but the last click.

    That is why an answer that was overtaken by another click is still worked out to its end.
    """

    def __init__(self) -> None:
        self._answers: ByteCache[tuple[Key, int], NDArray[np.float16]] = ByteCache(MAX_ANSWER_BYTES)

    def answers(
        self, predictor: Predictor | ClickModel, version: str, request: SegmentObject
    ) -> Iterator[MaskProposal]:
        """One or two proposals; all but the last are refining. A preview is the first, unless it looks closer.

        Args:
            predictor: set to the image that is asked about.
            version: of its weights.
            request: what was pointed at.
        """
        started, key = time.monotonic(), (request.image_id, version, request.prompts)
        before = self.before(*key, request.continues)
        if request.with_candidates:
            yield self._with_candidates(predictor, key, before, started)
            return
        answers = stages(predictor, request.prompts, before, is_preview=request.is_preview)
        for is_final, (mask, score, logits) in answers:
            if is_final and not request.is_preview:
                self._keep(key, 0, logits)
            proposal = _proposal(key, mask, score, started)
            if is_final and not request.is_preview:
                proposal = _with_chances(proposal, logits, mask.shape)
            yield replace(proposal, is_refining=not is_final)
            if request.is_preview and not request.looks_closer:
                return

    def forget_all(self) -> None:
        """Drop every answer: somebody else answers clicks from now on."""
        self._answers.drop_where(lambda _: True)

    def forget_image(self, image_id: str) -> None:
        """Drop what was answered about an image."""
        self._answers.drop_where(lambda kept: kept[0][0] == image_id)

    def forget_version(self, version: str) -> None:
        """Drop what weights of this name have answered."""
        self._answers.drop_where(lambda kept: kept[0][1] == version)

    def before(
        self, image_id: str, version: str, prompts: PromptSet, candidate: int = 0
    ) -> NDArray[np.float32] | None:
        """Logits of the answer to all but the last click, or of one of its candidates; else of what was taken up."""
        if not prompts.points:
            return None
        earlier = image_id, version, replace(prompts, points=prompts.points[:-1])
        known = self._answers.get((earlier, candidate))
        if known is not None:
            return known.astype(np.float32)
        if prompts.taken_up is None:
            return None
        return np.where(prompts.taken_up.whole(), np.float32(MASK_LOGIT), np.float32(-MASK_LOGIT))

    def _with_candidates(
        self,
        predictor: Predictor | ClickModel,
        key: Key,
        before: NDArray[np.float32] | None,
        started: float,
    ) -> MaskProposal:
        """The likeliest object with what else may be meant."""
        answers = meanings(predictor, key[2], before)
        for number, (_, _, logits) in enumerate(answers):
            self._keep(key, number, logits)
        likeliest, *others = (
            _with_chances(_proposal(key, mask, score, started), logits, mask.shape)
            for mask, score, logits in answers
        )
        return replace(likeliest, candidates=tuple(others))

    def _keep(self, key: Key, candidate: int, logits: NDArray[np.float32]) -> None:
        kept = logits.clip(-MOST_LOGIT, MOST_LOGIT).astype(np.float16)
        self._answers.put((key, candidate), kept, kept.nbytes)


def _with_chances(
    proposal: MaskProposal, logits: NDArray[np.float32], shape: tuple[int, ...]
) -> MaskProposal:
    """The proposal with probabilities uint8 of its rectangle, out of logits [h, w] of the whole image."""
    rect = proposal.rect
    if rect.is_empty:
        return proposal
    margin = max(_LEAST_ROOM, max(rect.shape) // 2)
    wide = Rect(rect.row0 - margin, rect.col0 - margin, rect.row1 + margin, rect.col1 + margin)
    wide = wide.clipped((shape[0], shape[1]))
    # Pixel centres of the image in pixels of the logits, which are fewer where the image is large.
    rows = (np.arange(wide.row0, wide.row1) + 0.5) * logits.shape[0] / shape[0] - 0.5
    cols = (np.arange(wide.col0, wide.col1) + 0.5) * logits.shape[1] / shape[1] - 0.5
    there = np.stack(np.meshgrid(rows, cols, indexing="ij"))  # [2, h', w']
    chances = expit(ndimage.map_coordinates(logits, there, order=1, mode="nearest"))
    inside = np.zeros(wide.shape, np.bool_)
    row, col = rect.row0 - wide.row0, rect.col0 - wide.col0
    inside[row : row + rect.shape[0], col : col + rect.shape[1]] = proposal.mask
    if ((chances > 0.5) & inside).sum() < _ALIKE * ((chances > 0.5) | inside).sum():
        return proposal
    return replace(proposal, chances=(wide, np.round(255 * chances).astype(np.uint8)))


def _proposal(key: Key, mask: NDArray[np.bool_], score: float, started: float) -> MaskProposal:
    image_id, version, prompts = key
    rect = Rect.around(mask)
    return MaskProposal(
        image_id=image_id,
        version=version,
        rect=rect,
        mask=mask[rect.slices].copy(),
        score=score,
        prompts=prompts,
        seconds=time.monotonic() - started,
    )
