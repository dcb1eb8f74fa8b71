"""Options that trade time for better classes: several scales, the mirror image, refinement of edges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from model.errors import ModelError
from model.prediction.crf import Crf, refine
from model.prediction.resample import resize_pixels
from model.prediction.runner import Runner
from model.prediction.shared_norms import SharedNorms

SMALLEST: Final = 0.25
LARGEST: Final = 4.0


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """How classes are predicted; as it stands, plainly.

    Attributes:
        scales: factors on the size of the picture; the probabilities of all are averaged.
        flip: whether the mirror image (left to right) is averaged in.
        crf: refinement of edges, or None.

    Raises:
        ModelError: there is no scale, or one out of range (0.25 to 4).
    """

    scales: tuple[float, ...] = (1.0,)
    flip: bool = False
    crf: Crf | None = None

    def __post_init__(self) -> None:
        if not self.scales or not all(SMALLEST <= scale <= LARGEST for scale in self.scales):
            raise ModelError(
                f"Scales must be numbers from {SMALLEST} to {LARGEST}, at least one.",
                action="0.75, 1 and 1.25 are a good start.",
            )

    @property
    def is_plain(self) -> bool:
        """Whether a single look at the picture as it is will do."""
        return self.scales == (1.0,) and not self.flip and self.crf is None

    @property
    def views(self) -> tuple[tuple[float, bool], ...]:
        """(scale, is mirrored) of every look at the picture."""
        sides = (False, True) if self.flip else (False,)
        return tuple((scale, is_mirrored) for scale in self.scales for is_mirrored in sides)

    @property
    def growth(self) -> float:
        """By how much the largest view has more pixels than the picture; at least 1."""
        return max(1.0, max(self.scales) ** 2)


PLAIN: Final = PredictOptions()


def class_probabilities(
    runner: Runner,
    pixels: NDArray[np.uint8],
    options: PredictOptions,
    *,
    gains: NDArray[np.float32] | None = None,
    encoding: Any = None,
    norms: Mapping[float, SharedNorms] | None = None,
) -> Tensor:
    """Class probabilities, then depth where objects are told apart; the mean over all views, refined if asked for.

    Args:
        runner: encodes each view.
        pixels: uint8 [H, W, 3].
        options: which views.
        gains: of the experts, or None.
        encoding: of ``pixels`` as they are, where that is known already.
        norms: by scale, where ``pixels`` are a part of a picture.

    Returns:
        float32 [R, H, W]; the first C sum to 1.
    """
    size = int(runner.config.num_classes)
    total: Tensor | None = None
    shape = pixels.shape[0], pixels.shape[1]
    for scale, is_mirrored in options.views:
        known = encoding if scale == 1.0 and not is_mirrored else None
        with norms[scale].imposed() if norms is not None else nullcontext():
            if known is None:
                known = runner.encode(resized_view(pixels, scale, is_mirrored), for_clicks=False)
            seen = _resized(_shares(runner.class_maps(known, gains), size), shape)
        seen = seen.flip(-1) if is_mirrored else seen
        total = seen if total is None else total.add_(seen)
    assert total is not None
    mean = total / len(options.views)
    if options.crf is None:
        return mean
    mean = mean.cpu()
    return torch.cat((torch.from_numpy(refine(mean[:size].numpy(), pixels, options.crf)), mean[size:]))


def _shares(logits: Tensor, num_classes: int) -> Tensor:
    """Logits [R, H, W] of classes and depth -> probabilities of classes, and depth in 0..1."""
    return torch.cat((logits[:num_classes].softmax(0), logits[num_classes:].sigmoid()))


def resized_view(pixels: NDArray[np.uint8], scale: float, is_mirrored: bool) -> NDArray[np.uint8]:
    """``pixels`` [H, W, 3] at another size, perhaps mirrored left to right."""
    turned = pixels[:, ::-1] if is_mirrored else pixels
    return resize_pixels(turned, _scaled((pixels.shape[0], pixels.shape[1]), scale))


def _scaled(shape: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, math.floor(shape[0] * scale + 0.5)), max(1, math.floor(shape[1] * scale + 0.5))


def _resized(maps: Tensor, shape: tuple[int, int]) -> Tensor:
    """Maps [C, h, w] at another size; bilinear, so that probabilities stay such."""
    if maps.shape[1:] == shape:
        return maps
    return F.interpolate(maps[None], size=shape, mode="bilinear", antialias=True)[0]
