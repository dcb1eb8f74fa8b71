"""The networks as they are offered: what each is good for, what it cannot do, and fresh weights of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from model.errors import ModelError
from model.networks.efficientnet import VARIANTS
from model.networks.protocols import CLICKS, EXPERTS, LIVE
from model.networks.randomness import own_randomness, seed_for
from model.weights.checkpoint import CheckpointMeta, Unfilled, default_weights_path, load, read_meta
from model.zoo.dense import ENCODER, DenseKind, DenseNetwork
from model.zoo.encoders import encoders_in
from model.zoo.objects import network_of
from model.zoo.presets import DENSE_KINDS
from model.zoo.registry import architecture_of, build_network
from model.zoo.tutorial import TutorialNetwork, begun_at_the_mean


def shipped_variant() -> str:
    """Which variant of EfficientNet-Lite the shipped weights hold.

    Raises:
        ModelError: none; the installation is not whole.
    """
    variant = str(read_meta(default_weights_path()).config.get("encoder", ""))
    if variant not in VARIANTS:
        raise ModelError(
            "The weights that came with the program hold no pretrained encoder.",
            action="Install the program again, or learn from scratch.",
        )
    return variant


def give_encoder(network: nn.Module) -> nn.Module:
    """``network``, whose pretrained encoders now hold the shipped weights."""
    for encoder in encoders_in(network):
        encoder.load_state_dict(_encoder_tensors(default_weights_path()))
    return network


@cache
def _encoder_tensors(path: Path) -> Mapping[str, Tensor]:
    """The state dict of the encoder in a file of weights, read once: 14 MB."""
    (encoder,) = encoders_in(load(path)[0])
    return encoder.state_dict()


LATENT_EXPERT: Final = "latent-expert"

PRETRAINED: Final = "pretrained"
SCRATCH: Final = "scratch"
ENCODERS: Final = (PRETRAINED, SCRATCH)
"""What a network that takes a backbone can be built on: the encoder that the shipped weights hold, or one of its own
that has learned nothing."""

_ENCODER_TITLES: Final = {PRETRAINED: "pretrained encoder", SCRATCH: "from scratch"}


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
        capabilities: see `model.networks.protocols`.
        encoder: what it is built on, out of `ENCODERS`; "" where it takes no backbone.
        kind: name of the architecture; that of the offer, unless this is built on the other encoder.
    """

    name: str
    title: str
    summary: str
    limits: str
    is_pretrained: bool = False
    is_trainable: bool = True
    capabilities: frozenset[str] = frozenset()
    encoder: str = ""
    kind: str = ""

    @property
    def architecture(self) -> str:
        """As written in files of weights, but for what fine-tuning adds."""
        return self.kind or self.name

    @property
    def begins(self) -> str:
        """What learning begins with, in words."""
        if self.is_pretrained:
            return "comes with weights"
        if self.encoder == PRETRAINED:
            return "begins with the shipped encoder"
        return "learns from nothing"


def _encoder_of(kind: DenseKind) -> str:
    """What a kind is built on where nobody says otherwise."""
    if not kind.takes_encoder:
        return ""
    return SCRATCH if kind.name == "unet" else PRETRAINED  # U-Net's own way down is half of what it is


OFFERS: Final = (
    Offer(
        name=LATENT_EXPERT,
        title="Latent experts",
        summary="The one that comes with the program: few masks, clicks, experts to look into.",
        limits="Its clicks learn apart from its classes, and only when they are asked to.",
        is_pretrained=True,
        capabilities=frozenset({CLICKS, EXPERTS, LIVE}),
    ),
    Offer(
        name="tutorial",
        title="Tutorial's latent experts",
        summary="The smallest network with experts: colours and textures.",
        limits="Answers in steps of 4 pixels. Knows classes only; clicks go on with the shipped network.",
        capabilities=frozenset({EXPERTS}),
    ),
    *(
        Offer(
            kind.name,
            kind.title,
            kind.summary,
            kind.limits,
            capabilities=kind.shows,
            encoder=_encoder_of(kind),
        )
        for kind in DENSE_KINDS
    ),
)
"""All of them, the default first."""


def with_encoder(offer: Offer, encoder: str) -> Offer:
    """The same network on the encoder of that name.

    Raises:
        ModelError: it takes none.
    """
    if offer.encoder == encoder:
        return offer
    if not offer.encoder or encoder not in ENCODERS:
        takers = ", ".join(each.name for each in OFFERS if each.encoder)
        raise ModelError(
            f'{offer.title} cannot be built on the encoder "{encoder[:30]}".',
            action=f"Leave the encoder out, or choose one of {takers}, {PRETRAINED} or {SCRATCH}.",
        )
    base = offer_named(offer.architecture)
    if base.encoder == encoder:
        return base
    title = f"{base.title} ({_ENCODER_TITLES[encoder]})"
    return replace(base, name=f"{base.name}-{encoder}", title=title, encoder=encoder, kind=base.name)


