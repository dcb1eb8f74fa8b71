"""Learning from whole pictures: a backbone for the classes, from a small rate on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from model.networks.anatomy import named_parameters_of
from model.networks.backbone import STRIDE, Backbone, LiteBackbone
from model.networks.detail_head import Levels
from model.networks.detail_network import DetailNetwork
from model.networks.filters import filter_bank
from model.networks.probe import read_by
from model.prediction.device import free_cached_memory
from model.training.crops import expert_parameters, fits_memory
from model.training.optimisers import Groups
from model.training.separation import depth_loss
from model.training.session import BATCH, Optimiser, TrainingSession, below
from model.training.types import IGNORED
from model.training.views import picture_targets

SIDE: Final = 352
"""Experts look at what they are given: in parts much smaller than pictures they learn what does not hold for those."""

PIXELS: Final = 4 * 192**2
"""Of a step: so many small pictures, or one large part."""

MOST_PARTS: Final = 16
"""Of a step: pictures of a few pixels would be varied by the hundred."""

HEAD_RATE: Final = 1e-3
BACKBONE_RATE: Final = 5e-4
EXPERT_RATE: Final = 4e-4
ENCODER_SHARE: Final = 0.3
"""A pretrained encoder knows more than a few pictures can tell it, and has no normalisation to hold it."""
FASTEST: Final = 2.0
"""Factor on the rates where there are many images: what is learned from them holds for others, too."""

VARIATION: Final = 0.7
"""Share of the pictures that are varied before a part is cut out."""


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A square of a picture: image [3, h, w], labels uint8 [h, w], and targets of depth [2, h, w] or None."""

    image: Tensor
    train: Tensor
    targets: Tensor | None


def learn_whole(session: TrainingSession, end: float) -> Iterator[str]:
    """Teach the classes' own backbone with everything above it, until the share ``end`` of the time."""
    network = session.network
    if network.class_backbone is None:
        raise ValueError("the network has no backbone for its classes")
    factor = min(FASTEST, 1 / session.scarcity)
    if session.config.learning_rate:
        factor = session.config.learning_rate / HEAD_RATE
    network.head.omission = session.scarcity
    groups = [
        (
            factor * HEAD_RATE,
            named_parameters_of(network, network.head.context, *filter(None, (network.probe,))),
        ),
        (factor * EXPERT_RATE, expert_parameters(network)),
        *_backbone_groups(network, network.class_backbone, factor * BACKBONE_RATE),
    ]
    if network.head.separation is not None and session.things:
        groups.append((factor * HEAD_RATE, named_parameters_of(network, network.head.separation)))
    optimiser = Optimiser(session, groups, end)
    while session.clock.fraction < end:
        if fits_memory(session, partial(optimiser.step, partial(_whole_loss, session))):
            yield "learning to see"
        else:
            session.batch //= 2
            free_cached_memory(session.choice.device)
    session.batch = BATCH
    network.head.omission = 1.0
    optimiser.average.swap()


def _backbone_groups(network: DetailNetwork, backbone: Backbone | LiteBackbone, rate: float) -> Groups:
    """The parameters of a backbone with their rates; those of a pretrained encoder in it with a lower one."""
    slow = named_parameters_of(network, *backbone.pretrained())
    whole = named_parameters_of(network, backbone)
    quick = {name: parameter for name, parameter in whole.items() if name not in slow}
    return [(rate, quick), *([(rate * ENCODER_SHARE, slow)] if slow else [])]


def _whole_loss(session: TrainingSession) -> Tensor:
    share = session.batch / BATCH
    side = min(int(SIDE * share**0.5), max(min(part.train.shape) for part in session.pictures))
    count = min(MOST_PARTS, max(1, int(PIXELS * share) // side**2))
    parts = _alike([_part(session, side) for _ in range(count)])
    images = torch.stack([part.image for part in parts]).to(session.choice.device)
    labels = torch.stack([part.train for part in parts]).long().to(images.device)
    with session.autocast():
        pyramid = session.network.class_pyramid(images)
        experts, _ = session.network.look_at(pyramid.tokens)
        levels = Levels(
            pyramid.deep,
            pyramid.mid,
            pyramid.tokens,
            pyramid.detail,
            filter_bank(images),
            encoded=read_by(session.network.probe, pyramid),
        )
        logits, depth = session.network.logits_and_depth(session.with_answers(levels, experts))
    loss = session.objective(logits, labels) + session.disagreement(logits, labels, levels)
    targets = [part.targets for part in parts if part.targets is not None]
    if depth is None or not targets:
        return loss
    return loss + depth_loss(depth, torch.stack(targets).to(images.device), labels)


def _part(session: TrainingSession, side: int) -> _Part:
    """A square of a picture, varied or not, round a labelled pixel; less, where the picture is smaller."""
    picture = session.pictures[below(session, len(session.pictures))]
    if float(torch.rand((), generator=session.generator)) < VARIATION and session.config.augmentation > 0:
        picture = session.varied(picture)
    targets = picture_targets(picture, session.things)
    places = (picture.train != IGNORED).nonzero()
    centre = places[below(session, len(places))].tolist() if len(places) else [0, 0]
    rows, cols = (
        slice(edge := min(max(0, c - below(session, side)), max(0, limit - side)), edge + side)
        for c, limit in zip(centre, picture.train.shape, strict=True)
    )
    targets = None if targets is None else targets[:, rows, cols]
    return _Part(picture.image[:, rows, cols], picture.train[rows, cols], targets)


def _alike(parts: list[_Part]) -> list[_Part]:
    """Parts of one size, a multiple of the backbone's stride; what is not in a picture is not labelled."""
    height, width = (-(-max(part.train.shape[axis] for part in parts) // STRIDE) * STRIDE for axis in (0, 1))
    return [
        _padded(part, (0, width - part.train.shape[1], 0, height - part.train.shape[0])) for part in parts
    ]


def _padded(part: _Part, pad: tuple[int, int, int, int]) -> _Part:
    targets = None if part.targets is None else F.pad(part.targets, pad)
    image = F.pad(part.image[None], pad, mode="replicate")[0]
    return _Part(image, F.pad(part.train, pad, value=IGNORED), targets)
