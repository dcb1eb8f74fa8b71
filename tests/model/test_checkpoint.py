"""M-04, M-15: weights come back as they were, or are refused with the reason, and nothing else changes."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.errors import ModelError, WeightsError
from model.networks.config import NetworkConfig
from model.networks.detail_network import DetailConfig, build_detail
from model.networks.latent_experts import SegmentationModel
from model.networks.network import build_latent_expert
from model.weights import checkpoint
from model.weights.checkpoint import CheckpointMeta, load, read_meta, save
from model.zoo.tutorial import TutorialNetwork

META = CheckpointMeta(
    class_names=("background", "Größe 漢字"),
    class_colours=("#000000", "#E69F00"),
    expert_names={3: "edges", 11: "sky"},
    provenance={"seconds": 30, "parent": "default"},
)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return TutorialNetwork().eval()


@pytest.fixture
def path(tmp_path, network):
    path = tmp_path / "weights.safetensors"
    save(path, network, META)
    return path


def rewrite(path, change=None, state=None, **fields):
    """Write the file of ``path`` again with other tensors or another description."""
    tensors = load_file(path)
    table = json.loads(checkpoint.read_checked(path)[1].metadata["latentseg"])
    table.update(fields)
    if change:
        change(tensors)
    save_file(state or tensors, path, {"latentseg": json.dumps(table)})


def assert_same(one, other):
    first, second = one.state_dict(), other.state_dict()
    assert list(first) == list(second)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_round_trip(path, network):
    back, meta = load(path)
    assert_same(back, network)
    assert isinstance(back, TutorialNetwork)
    assert not back.training
    for field in ("class_names", "class_colours", "expert_names", "provenance"):
        assert getattr(meta, field) == getattr(META, field)
    assert meta.architecture == "tutorial"
    assert meta.config["num_latents"] == 16
    assert read_meta(path) == meta


def test_round_trip_of_the_default_network(tmp_path):
    torch.manual_seed(0)
    config = NetworkConfig(num_classes=5, num_experts=6, widths=(16,) * 5, depths=(1,) * 4)
    network = build_latent_expert(config)
    save(tmp_path / "a.safetensors", network)
    back, meta = load(tmp_path / "a.safetensors")
    assert_same(back, network)
    assert back.config == config
    assert meta.architecture == "latent-expert"


def test_round_trip_of_a_fine_tuned_network(tmp_path):
    torch.manual_seed(0)
    config = NetworkConfig(num_classes=5, num_experts=6, widths=(16,) * 5, depths=(1,) * 4)
    network = build_detail(config, DetailConfig(has_own_backbone=1))
    save(tmp_path / "a.safetensors", network)
    back, meta = load(tmp_path / "a.safetensors")
    assert_same(back, network)
    assert meta.architecture == "latent-expert-detail"


def test_loading_does_not_wait_for_a_compiler():
    """Torch would import its own, longer than everything else takes, to fill parameters that have no memory."""
    code = """