def all_offers() -> tuple[Offer, ...]:
    """`OFFERS`, each followed by the same network on the other encoder where it takes one."""
    offers: list[Offer] = []
    for offer in OFFERS:
        others = [encoder for encoder in ENCODERS if offer.encoder and encoder != offer.encoder]
        offers += [offer, *(with_encoder(offer, encoder) for encoder in others)]
    return tuple(offers)


def offer_named(name: str) -> Offer:
    """The network of that name; "unet-pretrained" and the like are U-Net on that encoder.

    Raises:
        ModelError: there is none.
    """
    for offer in OFFERS:
        if offer.name == name:
            return offer
    for offer in OFFERS:
        for encoder in ENCODERS:
            if offer.encoder and name == f"{offer.name}-{encoder}":
                return with_encoder(offer, encoder)
    raise ModelError(
        f'There is no network "{name[:60]}".',
        action=f"Choose one of {', '.join(each.name for each in OFFERS)}.",
    )


def names_on(names: Sequence[str], encoder: str) -> list[str]:
    """Names of offers as they are written here, those that take a backbone on the encoder of that name.

    Raises:
        ModelError: there is no such network, or an encoder is named and none of them takes one.
    """
    offers = [offer_named(name) for name in names]
    takers = [offer for offer in offers if offer.encoder]
    if encoder and offers and not takers:
        with_encoder(offers[0], encoder)
    return [(with_encoder(offer, encoder) if encoder and offer in takers else offer).name for offer in offers]


def offer_of(network: nn.Module) -> Offer:
    """What ``network`` is offered as.

    Raises:
        ModelError: it is none of them.
    """
    offer = offer_named(architecture_of(network).name.removesuffix("-detail"))
    if not isinstance(network, DenseNetwork) or not offer.encoder:
        return offer
    return with_encoder(offer, PRETRAINED if ENCODER in network.config.sizes else SCRATCH)


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
        return give_encoder(_built(offer.name, num_classes)).eval()


def _built(name: str, num_classes: int) -> nn.Module:
    """Fresh weights, but for the encoder that the shipped weights hold."""
    if name == "tutorial":
        return begun_at_the_mean(TutorialNetwork(num_classes=num_classes))
    offer = offer_named(name)
    (kind,) = (kind for kind in DENSE_KINDS if kind.name == offer.architecture)
    return network_of(
        kind, num_classes, {ENCODER: shipped_variant()} if offer.encoder == PRETRAINED else None
    )


@dataclass(frozen=True, slots=True)
class StartingWeights:
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


def start_of(name: str, weights: Path | None, *, seed: int = 0, encoder: str = "") -> StartingWeights:
    """What a run begins with.

    Args:
        name: of an `Offer`; "" for that of the weights.
        weights: a file; None for fresh weights, and for those that come with the program where they are of ``name``.
        seed: of fresh weights.
        encoder: that the network is built on, out of `ENCODERS`; "" for what its name says.

    Raises:
        ModelError: there is no such network, it cannot learn, or the weights are refused or of another one.
    """
    if weights is not None:
        network, meta = load(weights)
        if name:
            refuse_other(network, name, weights.name)
        if encoder:
            _refuse_other_encoder(network, encoder, weights.name)
        return StartingWeights(network, meta, weights.name)
    if encoder:
        name = with_encoder(offer_named(name or LATENT_EXPERT), encoder).name
    if name in ("", LATENT_EXPERT):
        network, meta = load(default_weights_path())
        return StartingWeights(network, meta, default_weights_path().stem)
    offer = offer_named(name)
    where = f"fresh weights of {offer.architecture}"
    if offer.encoder == PRETRAINED:
        where += " on the shipped encoder"
    return StartingWeights(fresh_network(name, 2, seed=seed), CheckpointMeta(), where, is_fresh=True)


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
    is_any = wanted == offer.architecture  # no encoder was asked for
    if found.architecture != offer.architecture or (found.encoder != offer.encoder and not is_any):
        raise ModelError(
            f'The weights "{where}" are of the network {found.title} ({found.name}), not of {offer.title} ({wanted}).',
            action=f"Start from fresh weights by leaving them out, or choose the network {found.name}.",
        )


def _refuse_other_encoder(network: nn.Module, encoder: str, where: str) -> None:
    """Raise ModelError where weights are built on another encoder than the one that is wanted."""
    found = offer_of(network)
    if found.encoder != encoder:
        raise ModelError(
            f'The weights "{where}" are of {found.title}, which is not built on the encoder "{encoder}".',
            action="Start from fresh weights by leaving them out, or leave the encoder out.",
        )
