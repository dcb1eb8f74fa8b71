"""Pictures whose objects are much larger than those that were learned from are seen from further away.

Objects of twice the size that a few pictures have taught fall into pieces: their texture looks like many small
ones. Seen at half the size they look like what was learned (Cellpose does likewise: Stringer, Wang, Michaelos and
Pachitariu 2021). Smaller objects are seen as they are; enlarging them blurs what a network sees best.
How large they are says a first look at half the size, at which large ones do not fall apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from model.analysis.objects import ObjectOptions, deep_classes, objects_of, side_of
from model.prediction.outputs import EncodedImage
from model.prediction.runner import Runner
from model.prediction.testtime import LARGEST, SMALLEST, PredictOptions, resized_view

FIRST_LOOK: Final = 0.5
"""Factor on the size of the picture for the look that tells how large objects are."""

LOOKED_AT: Final = 1448
"""Pixels along a side of what is looked at: of a larger picture, its middle."""

MUCH_LARGER: Final = 1.8
"""Factor on the learned size up to which objects are seen as they are: variations while learning reach as far."""

OPTIONS: Final = ObjectOptions(separation=0.75, smoothness=1.0, smallest=5)
"""How objects are made of the first look: rather too few than too many."""

Maps = Callable[[NDArray[np.uint8]], Tensor]
"""Pixels [H, W, 3] -> logits [R, H, W]: of the classes, then of depth."""


def at_learned_size(options: PredictOptions, image: EncodedImage, runner: Runner) -> PredictOptions:
    """The same options at the size at which the objects of an image are as large as those that were learned from."""
    if image.object_scale is None:
        image.object_scale = scale_for(
            runner.object_side,
            image.pixels,
            lambda part: runner.class_maps(runner.encode(part, for_clicks=False)),
        )
    if image.object_scale == 1.0:
        return options
    scales = tuple(min(max(scale * image.object_scale, SMALLEST), LARGEST) for scale in options.scales)
    return replace(options, scales=scales)


def scale_for(learned: float, pixels: NDArray[np.uint8], maps: Maps) -> float:
    """Factor on the size of a picture, `SMALLEST`..1; 1 where its objects are not much larger than those learned from.

    Args:
        learned: side of these in pixels (`model.analysis.objects.side_of`); 0 where that is not known.
        pixels: uint8 [H, W, 3].
        maps: of the network.
    """
    if learned <= 0 or math.sqrt(pixels.shape[0] * pixels.shape[1]) <= learned:
        return 1.0
    side = _side(maps(resized_view(_middle(pixels), FIRST_LOOK, False))) / FIRST_LOOK
    return 1.0 if side <= MUCH_LARGER * learned else max(SMALLEST, learned / side)


def _middle(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, cols = (
        slice(max(0, (length - LOOKED_AT) // 2), max(0, (length - LOOKED_AT) // 2) + LOOKED_AT)
        for length in pixels.shape[:2]
    )
    return pixels[rows, cols]


def _side(maps: Tensor) -> float:
    """Side of the median object of logits [R, H, W]; 0 where there is none."""
    labels = maps[:-1].argmax(0).cpu().numpy().astype(np.uint8)
    depth = maps[-1].sigmoid().cpu().numpy()
    return side_of(objects_of(deep_classes(labels, depth)[labels], depth, OPTIONS))
