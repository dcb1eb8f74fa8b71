"""Before learning: pictures and variations of them are encoded, and the head learns their scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model.networks.votes import counted_words
from model.training.feature_cache import FeatureStore, fingerprint
from model.training.session import TrainingSession
from model.training.types import IGNORED
from model.training.views import View, features_of, view_of

VIEW_BYTES: Final = 1 << 30
COPIES: Final = 12
"""Variations of every picture, where memory and time allow."""


LOUDNESS: Final = (0.0, 0.25, 0.5, 1.0)
"""What experts' votes may be multiplied with."""

LEAST_CHOICE: Final = 1e-3
"""Places that choose no further than that are taken to choose so far."""

UNTRIED: Final = 0.5
"""What they are multiplied with where one picture leaves nothing to choose by."""

ENCODING_SHARE: Final = 0.3
"""Of the time, at most, for pictures as they are; the most telling ones come first."""


def order_pictures(session: TrainingSession) -> None:
    """Shuffle the pictures, but put first a few that have all classes between them."""
    size = len(session.pictures)
    order = torch.randperm(size, generator=session.generator).tolist()
    found: list[set[int]] = [
        set(np.unique(picture.train.numpy()).tolist()) - {IGNORED} for picture in session.pictures
    ]
    missing, first = set().union(*found), []
    for index in order:
        if missing & found[index]:
            missing -= found[index]
            first.append(index)
    rest = [index for index in order if index not in set(first)]
    session.pictures = [session.pictures[index] for index in (*first, *rest)]
    session.needed = len(first)


def encode_pictures(
    session: TrainingSession, store: FeatureStore | None, *, bounded: bool = False
) -> Iterator[str]:
    """Encode the pictures as they are, or take what ``store`` has of them.

    Args:
        session: of the run; ``session.encoded`` says how many pictures there are in the end.
        store: where features may be kept.
        bounded: stop where memory or the share of the time is used up, though not before all
            classes were met. Whoever has hundreds of pictures learns from the rest of them only
            where whole pictures are learned from.
    """
    encoder = fingerprint(session.network) if store is not None else 0
    session.encoded, memory = 0, 0
    for picture in session.pictures:
        is_enough = memory > VIEW_BYTES or session.clock.fraction > ENCODING_SHARE
        if bounded and is_enough and session.encoded >= session.needed:
            return
        features = store.get(picture, encoder) if store is not None else None
        if features is None:
            features = features_of(session.network, picture, session.choice.device, session.dtype)
            if store is not None:
                store.put(picture, encoder, features)
        session.views.append(view_of(picture, features, session.generator, session.things))
        session.encoded += 1
        memory += features.nbytes
        yield "encoding"


def encode_again(session: TrainingSession) -> Iterator[str]:
    """Encode the same pictures with another backbone."""
    for picture in session.pictures[: session.encoded]:
        features = features_of(session.network, picture, session.choice.device, session.dtype)
        session.views.append(view_of(picture, features, session.generator, session.things))
        yield "encoding"


def encode_variations(session: TrainingSession, end: float) -> Iterator[str]:
    """Add variations of the pictures until the share ``end`` of the time, or the memory, is used up."""
    for _ in range(COPIES):
        for index in range(session.encoded):
            memory = sum(view.features.nbytes for view in session.views)
            if session.clock.fraction >= end or memory > VIEW_BYTES:
                return
            session.views.append(_varied_view(session, index))
            yield "encoding variations"


def _varied_view(session: TrainingSession, index: int) -> View:
    """A fresh variation of a picture, encoded."""
    varied = session.varied(session.pictures[index])
    features = features_of(session.network, varied, session.choice.device, session.dtype)
    return view_of(varied, features, session.generator, session.things)


@torch.no_grad()
def set_statistics(session: TrainingSession) -> None:
    """Let the head standardise by the pictures of this run, and places be as decided as usual on average."""
    network, chosen = session.network, []
    means, squares = [], []
    for view in session.views[: session.encoded]:
        levels = session.with_answers(view.features.levels, view.features.experts)
        means.append(torch.cat([level.float().mean((0, 2, 3)) for level in levels.maps]))
        squares.append(torch.cat([level.float().square().mean((0, 2, 3)) for level in levels.maps]))
        if levels.decided is not None:
            chosen.append(levels.decided.float().mean())
    processes, device = session.processes, session.choice.device
    mean = processes.total(torch.stack(means).mean(0), device) / processes.size
    square = processes.total(torch.stack(squares).mean(0), device) / processes.size
    deviation = (square - mean.square()).clamp(min=0).sqrt()
    network.head.means.copy_(mean)
    network.head.scales.copy_(1 / (deviation + 1e-3))
    if network.usual_choice is not None and chosen:
        found = processes.total(torch.stack(chosen).mean(), device) / processes.size
        network.usual_choice.mul_(found.clamp(min=LEAST_CHOICE))


@torch.no_grad()
def count_votes(session: TrainingSession) -> None:
    """Let experts vote for what the labelled pixels are that ask them; nothing where they do not vote.

    How loudly they do is chosen by how well every picture is told by the votes that the others make.
    """
    votes = session.network.votes
    if votes is None:
        return
    weights = session.objective.weights.cpu()
    asked = [_asked(session, view) for view in session.views[: session.encoded]]
    counts = [shares @ pixels.T * weights for shares, pixels in asked]  # [K, C]
    total = session.processes.total(torch.stack(counts).sum(0), session.choice.device)
    losses = torch.zeros(len(LOUDNESS))
    for (shares, pixels), own in zip(asked, counts, strict=True):
        if len(asked) > 1:
            words = counted_words(total.cpu() - own)
            for index, factor in enumerate(LOUDNESS):
                losses[index] -= ((factor * words @ shares).log_softmax(0) * pixels * weights[:, None]).sum()
    losses = session.processes.total(losses, session.choice.device)
    factor = LOUDNESS[int(losses.argmin())] if bool(losses.any()) else UNTRIED
    votes.take(factor * counted_words(total.cpu()))


def _asked(session: TrainingSession, view: View) -> tuple[Tensor, Tensor]:
    """By tokens of a view: how much they ask each expert, float32 [K, h * w]; labelled pixels by class [C, h * w]."""
    tokens = view.features.levels.tokens
    with session.autocast():
        _, shares = session.network.ask(tokens, view.features.experts)
    is_class = torch.stack([view.train == value for value in range(session.config.num_classes)])  # [C, H, W]
    stride = len(view.train) // tokens.shape[-2]
    pixels = F.avg_pool2d(is_class.float(), stride, divisor_override=1)  # [C, h, w]
    return shares[0].T.float().cpu(), pixels.flatten(1)  # [K, h * w], [C, h * w]
