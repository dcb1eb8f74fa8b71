"""Questions about what excites experts, and what their mix is worth. No torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.experts.experts import ExpertPatches, MixCounted
from latentseg_gui.inference.request import Priority, Request


@dataclass(frozen=True, slots=True)
class FindPatches(Request[ExpertPatches]):
    """Squares of an encoded image that each expert has most to do with."""

    priority = Priority.ALL_EXPERTS

    image_id: str


@dataclass(frozen=True, slots=True)
class CountEvenMix(Request[MixCounted]):
    """What is predicted with the learned mix of experts and with an even one, counted where somebody labelled.

    Attributes:
        pixels: uint8 [H, W, 3] of an image that is not kept.
        labels: uint8 [H, W], numbers of classes below ``num_labels``, 255 where nobody labelled.
        num_labels: N.
    """

    priority = Priority.SPARE_TIME

    image_id: str
    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    num_labels: int
