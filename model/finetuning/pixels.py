"""Learning from single pixels: the pixel path alone, thousands of pixels in a step of milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from model.detail_head import Levels
from model.finetuning.crops import draw
from model.finetuning.session import Optimiser, Session, named
from model.finetuning.types import IGNORED
from model.finetuning.views import View

PER_STEP: Final = 2048
PER_RUN: Final = 60_000
PER_CROP: Final = 2048
CROPS: Final = 8
RATE: Final = 3e-3


def learn_pixels(session: Session, end: float) -> Iterator[str]:
    """Teach the pixel path from sampled pixels, until the share ``end`` of the time."""
    network = session.network
    if network.is_fresh and not bool(network.class_head.pixels.weight.any()):
        gathered = [_from_view(session, view) for view in session.views]
    else:
        gathered = list(_from_crops(session))
    yield "gathering pixels"
    features, offsets, labels = (torch.cat(parts) for parts in zip(*gathered, strict=True))
    yield from fit_pixels(session, features, offsets, labels, end)


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
    optimiser = Optimiser(session, [(rate, named(head.pixel, "head.pixel"))], end)
    while session.clock.fraction < end:
        size = (min(PER_STEP, len(labels)),)
        picked = torch.randint(len(labels), size, generator=session.generator).to(labels.device)
        optimiser.step(partial(_pixel_loss, session, features[picked], offsets[picked], labels[picked]))
        yield "learning pixels"
    optimiser.average.swap()


def _pixel_loss(session: Session, features: Tensor, offsets: Tensor, labels: Tensor) -> Tensor:
    return session.objective(session.network.head.on_pixels(features) + offsets, labels)


@torch.no_grad()
def _from_view(session: Session, view: View) -> tuple[Tensor, Tensor, Tensor]:
    """Features, logits of everything else (none, yet) and labels of pixels of a view."""
    levels = session.with_answers(view.features.levels, view.features.experts)
    per_class = PER_RUN // len(session.views) // max(1, len(view.places))
    none = torch.zeros(0, 2, dtype=torch.long)
    places = torch.cat([place[:per_class] for place in view.places.values()] or [none])
    features = _features_at(session, levels, places)
    offsets = features.new_zeros(len(places), session.config.num_classes)
    return features, offsets, view.train[places[:, 0], places[:, 1]].long().to(features.device)


@torch.no_grad()
def _from_crops(session: Session) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """The same from a few crops, where the context path and the class head have their say already."""
    for _ in range(CROPS):
        levels, labels = draw(session, 1)
        places = (labels[0] != IGNORED).nonzero().cpu()
        order = torch.randperm(len(places), generator=session.generator)
        places = places[order[:PER_CROP]]
        rows, cols = places[:, 0], places[:, 1]
        features = _features_at(session, levels, places)
        with session.autocast():
            logits = session.network.class_logits(levels)[0].float()
        others = logits[:, rows, cols].T - session.network.head.pixel(features)
        yield features, others, labels[0, rows, cols]


def _features_at(session: Session, levels: Levels, places: Tensor) -> Tensor:
    """Standardised features [N, dims] at (row, column) [N, 2]."""
    height, width = levels.fine.shape[-2:]
    xy = (places.flip(1).float() + 0.5) / torch.tensor((width, height)) * 2 - 1
    grid = xy.to(levels.fine.device)[None, None]  # [1, 1, N, 2]
    columns = [
        F.grid_sample(level.float(), grid, padding_mode="border", align_corners=False)[0, :, 0].T
        for level in levels.maps
    ]
    head = session.network.head
    return (torch.cat(columns, 1) - head.means) * head.scales
