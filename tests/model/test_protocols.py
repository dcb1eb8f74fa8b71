"""What a network says it can do is what it can do, for every network that is offered."""

import inspect

import numpy as np
import pytest
import torch

from model.errors import ModelError
from model.networks.detail_network import DetailNetwork
from model.networks.protocols import (
    CLICKS,
    EXPERTS,
    GATES,
    LIVE,
    PROTOCOLS,
    ROLLOUT,
    ROWS,
    Attending,
    Segmenter,
    Teachable,
    capabilities,
)
from model.prediction.predictor import Predictor
from model.weights.catalogue import OFFERS, fresh_network
from model.zoo.attention_maps import attention_layers, gate_maps
from tests.model.plain_network import PlainNetwork
from tests.tiny import tiny_network

TRAINABLE = [offer for offer in OFFERS if offer.is_trainable]


@pytest.fixture(scope="module")
def networks():
    return {offer.name: fresh_network(offer.name, 2) for offer in TRAINABLE}


@pytest.mark.parametrize("offer", TRAINABLE, ids=lambda offer: offer.name)
def test_an_offer_satisfies_exactly_the_protocols_of_its_capabilities(offer, networks):
    network = networks[offer.name]
    assert isinstance(network, Segmenter)
    assert isinstance(network, Teachable)
    assert {name for name, each in PROTOCOLS.items() if isinstance(network, each)} == (
        offer.capabilities & set(PROTOCOLS)
    )
    shown = network.shows if isinstance(network, Attending) else frozenset()
    assert shown == offer.capabilities & {ROWS, GATES, ROLLOUT}
    assert capabilities(network) == offer.capabilities


@pytest.mark.parametrize("offer", TRAINABLE, ids=lambda offer: offer.name)
def test_what_is_promised_is_answered_and_what_is_not_is_refused(offer, networks):
    network, image = networks[offer.name], np.zeros((64, 64, 3), np.uint8)
    predictor = Predictor(network, "cpu", dtype=torch.float32)
    predictor.set_image(image)
    tensor = torch.zeros(1, 3, 64, 64)
    questions = {
        CLICKS: lambda: predictor.predict([[5, 5]], [1]),
        EXPERTS: predictor.expert_vectors,
        ROWS: lambda: attention_layers(network, tensor),
        GATES: lambda: gate_maps(network, tensor),
    }
    for capability, ask in questions.items():
        if capability in offer.capabilities:
            assert ask() is not None
        elif capability in (CLICKS, EXPERTS):
            with pytest.raises(ModelError):
                ask()


def test_networks_that_came_from_others_can_do_the_same():
    tiny = tiny_network()
    assert capabilities(DetailNetwork.of(tiny, (0, 1))) == capabilities(tiny) == {CLICKS, EXPERTS, LIVE}
    assert capabilities(PlainNetwork()) == {CLICKS}, "a network from elsewhere needs only the methods"


def test_signatures_are_those_of_the_protocols(networks):
    """Names of arguments, so that whoever is handed a protocol may call by name."""
    for network in networks.values():
        for name, protocol in {"segmenter": Segmenter, "teachable": Teachable, **PROTOCOLS}.items():
            if isinstance(network, protocol):
                for method in methods_of(protocol):
                    wanted, found = getattr(protocol, method), getattr(type(network), method)
                    assert arguments(wanted) <= arguments(found), (type(network).__name__, name, method)


def methods_of(protocol) -> set[str]:
    members = [(name, value) for base in protocol.__mro__ for name, value in vars(base).items()]
    return {name for name, value in members if inspect.isfunction(value) and not name.startswith("_")}


def arguments(function) -> set[str]:
    return set(inspect.signature(function).parameters)
