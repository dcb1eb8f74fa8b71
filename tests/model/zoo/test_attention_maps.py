"""What a network of the sources attends to is what its layers compute, and never N x N in memory."""

from __future__ import annotations

import pytest
import torch

from model.errors import ModelError
from model.zoo.attention_maps import AttentionLayer, attention_layers, gate_maps, rollout
from model.zoo.dense import DenseNetwork
from model.zoo.presets import DENSE_KINDS
from tests.model.zoo.tiny_networks import TINY

KINDS = {kind.name: kind for kind in DENSE_KINDS}
ATTENDING = [kind.name for kind in DENSE_KINDS if kind.attention == "rows"]


def made(name, **sizes):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return DenseNetwork(KINDS[name], 2, {**TINY[name], **sizes}).eval()


def image(height, width):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", ATTENDING)
def test_a_row_sums_to_one_for_every_head_and_covers_the_image(name):
    layers = attention_layers(made(name), image(130, 150))
    assert layers
    for layer in layers:
        row = layer.row_at(149.5, 12)
        assert row.shape == (layer.num_heads, *layer.asked)
        assert torch.allclose(row.sum((1, 2)), torch.ones(layer.num_heads), atol=1e-5)
        with pytest.raises(ModelError, match="outside"):
            layer.row_at(151, 3)


def heard(network, picture, kind):
    """What every part of one kind gives while a network runs, in order."""
    answers = []
    parts = [part for name, part in network.named_modules() if name.endswith(kind)]
    hooks = [part.register_forward_hook(lambda _, __, answer: answers.append(answer)) for part in parts]
    network(picture)
    for hook in hooks:
        hook.remove()
    return answers


@pytest.mark.parametrize(
    ("name", "asking", "asked"), [("vit", "ln1", "ln1"), ("segformer", "norm1", "sr_norm")]
)
def test_a_row_is_what_torchs_own_attention_says_of_the_same_tokens(name, asking, asked):
    network = made(name)
    attentions = [m for m in network.modules() if isinstance(m, torch.nn.MultiheadAttention)]
    picture = image(128, 160)
    layers = attention_layers(network, picture)
    assert len(layers) == len(attentions)
    with torch.no_grad():
        tokens = zip(heard(network, picture, asking), heard(network, picture, asked), strict=True)
        for layer, attention, (queries, keys) in zip(layers, attentions, tokens, strict=True):
            _, expected = attention(queries, keys, keys, average_attn_weights=False)
            place = layer.place_at(90, 70)
            assert torch.allclose(layer.row_at(90, 70).flatten(1), expected[0][:, place], atol=1e-5)


def test_the_second_layer_of_setr_attends_to_what_the_first_has_made():
    network = made("setr", depth=2)
    picture = image(64, 64)
    layers = attention_layers(network, picture)
    core = network.core
    with torch.no_grad():
        tokens, _ = core.tokens(network.padded(picture))
        tokens = core.transformer.layers[0](tokens)
        _, expected = core.transformer.layers[1].self_attn(tokens, tokens, tokens, average_attn_weights=False)
    assert torch.allclose(layers[1].row_at(1, 1).flatten(1), expected[0][:, 0], atol=1e-5)


def test_rollout_is_the_product_of_the_layers():
    layers = attention_layers(made("vit", depth=3), image(48, 64))
    product = torch.eye(layers[0].keys.shape[1])
    for layer in layers:
        product = (layer.rows(slice(None)).mean(0) + torch.eye(len(product))) / 2 @ product
    seen = rollout(layers, 30, 20)
    assert torch.allclose(seen.flatten(), product[layers[0].place_at(30, 20)], atol=1e-6)
    assert float(seen.sum()) == pytest.approx(1, abs=1e-5)


def test_rollout_is_refused_where_grids_differ():
    layers = attention_layers(made("segformer"), image(128, 128))
    with pytest.raises(ModelError, match="one grid"):
        rollout(layers, 5, 5)


def test_gates_are_shown_at_four_strides_without_padding():
    gates = gate_maps(made("attention-unet"), image(37, 50))
    assert {stride: tuple(gate.shape) for stride, gate in gates.items()} == {
        8: (5, 7), 4: (10, 13), 2: (19, 25), 1: (37, 50)
    }  # fmt: skip
    assert all(bool(((gate >= 0) & (gate <= 1)).all()) for gate in gates.values())


@pytest.mark.parametrize("name", [kind.name for kind in DENSE_KINDS if kind.attention == "none"])
def test_networks_without_attention_say_so(name):
    with pytest.raises(ModelError, match="no attention"):
        attention_layers(made(name), image(64, 64))
    with pytest.raises(ModelError, match="no attention gates"):
        gate_maps(made(name), image(64, 64))


def test_a_large_picture_never_needs_all_pairs():
    network = made("attention-cnn")
    layer = attention_layers(network, image(512, 640))[0]
    assert layer.queries.shape[1] == 128 * 160
    row = layer.row_at(320, 256)
    assert row.numel() == 128 * 160  # 20,480 squared would be 1.7 GB


def test_a_pixel_lies_in_the_place_that_covers_it_whatever_was_padded():
    layer = AttentionLayer(
        "layer 1", torch.zeros(1, 8, 2), torch.zeros(1, 8, 2), (2, 4), (2, 4), shown=(32, 64), size=(20, 33)
    )
    assert [layer.place_at(x, 5) for x in (0, 15, 16, 32)] == [0, 0, 1, 2]
    assert [layer.place_at(0, y) for y in (0, 15, 16, 19)] == [0, 0, 4, 4]
