"""Networks of the zoo on the encoder of the shipped weights: its numbers, its rate, and what stays as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.errors import ModelError, WeightsError
from model.networks.efficientnet import normalised
from model.training.finetune import FineTuneConfig, LabelledImage, finetune
from model.training.learner import ENCODER_SHARE, RATE, _groups
from model.weights import catalogue
from model.weights.catalogue import give_encoder
from model.weights.checkpoint import default_weights_path, load, save
from model.zoo.dense import DenseNetwork
from model.zoo.encoders import PretrainedPyramid, encoders_in
from model.zoo.presets import DENSE_KINDS
from model.zoo.registry import build_network
from tests.model.finetuning import run, state_of

KINDS = {kind.name: kind for kind in DENSE_KINDS}
TAKERS = [kind.name for kind in DENSE_KINDS if kind.takes_encoder]


def shipped_encoder():
    (encoder,) = encoders_in(load(default_weights_path())[0])
    return encoder


def name_on(name, encoder):
    return catalogue.with_encoder(catalogue.offer_named(name), encoder).name


@pytest.mark.parametrize("name", TAKERS)
def test_learning_begins_with_the_tensors_of_the_shipped_weights(name):
    network = catalogue.fresh_network(name_on(name, "pretrained"), 3)
    (encoder,) = encoders_in(network)
    expected = shipped_encoder().state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in encoder.state_dict().items())
    assert catalogue.offer_of(network).encoder == "pretrained"
    assert network.config.num_classes == 3


def test_the_encoder_sees_pictures_in_the_range_that_it_knows():
    pyramid = give_encoder(PretrainedPyramid("lite0", finest=2)).eval()
    image = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours, expected = pyramid((image - 0.45) * 4), shipped_encoder()(normalised(image))
    assert [tuple(each.shape[-2:]) for each in ours] == [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]
    for one, other in zip(ours, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-3)


@pytest.mark.parametrize("name", TAKERS)
def test_from_scratch_a_network_is_what_it_was(name):
    """Names, numbers and description of the weights: nothing of the encoder is in them."""
    network = catalogue.fresh_network(name_on(name, "scratch"), 2)
    plain = DenseNetwork(KINDS[name], 2)
    assert not encoders_in(network)
    assert network.config.to_json() == plain.config.to_json()
    assert "encoder" not in network.config.to_json()
    assert {k: v.shape for k, v in network.state_dict().items()} == {
        k: v.shape for k, v in plain.state_dict().items()
    }


@pytest.mark.parametrize("name", TAKERS)
def test_on_the_encoder_it_is_saved_and_loaded(name, tmp_path):
    network = catalogue.fresh_network(name_on(name, "pretrained"), 2)
    save(tmp_path / "net.safetensors", network)
    again, meta = load(tmp_path / "net.safetensors")
    assert (meta.architecture, meta.config["encoder"]) == (name, "lite0")
    assert catalogue.offer_of(again) == catalogue.offer_of(network)
    image = torch.rand(1, 3, 45, 70, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(again(image), network(image))


def test_what_the_encoder_knows_changes_more_slowly_than_the_rest():
    network = catalogue.fresh_network("unet-pretrained", 2)
    (fast, quick), (slow, careful) = _groups(network, RATE)
    assert (fast, slow) == (RATE, RATE * ENCODER_SHARE)
    assert len(quick) + len(careful) == len(list(network.parameters()))
    assert all(".encoder." in name for name in careful)
    assert len(_groups(catalogue.fresh_network("unet", 2), RATE)) == 1


def test_it_learns_and_goes_on_with_its_own_encoder():
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, 30:] = (190, 120, 70)
    labels = np.repeat(np.uint8([[0] * 30 + [1] * 34]), 64, axis=0)
    config = FineTuneConfig(num_classes=2, device="cpu", classes_kept=(None, None))
    start = catalogue.start_of("unet", None, encoder="pretrained")
    job, _ = run(start.network, [LabelledImage(image, labels)], config, steps=30)
    assert job.metric_after > 0.9
    before, after = state_of(start.network), state_of(job.network)
    moved = [key for key in before if ".encoder." in key and not torch.equal(before[key], after[key])]
    assert moved
    again = finetune(job.network, [LabelledImage(image, labels)], FineTuneConfig(num_classes=2, device="cpu"))
    (encoder,) = encoders_in(again.network)
    assert all(torch.equal(v, after[f"core.backbone.encoder.{k}"]) for k, v in encoder.state_dict().items())


def test_an_encoder_is_asked_for_by_name_or_option_and_refused_where_there_is_none(tmp_path):
    assert catalogue.offer_named("unet-scratch") == catalogue.offer_named("unet")
    assert catalogue.offer_named("unet-pretrained").title == "U-Net (pretrained encoder)"
    assert catalogue.offer_named("deeplabv3plus-scratch").title == "DeepLabV3+ (from scratch)"
    assert catalogue.names_on(["unet", "setr", "deeplabv3plus-pretrained"], "pretrained") == [
        "unet-pretrained", "setr", "deeplabv3plus"
    ]  # fmt: skip
    for call in (
        lambda: catalogue.names_on(["setr"], "pretrained"),
        lambda: catalogue.start_of("setr", None, encoder="scratch"),
        lambda: catalogue.start_of("", None, encoder="pretrained"),
        lambda: catalogue.with_encoder(catalogue.offer_named("unet"), "resnet"),
    ):
        with pytest.raises(ModelError, match="cannot be built on the encoder"):
            call()
    path = tmp_path / "net.safetensors"
    save(path, catalogue.fresh_network("unet-pretrained", 2))
    assert catalogue.start_of("unet", path).network.config.sizes["encoder"] == "lite0"
    assert catalogue.start_of("", path, encoder="pretrained").name == "net.safetensors"
    with pytest.raises(
        ModelError, match=r'U-Net \(pretrained encoder\), which is not built on the encoder "scratch"'
    ):
        catalogue.start_of("unet", path, encoder="scratch")
    with pytest.raises(ModelError, match="not of SETR"):
        catalogue.start_of("setr", path)


@pytest.mark.parametrize(("name", "encoder"), [("unet", "lite9"), ("unet", 7), ("setr", "lite0")])
def test_files_that_describe_an_unknown_encoder_are_refused(name, encoder):
    with pytest.raises(WeightsError):
        build_network(name, {"num_classes": 2, "encoder": encoder})
