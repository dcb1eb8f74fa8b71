"""Learning from single pixels: the pixel path alone, thousands of pixels in a step of milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import torch
from torch import Tensor

from model.networks.anatomy import named_parameters_of
from model.training.separation import depth_loss
from model.training.session import Optimiser, Session

PER_STEP: Final = 2048
RATE: Final = 3e-3


def fit_pixels(
    session: Session,
    features: Tensor,
    offsets: Tensor,
    labels: Tensor,
    end: float,
    targets: Tensor | None = None,
) -> Iterator[str]:
    """Teach the pixel path from pixels at hand, until the share ``end`` of the time.

    Args:
        session: of the run.
        features: standardised, [N, dims].
        offsets: logits of everything else, [N, C], or [N, C + 1] where depth is read as well.
        labels: int64 [N].
        end: share of the clock.
        targets: depth and whether it is known, [N, 2] (`separation.targets_of`); None where it is not learned.
    """
    if len(labels) == 0:
        return
    head = session.network.head
    rate = session.config.learning_rate or RATE
    optimiser = Optimiser(session, [(rate, named_parameters_of(session.network, head.pixel))], end)
    while session.clock.fraction < end:
        size = (min(PER_STEP, len(labels)),)
        picked = torch.randint(len(labels), size, generator=session.generator).to(labels.device)
        chosen = features[picked], offsets[picked], labels[picked]
        optimiser.step(partial(_pixel_loss, session, *chosen, None if targets is None else targets[picked]))
        yield "learning pixels"
    optimiser.average.swap()


def _pixel_loss(
    session: Session, features: Tensor, offsets: Tensor, labels: Tensor, targets: Tensor | None
) -> Tensor:
    logits, size = session.network.head.on_pixels(features) + offsets, session.config.num_classes
    loss = session.objective(logits[:, :size], labels)
    if targets is None or logits.shape[1] == size:
        return loss
    columns = logits[:, size:].T, targets.T  # [1, N], [2, N]
    return loss + depth_loss(*(each[None, :, :, None] for each in columns))
