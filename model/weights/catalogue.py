"""The networks as they are offered: what each is good for, what it cannot do, and fresh weights of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import torch
from torch import nn

from model.errors import ModelError
from model.networks.network import LatentExpertNetwork
from model.networks.randomness import own_randomness, seed_for
from model.weights.checkpoint import CheckpointMeta, Unfilled, default_weights_path, load, read_meta
from model.zoo.dense import DenseKind, DenseNetwork
from model.zoo.presets import DENSE_KINDS
from model.zoo.registry import architecture_of, build_network
from model.zoo.tutorial import TutorialNetwork

CLICKS: Final = "clicks"
EXPERTS: Final = "experts"
ROWS: Final = "rows"
GATES: Final = "gates"
ROLLOUT: Final = "rollout"
LIVE: Final = "live"
"""What a network can do besides predicting classes: answer clicks; show experts; show what a place attends to, its
gates, or attention through all layers; and learn while masks are corrected."""

LATENT_EXPERT: Final = "latent-expert"


@dataclass(frozen=True, slots=True)
class Offer:
    """A network that can be chosen.

    Attributes:
        name: on the command line and in files of weights.
        title: as shown.
        summary: what it is good for, in one sentence.
        limits: what it cannot do, in a sentence or two.
        is_pretrained: whether it comes with weights; others learn from nothing.
        is_trainable: whether it can learn here.
        capabilities: see `capabilities`.
    """

    name: str
    title: str
    summary: str
    limits: str
    is_pretrained: bool = False
    is_trainable: bool = True
    capabilities: frozenset[str] = frozenset()


def capabilities(network: nn.Module) -> frozenset[str]:
    """What ``network`` can do besides predicting classes: names out of those above."""
    if isinstance(network, LatentExpertNetwork):
        return frozenset({CLICKS, EXPERTS, LIVE})
    if isinstance(network, DenseNetwork):
        return _shown_by(network.kind)
    return frozenset({EXPERTS} if isinstance(network, TutorialNetwork) else ())


def _shown_by(kind: DenseKind) -> frozenset[str]:
    if kind.attention == GATES:
        return frozenset({GATES})
    if kind.attention != ROWS:
        return frozenset()
    # Only where all layers share one grid can attention be followed through them.
    return frozenset({ROWS} if kind.name == "segformer" else {ROWS, ROLLOUT})


OFFERS: Final = (
    Offer(
        name=LATENT_EXPERT,
        title="Latent experts",
        summary="The one that comes with the program: few masks, clicks, experts to look into.",
        limits="Its clicks do not learn.",
        is_pretrained=True,
        capabilities=frozenset({CLICKS, EXPERTS, LIVE}),
    ),
    Offer(
        name="tutorial",
        title="Tutorial's latent experts",
        summary="The smallest network with experts: colours and textures.",
        limits="Answers in steps of 4 pixels and begins slowly. "
        "Knows classes only; clicks go on with the shipped network.",
        capabilities=frozenset({EXPERTS}),
    ),
    *(
        Offer(kind.name, kind.title, kind.summary, kind.limits, capabilities=_shown_by(kind))
        for kind in DENSE_KINDS
    ),
    Offer(
        name="mask-rcnn",
        title="Mask R-CNN",
        summary="Objects one by one.",
        limits="Cannot be trained here yet: only its mask head is built.",
        is_trainable=False,
    ),
)
"""All of them, the default first."""


def offer_named(name: str) -> Offer:
    """The network of that name.

    Raises:
        ModelError: there is none.
    """
    for offer in OFFERS:
        if offer.name == name:
            return offer
    raise ModelError(
        f'There is no network "{name[:60]}".',
        action=f"Choose one of {', '.join(each.name for each in OFFERS)}.",
    )


def offer_of(network: nn.Module) -> Offer:
    """What ``network`` is offered as.

    Raises:
        ModelError: it is none of them.
    """
    return offer_named(architecture_of(network).name.removesuffix("-detail"))


def fresh_network(name: str, num_classes: int, *, seed: int = 0) -> nn.Module:
    """The network of that name as learning begins with it: fresh weights, or those that come with the program.

    Args:
        name: of an `Offer`.
        num_classes: C; the weights that come with the program have classes of their own, which fine-tuning exchanges.
        seed: of fresh weights.

    Raises:
        ModelError: there is no such network, or it cannot learn here.
    """
    offer = offer_named(name)
    if not offer.is_trainable:
        raise ModelError(
            f"{offer.title}: {offer.limits}",
            action=f"Choose one of {', '.join(each.name for each in OFFERS if each.is_trainable)}.",
        )
    if name == LATENT_EXPERT:
        return load(default_weights_path())[0]
    with own_randomness(seed_for(name, seed), torch.device("cpu")):
        return _built(name, num_classes).eval()


def _built(name: str, num_classes: int) -> nn.Module:
    if name == "tutorial":
        return TutorialNetwork(num_classes=num_classes)
    (kind,) = (kind for kind in DENSE_KINDS if kind.name == name)
    return DenseNetwork(kind, num_classes)


@dataclass(frozen=True, slots=True)
class Start:
    """What learning begins with.

    Attributes:
        network: stays as it is.
        meta: of its weights.
        name: of the weights, for provenance.
        is_fresh: whether they have learned nothing, so that no class goes on from them.
    """

    network: nn.Module
    meta: CheckpointMeta
    name: str
    is_fresh: bool = False


def start_of(name: str, weights: Path | None, *, seed: int = 0) -> Start:
    """What a run begins with.

    Args:
        name: of an `Offer`; "" for that of the weights.
        weights: a file; None for fresh weights, and for those that come with the program where they are of ``name``.
        seed: of fresh weights.

    Raises:
        ModelError: there is no such network, it cannot learn, or the weights are refused or of another one.
    """
    if weights is not None:
        network, meta = load(weights)
        if name:
            refuse_other(network, name, weights.name)
        return Start(network, meta, weights.name)
    if name in ("", LATENT_EXPERT):
        network, meta = load(default_weights_path())
        return Start(network, meta, "default")
    return Start(
        fresh_network(name, 2, seed=seed), CheckpointMeta(), f"fresh weights of {name}", is_fresh=True
    )


def count_parameters(network: nn.Module) -> int:
    """Numbers that a network is made of and that can learn."""
    return sum(parameter.numel() for parameter in network.parameters())


@cache
def parameters_of(offer: Offer, num_classes: int = 2) -> int | None:
    """Parameters of an offered network as learning begins with it; None where it cannot learn here."""
    if not offer.is_trainable:
        return None
    with torch.device("meta"), Unfilled():  # shapes without memory
        if offer.name == LATENT_EXPERT:
            meta = read_meta(default_weights_path())
            return count_parameters(build_network(meta.architecture, meta.config))
        return count_parameters(_built(offer.name, num_classes))


def refuse_other(network: nn.Module, wanted: str, where: str) -> None:
    """Raise ModelError where weights are of another network than the one that is wanted.

    Args:
        network: of the weights.
        wanted: name of an `Offer`.
        where: what the weights are called.
    """
    found, offer = offer_of(network), offer_named(wanted)
    if found.name != offer.name:
        raise ModelError(
            f'The weights "{where}" are of the network {found.title} ({found.name}), not of {offer.title} ({wanted}).',
            action=f"Start from fresh weights by leaving them out, or choose the network {found.name}.",
        )