import sys
from model.weights import checkpoint
checkpoint.load(checkpoint.default_weights_path())
assert not {"torch._dynamo", "sympy"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_a_state_dict_of_the_tutorial_loads_strictly_into_the_zoo_network(network):
    torch.manual_seed(7)
    tutorial = SegmentationModel().eval()
    network.load_state_dict(tutorial.state_dict(), strict=True)
    image = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        assert torch.allclose(network(image), tutorial(image), atol=1e-6)


def test_saving_does_not_touch_the_network(tmp_path, network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.train()
    save(tmp_path / "a.safetensors", network)
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def remove_two(tensors):
    del tensors["encoder.conv1.bias"], tensors["expert_seg.pixel_proj.weight"]


def more_classes(tensors):
    tensors["expert_seg.segmentation_head.weight"] = torch.zeros(7, 64)
    tensors["expert_seg.segmentation_head.bias"] = torch.zeros(7)


CHANGES = {
    "missing": (remove_two, ["encoder.conv1.bias: missing", "expert_seg.pixel_proj.weight: missing"]),
    "extra": (lambda t: t.update(more=torch.zeros(1)), ["more: unknown to the network"]),
    "class count": (
        more_classes,
        [
            "expert_seg.segmentation_head.bias: shape [7] instead of [2]",
            "expert_seg.segmentation_head.weight: shape [7, 64] instead of [2, 64]",
        ],
    ),
    "format": (
        lambda t: t.update({"encoder.conv1.bias": torch.zeros(32, dtype=torch.float16)}),
        ["encoder.conv1.bias: number format F16 instead of F32"],
    ),
    "nan": (
        lambda t: t["encoder.conv1.bias"].fill_(float("nan")),
        ["encoder.conv1.bias: holds NaN or infinity"],
    ),
    "inf": (
        lambda t: t["latent_attn.latents"][3].fill_(-float("inf")),
        ["latent_attn.latents: holds NaN or infinity"],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_weights_that_do_not_fit_are_refused_with_the_differences(path, network, name):
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    change, expected = CHANGES[name]
    rewrite(path, change)
    with pytest.raises(WeightsError) as caught:
        load(path)
    assert sorted(caught.value.differences) == expected
    assert expected[0].split(":")[0] in caught.value.what
    assert all(torch.equal(before[key], tensor) for key, tensor in network.state_dict().items())


def test_weights_of_another_architecture_list_every_tensor(path):
    rewrite(path, architecture="latent-expert", config=NetworkConfig(depths=(1, 1, 1, 1)).to_json())
    with pytest.raises(WeightsError, match="do not fit the network") as caught:
        load(path)
    lines = caught.value.differences
    assert "experts: missing" in lines
    assert "encoder.conv1.weight: unknown to the network" in lines
    assert len(lines) > 100


@pytest.mark.parametrize(
    "fields",
    [
        {"architecture": "unheard-of"},
        {"architecture": ["tutorial"]},
        {"architecture": None},
        {"config": {"feature_dim": 10**9}},
        {"config": {"num_heads": 0}},
        {"config": {"num_heads": 5}},
        {"config": {"feature_dim": -1}},
        {"config": {"feature_dim": "64"}},
        {"config": {"feature_dim": 6.5}},
        {"config": {"latent_dim": [64] * 100}},
        {"config": {"what": 1}},
        {"config": []},
        {"architecture": "latent-expert", "config": {"depths": [4000, 1, 1, 1]}},
        {"architecture": "latent-expert", "config": {"widths": [1]}},
        {"format": 2},
        {"format": "1"},
        {"class_names": "background"},
        {"class_names": ["background", "a", "b"]},
        {"class_names": ["x"] * 300},
        {"class_names": [1, 2]},
        {"class_names": ["x" * 5000]},
        {"class_colours": ["red"]},
        {"class_colours": ["#12345"]},
        {"expert_names": {"one": "x"}},
        {"expert_names": {"1": 2}},
        {"expert_names": ["x"]},
        {"provenance": "x"},
    ],
    ids=str,
)
def test_descriptions_that_make_no_sense_are_refused(path, fields):
    rewrite(path, **fields)
    with pytest.raises(WeightsError):
        load(path)


@pytest.mark.parametrize("heads", [0, 3, 64, 4096])
def test_numbers_of_heads_that_do_not_divide_the_features_are_refused_at_once(tmp_path, heads):
    """Not at the first prediction: the tensors do not tell."""
    path = tmp_path / "default.safetensors"
    small = NetworkConfig(feature_dim=32, widths=(16, 32, 32, 32, 32), depths=(1, 1, 1, 1))
    save(path, build_latent_expert(small))
    rewrite(path, config=small.to_json() | {"num_heads": heads})
    with pytest.raises(WeightsError, match="makes no sense"):
        load(path)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "1", '{"format": 1}', "[" * 60000])
def test_metadata_that_are_no_description_are_refused(path, text):
    save_file(load_file(path), path, {"latentseg": text})
    with pytest.raises(WeightsError, match="description inside"):
        load(path)


def test_a_safetensors_file_of_somebody_else_is_refused(path):
    save_file(load_file(path), path)
    with pytest.raises(WeightsError, match="does not say which network"):
        load(path)


def test_nan_is_not_saved_and_the_old_file_stays(path, network):
    before = path.read_bytes()
    with torch.no_grad():
        network.encoder.conv1.bias[0] = float("nan")
    with pytest.raises(ModelError, match=r"encoder\.conv1\.bias"):
        save(path, network, META)
    assert path.read_bytes() == before


def test_a_network_nobody_registered_cannot_be_saved(tmp_path):
    with pytest.raises(ModelError, match="Linear"):
        save(tmp_path / "a.safetensors", torch.nn.Linear(2, 2))
    assert not list(tmp_path.iterdir())


def test_saving_where_there_is_no_folder_says_so(tmp_path, network):
    with pytest.raises(ModelError, match="could not be written"):
        save(tmp_path / "none" / "a.safetensors", network)


def test_meta_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        META.architecture = "x"
