"""Weights with 8 bits a number: a quarter of the size, nearly the same network, and refused where they are broken."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.errors import WeightsError
from model.networks.config import NetworkConfig
from model.networks.network import build_latent_expert
from model.weights.checkpoint import load, read_meta, save
from model.weights.checks import read_checked
from model.weights.packing import SCALE, dequantised, quantised

ROWS = "a.weight"


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    return build_latent_expert(NetworkConfig.pretrained()).eval()


@pytest.fixture(scope="module")
def path(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("packed") / "weights.safetensors"
    save(path, network, is_packed=True)
    return path


def changed(path, tmp_path, change):
    """Another file, with other tensors and the same description."""
    tensors = load_file(path)
    change(tensors)
    other = tmp_path / "other.safetensors"
    save_file(tensors, other, dict(read_checked(path)[1].metadata))
    return other


def test_a_packed_file_is_a_quarter_as_large_and_says_the_same(network, path, tmp_path):
    save(tmp_path / "whole.safetensors", network)
    assert path.stat().st_size < 0.28 * (tmp_path / "whole.safetensors").stat().st_size
    back, _ = load(path)
    first, second = network.state_dict(), back.state_dict()
    assert list(first) == list(second)
    for name, tensor in first.items():
        assert second[name].dtype == tensor.dtype
        torch.testing.assert_close(second[name], tensor, rtol=2e-3, atol=float(tensor.abs().max()) / 200)
    assert read_meta(path).architecture == "latent-expert"


@pytest.mark.parametrize("shape", [(64, 33), (4, 512, 1), (3, 8, 16, 16)])
def test_no_number_is_further_off_than_half_a_level_of_its_row(shape):
    torch.manual_seed(0)
    rows = torch.randn(shape) * torch.logspace(-6, 3, shape[0]).view(-1, *(1,) * (len(shape) - 1))
    rows[1] = 0
    back = dequantised(quantised({ROWS: rows}))[ROWS]
    level = rows.flatten(1).abs().amax(1) / 127
    assert bool(((back - rows).flatten(1).abs().amax(1) <= level * 0.5001).all())
    assert not back[1].any()


def test_small_and_whole_numbers_stay_as_they_are():
    state = {"bias": torch.ones(4096), "small": torch.ones(8, 8), "count": torch.tensor([3])}
    made = quantised(state)
    assert set(made) == set(state)
    assert made["count"].dtype == torch.int64
    assert made["small"].dtype == torch.float16


def test_what_was_packed_twice_is_what_was_packed_once(network, path, tmp_path):
    again = tmp_path / "again.safetensors"
    save(again, load(path)[0], is_packed=True)
    first, second = load_file(path), load_file(again)
    assert all(torch.equal(first[name], second[name]) for name in first if not name.endswith(SCALE))


def name_of_one(tensors):
    return next(name for name in tensors if name + SCALE in tensors)


def without_scales(tensors):
    del tensors[name_of_one(tensors) + SCALE]


def with_too_few_scales(tensors):
    name = name_of_one(tensors) + SCALE
    tensors[name] = tensors[name][:-1].clone()


def with_half_scales(tensors):
    name = name_of_one(tensors) + SCALE
    tensors[name] = tensors[name].half()


def with_scales_of_nothing(tensors):
    tensors["nothing" + SCALE] = torch.ones(4)


def with_infinite_scales(tensors):
    tensors[name_of_one(tensors) + SCALE][0] = float("inf")


def with_scales_beyond_numbers(tensors):
    tensors[name_of_one(tensors) + SCALE].fill_(3e38)


@pytest.mark.parametrize(
    "change",
    [
        without_scales,
        with_too_few_scales,
        with_half_scales,
        with_scales_of_nothing,
        with_infinite_scales,
        with_scales_beyond_numbers,
    ],
)
def test_broken_scales_are_refused(path, tmp_path, change):
    with pytest.raises(WeightsError) as refused:
        load(changed(path, tmp_path, change))
    assert refused.value.action
