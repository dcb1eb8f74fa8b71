"""Learning from crops of cached views: the context path, the class head, the answers of the experts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.anatomy import named_parameters_of
from model.networks.detail_head import Levels
from model.networks.detail_network import DetailNetwork
from model.prediction.device import free_cached_memory, is_out_of_memory
from model.training.orientation import random_turn
from model.training.separation import depth_loss
from model.training.session import Optimiser, TrainingSession, below
from model.training.types import IGNORED
from model.training.views import View

CROP: Final = 128
ALIGN: Final = 16
HEAD_RATE: Final = 4e-3
EXPERT_SHARE: Final = 0.15
"""Experts and class head know something already: their rate is this share of that of the head."""


def learn_crops(session: TrainingSession, end: float, factor: float = 1.0) -> Iterator[str]:
    """Teach head and experts from crops of the cached views, until the share ``end`` of the time.

    The pixel path falls silent: it is for the second after a correction (see `model.networks.detail_head`).
    """
    session.network.head.pixel.silence()
    network, rate = session.network, factor * (session.config.learning_rate or HEAD_RATE)
    groups = [
        (rate, named_parameters_of(network, network.head.context)),
        (rate * EXPERT_SHARE, expert_parameters(network)),
    ]
    if network.head.separation is not None and session.things:
        groups.append((rate, named_parameters_of(network, network.head.separation)))
    optimiser = Optimiser(session, groups, end)
    while session.clock.fraction < end:
        if fits_memory(session, partial(optimiser.step, partial(_crop_loss, session))):
            yield "learning shapes"
        else:
            session.batch //= 2
            free_cached_memory(session.choice.device)
    optimiser.average.swap()


def fits_memory(session: TrainingSession, step: Callable[[], None]) -> bool:
    """Do a step; False where memory ran out and a smaller batch may help.

    The error is gone when this returns: its traceback would keep the tensors alive.
    """
    try:
        step()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error) or session.batch == 1:
            raise
        return False
    return True


def expert_parameters(network: DetailNetwork) -> Mapping[str, nn.Parameter]:
    """What of experts and class head may learn; clicks use none of it."""
    return named_parameters_of(network, *network.expert_modules().values(), network.class_head)


def _crop_loss(session: TrainingSession) -> Tensor:
    levels, labels, targets = draw(session, session.batch)
    with session.autocast():
        logits, depth = session.network.logits_and_depth(levels)
    loss = session.objective(logits, labels) + session.disagreement(logits, labels, levels)
    return loss if depth is None or targets is None else loss + depth_loss(depth, targets, labels)


def draw(session: TrainingSession, count: int) -> tuple[Levels, Tensor, Tensor | None]:
    """Crops out of the views.

    Returns:
        Levels with the experts' answers, labels int64 [count, side, side], and targets of telling objects apart,
        float32 [count, 2, side, side], or None.
    """
    side = min(CROP, max(min(view.size) for view in session.views))
    crops = [_crop(session, side) for _ in range(count)]
    levels = Levels.of(torch.cat(parts) for parts in zip(*(crop[0].maps for crop in crops), strict=True))
    experts = torch.cat([crop[1] for crop in crops])
    labels = torch.stack([crop[2] for crop in crops]).long().to(experts.device)
    targets = [crop[3] for crop in crops if crop[3] is not None]
    found = torch.stack(targets).to(experts.device) if len(targets) == count else None
    return session.with_answers(levels, experts), labels, found


def _crop(session: TrainingSession, side: int) -> tuple[Levels, Tensor, Tensor, Tensor | None]:
    """A crop round a labelled pixel of a random class, turned at random.

    Where the view is smaller than ``side``, its last rows and columns are repeated, without labels: one small
    picture must not make the crops of all others small.
    """
    view = session.views[below(session, len(session.views))]
    row, col = _centre(session, view)
    top, left = (
        _aligned(centre - side // 2 + below(session, side // 2 + 1) - side // 4, side, limit)
        for centre, limit in zip((row, col), view.size, strict=True)
    )
    turn = random_turn(session.generator, is_upright=session.is_upright, is_mirrored=session.is_mirrored)
    maps = []
    for level in view.features.levels.maps:
        stride = view.size[0] // level.shape[-2]
        rows, cols = (slice(edge // stride, (edge + side) // stride) for edge in (top, left))
        maps.append(turn(_filled(level[..., rows, cols], side // stride)))
    labels = view.train[top : top + side, left : left + side]
    pad = 0, side - labels.shape[1], 0, side - labels.shape[0]
    labels = turn(F.pad(labels, pad, value=IGNORED))
    targets = view.targets
    if targets is not None:
        targets = turn(F.pad(targets[:, top : top + side, left : left + side], pad))
    return Levels.of(maps), view.features.experts, labels, targets


def _filled(level: Tensor, side: int) -> Tensor:
    """A map [1, D, h, w] of at most ``side`` rows and columns, enlarged to that by repeating the last ones."""
    missing = 0, side - level.shape[-1], 0, side - level.shape[-2]
    return F.pad(level, missing, mode="replicate") if any(missing) else level


def _centre(session: TrainingSession, view: View) -> tuple[int, int]:
    if not view.places:
        return view.size[0] // 2, view.size[1] // 2
    places = list(view.places.values())[below(session, len(view.places))]
    row, col = places[below(session, len(places))].tolist()
    return row, col


def _aligned(edge: int, side: int, limit: int) -> int:
    """The multiple of `ALIGN` nearest to ``edge`` at which ``side`` still fits."""
    return max(0, min(round(edge / ALIGN) * ALIGN, limit - side))
