"""Attention in blocks answers what torch's own modules answer, and holds no table of all places by all places."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from model.zoo.dense import DenseNetwork
from model.zoo.presets import DENSE_KINDS
from model.zoo.streaming import attended, encoded
from tests.model.zoo.tiny_networks import TINY


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        yield


def test_it_is_torchs_multi_head_attention():
    attention = nn.MultiheadAttention(12, 3, dropout=0.5, batch_first=True).eval()
    asking, asked = torch.randn(2, 7, 12), torch.randn(2, 5, 12)
    expected, _ = attention(asking, asked, asked)
    assert torch.allclose(attended(attention, asking, asked), expected, atol=1e-6)


def test_it_is_torchs_encoder_layer():
    layer = nn.TransformerEncoderLayer(12, 3, 48, dropout=0.5, batch_first=True).eval()
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.4)
    tokens = torch.randn(2, 7, 12)
    assert torch.allclose(encoded(layer, tokens), layer(tokens), atol=1e-5)


@pytest.mark.parametrize("part", [attended, encoded])
def test_something_is_dropped_only_while_it_learns(part):
    if part is attended:
        module = nn.MultiheadAttention(12, 3, dropout=0.5, batch_first=True)
        inputs = torch.randn(1, 9, 12), torch.randn(1, 9, 12)
    else:
        module, inputs = (
            nn.TransformerEncoderLayer(12, 3, 48, dropout=0.5, batch_first=True),
            (torch.randn(1, 9, 12),),
        )
    assert not torch.equal(part(module, *inputs), part(module, *inputs))
    module.eval()
    assert torch.equal(part(module, *inputs), part(module, *inputs))


def largest_while(call):
    """Bytes of the largest block of memory that was asked for."""
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as seen:
        call()
    return max(event.cpu_memory_usage for event in seen.events() if event.cpu_memory_usage)


def test_no_table_of_all_places_by_all_places_is_made():
    places = 2048
    layer = nn.TransformerEncoderLayer(16, 2, 64, batch_first=True).eval()
    tokens = torch.randn(1, places, 16)
    table = 4 * places * places
    assert largest_while(lambda: layer(tokens)) >= table, "torch's own makes one"
    assert largest_while(lambda: encoded(layer, tokens)) < table / 4


@pytest.mark.parametrize("name", [kind.name for kind in DENSE_KINDS if kind.attention == "rows"])
def test_networks_leave_torchs_own_attention_alone(name):
    (kind,) = (kind for kind in DENSE_KINDS if kind.name == name)
    network = DenseNetwork(kind, 2, TINY[name]).eval()
    asked = []
    for part in network.modules():
        if isinstance(part, nn.MultiheadAttention | nn.TransformerEncoderLayer | nn.TransformerEncoder):
            part.register_forward_hook(lambda part, *_: asked.append(type(part).__name__))
    network(torch.rand(1, 3, 64, 64))
    assert asked == []
