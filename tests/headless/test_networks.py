"""Another network from the command line: listed, trained, used, and refused where it cannot be."""

from __future__ import annotations

import json

import pytest

from model.checkpoint import load, read_meta
from model.zoo import catalogue
from model.zoo.dense import DenseNetwork
from model.zoo.presets import DENSE_KINDS
from tests.model.zoo.tiny_networks import TINY


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    """Every network in a size that learns in a second."""
    built = catalogue._built

    def small(name, num_classes):
        kind = next((kind for kind in DENSE_KINDS if kind.name == name), None)
        return built(name, num_classes) if kind is None else DenseNetwork(kind, num_classes, TINY[name])

    monkeypatch.setattr(catalogue, "_built", small)


def test_networks_are_listed_with_what_they_are_good_for(latentseg, monkeypatch):
    monkeypatch.undo()
    code, out, _ = latentseg("networks")
    assert code == 0
    for name in ("latent-expert", "tutorial", "unet", "attention-unet", "mask-rcnn", "panoptic-fpn"):
        assert name in out
    assert "comes with weights" in out
    assert "Cannot be trained here yet" in out
    code, out, _ = latentseg("networks", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert rows["tutorial"]["parameters"] == 70_466
    assert rows["latent-expert"]["pretrained"]
    assert rows["mask-rcnn"] | {"parameters": None, "trainable": False} == rows["mask-rcnn"]
    assert rows["attention-unet"]["shows"] == ["gates"]
    assert rows["unet"]["shows"] == []


@pytest.mark.parametrize("name", ["unet", "tutorial", "segformer"])
def test_a_network_is_trained_from_nothing_and_its_weights_predict_and_are_measured(
    latentseg, folders, tmp_path, name
):
    images, masks = folders
    tuned = tmp_path / "tuned.safetensors"
    pairs = "--images", images, "--masks", masks
    code, out, err = latentseg(
        "finetune", *pairs, "--network", name, "--seconds", 2, "--keep-worse", "-o", tuned
    )
    assert code == 0, err
    assert "held-out mean IoU" in out
    meta = read_meta(tuned)
    assert meta.architecture == name
    (told,) = meta.provenance["fine_tuning"]
    assert told["started_from"] == f"fresh weights of {name}"
    code, out, err = latentseg("predict", images, "-o", tmp_path / "out", "--weights", tuned)
    assert code == 0, err
    assert len(list((tmp_path / "out").glob("*.png"))) == 3
    code, out, err = latentseg("evaluate", *pairs, "--weights", tuned)
    assert code == 0, err
    assert "mean IoU" in out
    again = tmp_path / "again.safetensors"
    code, out, err = latentseg(
        "finetune", *pairs, "--weights", tuned, "--seconds", 2, "--keep-worse", "-o", again
    )
    assert code == 0, err
    assert len(load(again)[1].provenance["fine_tuning"]) == 2
    assert read_meta(again).class_names == meta.class_names


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--network", "mask-rcnn"), "Cannot be trained here yet"),
        (("--network", "u-net"), "There is no network"),
        (("--network", "unet", "--speed", "live"), "Only the latent-expert network learns while you correct"),
    ],
)
def test_what_cannot_be_is_refused_in_words(latentseg, folders, tmp_path, arguments, words):
    images, masks = folders
    tuned = tmp_path / "tuned.safetensors"
    code, _, err = latentseg("finetune", "--images", images, "--masks", masks, *arguments, "-o", tuned)
    assert code == 2
    assert words in err
    assert not tuned.exists()


def test_weights_of_one_network_are_refused_where_another_is_wanted(latentseg, folders, weights, tmp_path):
    images, masks = folders
    tuned = tmp_path / "tuned.safetensors"
    arguments = "--images", images, "--masks", masks, "--weights", weights, "-o", tuned
    code, _, err = latentseg("finetune", *arguments, "--network", "unet")
    assert code == 2
    assert "are of the network Latent experts (latent-expert), not of U-Net (unet)" in err
    assert not tuned.exists()
    code, _, err = latentseg(
        "finetune", *arguments, "--network", "latent-expert", "--seconds", 4, "--keep-worse"
    )
    assert code == 0, err
