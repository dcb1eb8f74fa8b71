"""Squares cut out of labelled pictures, varied or not: what a network without kept features learns from."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from model.training.types import IGNORED, FineTuneConfig
from model.training.views import SCALE_RANGE, LabelledWindow, class_counts, vary

SIDE: Final = 192
"""Of the squares in pixels; less where all pictures are smaller."""

AS_IT_IS: Final = 0.25
"""Share of the squares that are not varied."""


class Squares:
    """Draws squares round labelled pixels, all classes equally often.

    Args:
        pictures: windows of labelled images.
        config: of the run.
        generator: of every choice.
        scarcity: of labelled images; see `vary`.
        is_upright: whether they are mirrored only.
    """

    def __init__(
        self,
        pictures: list[LabelledWindow],
        config: FineTuneConfig,
        generator: torch.Generator,
        *,
        scarcity: float,
        is_upright: bool,
    ) -> None:
        self.generator = generator
        self._config = config
        self._scarcity, self._is_upright = scarcity, is_upright
        self._classes = class_counts(pictures, config.num_classes).nonzero().flatten().tolist()
        self._pictures = [p for p in pictures if bool((p.train != IGNORED).any())]
        self._side = min(SIDE, max(max(p.train.shape) for p in self._pictures))

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """Images [count, 3, side, side] in 0..1, and labels int64 [count, side, side]."""
        squares = [self.square() for _ in range(count)]
        return torch.stack([s.image for s in squares]), torch.stack([s.train for s in squares]).long()

    def square(self) -> LabelledWindow:
        """One of them, with the objects of its picture."""
        picture = self._pictures[self._below(len(self._pictures))]
        wanted = self._classes[self._below(len(self._classes))]
        is_varied = float(torch.rand((), generator=self.generator)) >= AS_IT_IS
        if is_varied and self._config.augmentation > 0:
            # Only what the square may show after shrinking is varied: pictures may be large.
            part = self._cut(picture, wanted, round(self._side / SCALE_RANGE[0]))
            picture = vary(
                part,
                self.generator,
                self._config.augmentation,
                scarcity=self._scarcity,
                is_upright=self._is_upright,
            )
        return _padded(self._cut(picture, wanted, self._side), self._side)

    def _cut(self, picture: LabelledWindow, wanted: int, side: int) -> LabelledWindow:
        """A square of a picture round a pixel of a class, or of any where it has none; less at small pictures."""
        places = (picture.train == wanted).nonzero()
        places = places if len(places) else (picture.train != IGNORED).nonzero()
        centre = places[self._below(len(places))].tolist() if len(places) else [0, 0]
        rows, cols = (
            slice(edge := min(max(0, c - self._below(side)), max(0, limit - side)), edge + side)
            for c, limit in zip(centre, picture.train.shape, strict=True)
        )
        return replace(
            picture,
            image=picture.image[:, rows, cols],
            train=picture.train[rows, cols],
            held=picture.held[rows, cols],
            objects=None if picture.objects is None else picture.objects[rows, cols],
        )

    def _below(self, limit: int) -> int:
        return int(torch.randint(limit, (), generator=self.generator))


def _padded(part: LabelledWindow, side: int) -> LabelledWindow:
    """``part`` as a whole square; what is not in the picture is not labelled."""
    pad = (0, side - part.train.shape[1], 0, side - part.train.shape[0])
    image = F.pad(part.image[None], pad, mode="replicate")[0]
    objects = None if part.objects is None else F.pad(part.objects, pad)
    return replace(part, image=image, train=F.pad(part.train, pad, value=IGNORED), objects=objects)
