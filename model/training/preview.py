"""What learning sees: crops of the labelled images, varied as the phases vary them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from model.training.types import IGNORED, FineTuneConfig, LabelledImage
from model.training.views import LabelledWindow, pictures_of, vary

SIDE = 192


def preview_crops(
    samples: Sequence[LabelledImage], config: FineTuneConfig, count: int, *, scarcity: float, is_upright: bool
) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Random crops round labelled pixels.

    Args:
        samples: images with labels.
        config: its augmentation and seed count.
        count: how many.
        scarcity: by the number of all images that will be learned from (`scarcity_of`).
        is_upright: whether the images have an up, by all that will be learned from (`are_upright`); a few
            of them do not tell.

    Returns:
        Pixels uint8 [h, w, 3] and labels uint8 [h, w] (255: not learned) of each.
    """
    nowhere = [np.zeros(sample.labels.shape, bool) for sample in samples]
    pictures = pictures_of(list(samples), nowhere)
    generator = torch.Generator().manual_seed(config.seed)
    crops = []
    for index in range(count if pictures else 0):
        picture = pictures[index % len(pictures)]
        if config.augmentation > 0:
            picture = vary(picture, generator, config.augmentation, scarcity=scarcity, is_upright=is_upright)
        crops.append(_crop(picture, generator))
    return crops


def _crop(picture: LabelledWindow, generator: torch.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    places = (picture.train != IGNORED).nonzero()
    centre = [0, 0]
    if len(places):
        centre = places[int(torch.randint(len(places), (), generator=generator))].tolist()
    rows, cols = (
        slice(start := min(max(0, middle - SIDE // 2), max(0, length - SIDE)), start + SIDE)
        for middle, length in zip(centre, picture.train.shape, strict=True)
    )
    pixels = (picture.image[:, rows, cols].permute(1, 2, 0) * 255).round().clamp(0, 255)  # [h, w, 3]
    return pixels.to(torch.uint8).numpy().copy(), picture.train[rows, cols].numpy().copy()
