"""Learning from single pixels: the pixel path alone, thousands of pixels in a step of milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import torch
from torch import Tensor

from model.networks.anatomy import parameters_of
from model.training.session import Optimiser, Session

PER_STEP: Final = 2048
RATE: Final = 3e-3


def fit_pixels(
    session: Session, features: Tensor, offsets: Tensor, labels: Tensor, end: float
) -> Iterator[str]:
    """Teach the pixel path from pixels at hand, until the share ``end`` of the time.

    Args:
        session: of the run.
        features: standardised, [N, dims].
        offsets: logits of everything else, [N, C].
        labels: int64 [N].
        end: share of the clock.
    """
    if len(labels) == 0:
        return
    head = session.network.head
    rate = session.config.learning_rate or RATE
    optimiser = Optimiser(session, [(rate, parameters_of(session.network, head.pixel))], end)
    while session.clock.fraction < end:
        size = (min(PER_STEP, len(labels)),)
        picked = torch.randint(len(labels), size, generator=session.generator).to(labels.device)
        optimiser.step(partial(_pixel_loss, session, features[picked], offsets[picked], labels[picked]))
        yield "learning pixels"
    optimiser.average.swap()


def _pixel_loss(session: Session, features: Tensor, offsets: Tensor, labels: Tensor) -> Tensor:
    return session.objective(session.network.head.on_pixels(features) + offsets, labels)
