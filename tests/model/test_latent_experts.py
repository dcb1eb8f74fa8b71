"""The tutorial model is the tutorial's, number for number."""

import math

import pytest
import torch
from torch import nn

from model.demo import run_demo
from model.networks.latent_experts import SegmentationModel

NAMES_AND_SHAPES = {
    "encoder.conv1.weight": (32, 3, 3, 3),
    "encoder.conv1.bias": (32,),
    "encoder.conv2.weight": (64, 32, 3, 3),
    "encoder.conv2.bias": (64,),
    "latent_attn.latents": (16, 64),
    "latent_attn.key_proj.weight": (64, 64),
    "latent_attn.key_proj.bias": (64,),
    "latent_attn.value_proj.weight": (64, 64),
    "latent_attn.value_proj.bias": (64,),
    "latent_attn.query_proj.weight": (64, 64),
    "latent_attn.query_proj.bias": (64,),
    "latent_attn.attention.in_proj_weight": (192, 64),
    "latent_attn.attention.in_proj_bias": (192,),
    "latent_attn.attention.out_proj.weight": (64, 64),
    "latent_attn.attention.out_proj.bias": (64,),
    "expert_seg.pixel_proj.weight": (64, 64),
    "expert_seg.pixel_proj.bias": (64,),
    "expert_seg.attention.in_proj_weight": (192, 64),
    "expert_seg.attention.in_proj_bias": (192,),
    "expert_seg.attention.out_proj.weight": (64, 64),
    "expert_seg.attention.out_proj.bias": (64,),
    "expert_seg.segmentation_head.weight": (2, 64),
    "expert_seg.segmentation_head.bias": (2,),
}


@pytest.fixture
def network():
    torch.manual_seed(0)
    return SegmentationModel().eval()


def test_names_shapes_and_count(network):
    state = network.state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == NAMES_AND_SHAPES
    assert list(state) == list(NAMES_AND_SHAPES)
    assert sum(p.numel() for p in network.parameters()) == 70_466


def attend_by_hand(state, prefix, query, key, value, heads=4):
    """Multi-head attention from its definition, one head at a time."""
    weight, bias = state[f"{prefix}.in_proj_weight"], state[f"{prefix}.in_proj_bias"]
    q, k, v = (
        x @ w.T + b for x, w, b in zip((query, key, value), weight.chunk(3), bias.chunk(3), strict=True)
    )
    width = q.shape[-1] // heads
    out, weights = [], []
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        attention = torch.softmax(q[..., part] @ k[..., part].transpose(-1, -2) / math.sqrt(width), dim=-1)
        weights.append(attention)
        out.append(attention @ v[..., part])
    joined = torch.cat(out, dim=-1)
    return joined @ state[f"{prefix}.out_proj.weight"].T + state[f"{prefix}.out_proj.bias"], weights


def linear(state, name, x):
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def test_logits_are_those_of_the_definition(network):
    state = network.state_dict()
    image = torch.randn(2, 3, 32, 48)
    x = image
    for name in ("conv1", "conv2"):
        x = nn.functional.conv2d(x, state[f"encoder.{name}.weight"], state[f"encoder.{name}.bias"], padding=1)
        x = nn.functional.max_pool2d(torch.relu(x), 2)
    tokens = x.permute(0, 2, 3, 1).reshape(2, -1, 64)
    queries = linear(state, "latent_attn.query_proj", state["latent_attn.latents"])[None].repeat(2, 1, 1)
    experts, look = attend_by_hand(
        state,
        "latent_attn.attention",
        queries,
        linear(state, "latent_attn.key_proj", tokens),
        linear(state, "latent_attn.value_proj", tokens),
    )
    read, mix = attend_by_hand(
        state, "expert_seg.attention", linear(state, "expert_seg.pixel_proj", tokens), experts, experts
    )
    expected = linear(state, "expert_seg.segmentation_head", read).reshape(2, 8, 12, 2).permute(0, 3, 1, 2)

    with torch.no_grad():
        logits, maps = network(image, need_attention=True)
    assert torch.allclose(logits, expected, atol=1e-5)
    assert torch.allclose(maps.look[:, 1], look[1].reshape(2, 16, 8, 12), atol=1e-6)
    assert torch.allclose(maps.mix[:, 3], mix[3].transpose(1, 2).reshape(2, 16, 8, 12), atol=1e-6)


def test_shapes_and_sums_of_the_maps(network):
    with torch.no_grad():
        logits, maps = network(torch.randn(2, 3, 128, 128), need_attention=True)
    assert logits.shape == (2, 2, 32, 32)
    assert maps.look.shape == maps.mix.shape == (2, 4, 16, 32, 32)
    assert torch.allclose(maps.look.sum((-1, -2)), torch.ones(2, 4, 16), atol=1e-5)
    assert torch.allclose(maps.mix.sum(2), torch.ones(2, 4, 32, 32), atol=1e-5)


@pytest.mark.parametrize("is_training", [False, True])
def test_explicit_and_fused_attention_agree(network, is_training):
    network.train(is_training)
    image = torch.randn(1, 3, 128, 128)
    with torch.no_grad():
        fused = network(image)
        explicit, _ = network(image, need_attention=True)
    assert torch.allclose(fused, explicit, atol=1e-5)


def test_without_need_attention_no_weights_are_materialised(network, monkeypatch):
    asked = []
    forward = nn.MultiheadAttention.forward

    def spy(self, *args, **kwargs):
        answer = forward(self, *args, **kwargs)
        asked.append((kwargs["need_weights"], answer[1]))
        return answer

    monkeypatch.setattr(nn.MultiheadAttention, "forward", spy)
    assert isinstance(network(torch.randn(1, 3, 16, 16)), torch.Tensor)
    assert asked == [(False, None), (False, None)]


def test_knocking_out_all_but_one_equals_running_with_that_one(network):
    features = torch.randn(1, 64, 6, 7)
    tokens = features.flatten(2).transpose(1, 2)
    with torch.no_grad():
        experts, _ = network.latent_attn(tokens)
        alone, _ = network.expert_seg(tokens, experts[:, 5:6])
        gains = torch.zeros(16)
        gains[5] = 1
        knocked, _ = network.read_experts(features, expert_gains=gains)
    assert torch.allclose(knocked.flatten(2).transpose(1, 2), alone, atol=1e-5)


def test_other_sizes_of_everything():
    network = SegmentationModel(
        in_channels=1, feature_dim=24, latent_dim=32, num_latents=5, num_heads=2, num_classes=7
    )
    logits, maps = network(torch.randn(1, 1, 30, 21), need_attention=True)
    assert logits.shape == (1, 7, 7, 5)
    assert maps.mix.shape == (1, 2, 5, 7, 5)


def test_the_demonstration_settles_near_ln_2():
    losses = list(run_demo(100, size=32))
    assert len(losses) == 100
    assert all(math.isfinite(loss) for loss in losses)
    assert abs(sum(losses[-20:]) / 20 - math.log(2)) < 0.01
