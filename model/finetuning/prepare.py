"""Before learning: pictures and variations of them are encoded, and the head learns their scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch

from model.finetuning.session import Session
from model.finetuning.store import FeatureStore, fingerprint
from model.finetuning.views import View, features_of, vary, view_of

VIEW_BYTES: Final = 1 << 30
COPIES: Final = 12
"""Variations of every picture, where memory and time allow."""


def encode_pictures(session: Session, store: FeatureStore | None) -> Iterator[str]:
    """Encode the pictures as they are, or take what ``store`` has of them."""
    encoder = fingerprint(session.network) if store is not None else 0
    for picture in session.pictures:
        features = store.get(picture, encoder) if store is not None else None
        if features is None:
            features = features_of(session.network, picture, session.choice.device, session.dtype)
            if store is not None:
                store.put(picture, encoder, features)
        session.views.append(view_of(picture, features, session.generator))
        yield "encoding"


def encode_variations(session: Session, end: float) -> Iterator[str]:
    """Add variations of the pictures until the share ``end`` of the time, or the memory, is used up."""
    for _ in range(COPIES):
        for index in range(len(session.pictures)):
            memory = sum(view.features.nbytes for view in session.views)
            if session.clock.fraction >= end or memory > VIEW_BYTES:
                return
            session.views.append(_varied_view(session, index))
            yield "encoding variations"


def _varied_view(session: Session, index: int) -> View:
    """A fresh variation of a picture, encoded."""
    varied = vary(session.pictures[index], session.generator, session.config.augmentation)
    features = features_of(session.network, varied, session.choice.device, session.dtype)
    return view_of(varied, features, session.generator)


@torch.no_grad()
def set_statistics(session: Session) -> None:
    """Let the head standardise by the pictures of this run."""
    means, squares = [], []
    for view in session.views[: len(session.pictures)]:
        levels = session.with_answers(view.features.levels, view.features.experts)
        means.append(torch.cat([level.float().mean((0, 2, 3)) for level in levels.maps]))
        squares.append(torch.cat([level.float().square().mean((0, 2, 3)) for level in levels.maps]))
    team, device = session.team, session.choice.device
    mean = team.total(torch.stack(means).mean(0), device) / team.size
    square = team.total(torch.stack(squares).mean(0), device) / team.size
    deviation = (square - mean.square()).clamp(min=0).sqrt()
    session.network.head.means.copy_(mean)
    session.network.head.scales.copy_(1 / (deviation + 1e-3))
