"""Weights may be stored with 16 bits each: the shipped file is half as large for it."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.errors import WeightsError
from model.networks.config import NetworkConfig
from model.networks.network import build_latent_expert
from model.weights import checkpoint

SMALL = NetworkConfig(widths=(16, 16, 16, 16, 16), depths=(1, 1, 1, 1), path_widths=(16, 16), feature_dim=16,
                      click_widths=(16, 16, 16, 16, 16), embed_dim=8, num_experts=4)  # fmt: skip


def test_half_weights_load_as_full_ones_and_answer_alike(tmp_path):
    network = build_latent_expert(SMALL).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(parameter.half())
    image = torch.rand(1, 3, 40, 56)
    expected = network(image)
    checkpoint.save(tmp_path / "half.safetensors", network.half())
    loaded, _ = checkpoint.load(tmp_path / "half.safetensors")
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    assert torch.equal(loaded(image), expected)


def test_one_half_tensor_among_full_ones_is_refused(tmp_path):
    path = tmp_path / "mixed.safetensors"
    checkpoint.save(path, build_latent_expert(SMALL))
    state = load_file(path)
    state["experts"] = state["experts"].half()
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    save_file(state, path, metadata)
    with pytest.raises(WeightsError) as refusal:
        checkpoint.load(path)
    assert refusal.value.differences == ("experts: number format F16 instead of F32",)
