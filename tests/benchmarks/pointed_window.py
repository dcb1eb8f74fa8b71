"""A person who points as in the window: clicks that are not quite in the middle, the next into the largest error.

What answers is what answers in the window (`Clicks` of the model's process), without its widgets.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.prediction.proposals import MaskProposal, PromptPoint, PromptSet, TakenUp
from latentseg_gui.inference.messages import SegmentObject
from latentseg_gui.inference.prediction.clicks import Clicks
from model.prediction.predictor import Predictor
from model.training.click_measure import click_into_error

SLOPPINESS: Final = 2 / 3
"""Clicks fall anywhere that is deeper than a third of the deepest place."""

IMAGE: Final = "image"

Mask = NDArray[np.bool_]


def overlap(one: Mask, other: Mask) -> float:
    """Intersection over union, 0..1."""
    return float(np.count_nonzero(one & other) / max(1, np.count_nonzero(one | other)))


class PointedWindow:
    """One image and its clicks.

    Args:
        predictor: answers.
        pixels: uint8 [H, W, 3].
    """

    def __init__(self, predictor: Predictor, pixels: NDArray[np.uint8]) -> None:
        self._predictor = predictor
        predictor.set_image(pixels)
        self._shape = pixels.shape[:2]
        self.start_again()

    def start_again(self, taken_up: TakenUp | None = None) -> None:
        """No clicks, and nothing remembered of those before; perhaps an object that was there to begin with."""
        self._predictor.encoding.for_clicks.zoomed = None
        self._clicks = Clicks()
        self._prompts = PromptSet(taken_up=taken_up)
        self._chosen = 0
        self.mask = np.zeros(self._shape, np.bool_) if taken_up is None else taken_up.whole()

    def next_place(self, truth: Mask, generator: np.random.Generator) -> tuple[tuple[int, int], bool] | None:
        """Where to click next, (row, column), and whether on the object; None where nothing is wrong."""
        done = [(int(point.xy[1]), int(point.xy[0])) for point in self._prompts.points]
        return click_into_error(self.mask, truth, done, SLOPPINESS, generator)

    def preview(self, place: tuple[int, int]) -> Mask:
        """What is outlined while the pointer rests at a place, before any click."""
        return self._whole(self._asked(self._with(place, is_positive=True), is_preview=True))

    def click(self, place: tuple[int, int], *, is_positive: bool) -> Mask:
        """One more click, and the mask that is proposed then."""
        prompts = self._with(place, is_positive=is_positive)
        self.mask = self._whole(self._asked(prompts, continues=self._chosen))
        self._prompts, self._chosen = prompts, 0
        return self.mask

    def click_and_choose(self, place: tuple[int, int], truth: Mask, *, is_positive: bool) -> Mask:
        """One more click; of all its meanings, which a key shows in turn, the one that fits best is kept."""
        prompts = self._with(place, is_positive=is_positive)
        answer = self._asked(prompts, with_candidates=True, continues=self._chosen)
        masks = [self._whole(each) for each in (answer, *answer.candidates)]
        self._chosen = max(range(len(masks)), key=lambda number: overlap(masks[number], truth))
        self._prompts, self.mask = prompts, masks[self._chosen]
        return self.mask

    def _with(self, place: tuple[int, int], *, is_positive: bool) -> PromptSet:
        point = PromptPoint((place[1] + 0.5, place[0] + 0.5), is_positive)
        return replace(self._prompts, points=(*self._prompts.points, point))

    def _asked(
        self,
        prompts: PromptSet,
        *,
        is_preview: bool = False,
        with_candidates: bool = False,
        continues: int = 0,
    ) -> MaskProposal:
        request = SegmentObject(
            IMAGE, prompts, is_preview=is_preview, with_candidates=with_candidates, continues=continues
        )
        *_, answer = self._clicks.answers(self._predictor, "weights", request)
        return answer

    def _whole(self, proposal: MaskProposal) -> Mask:
        made = np.zeros(self._shape, np.bool_)
        made[proposal.rect.slices] = proposal.mask
        return made
