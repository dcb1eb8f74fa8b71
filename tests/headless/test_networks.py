"""Another network from the command line: listed, trained, used, and refused where it cannot be."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from model.weights import catalogue
from model.weights.checkpoint import CheckpointMeta, load, read_meta, save
from model.zoo.objects import network_of
from model.zoo.presets import DENSE_KINDS
from tests.model.zoo.tiny_networks import TINY


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    """Every network in a size that learns in a second."""
    built = catalogue._built

    def small(name, num_classes):
        kind = next((kind for kind in DENSE_KINDS if kind.name == name), None)
        return built(name, num_classes) if kind is None else network_of(kind, num_classes, TINY[name])

    monkeypatch.setattr(catalogue, "_built", small)


def test_networks_are_listed_with_what_they_are_good_for(latentseg, monkeypatch):
    monkeypatch.undo()
    code, out, _ = latentseg("networks")
    assert code == 0
    for name in ("latent-expert", "tutorial", "unet", "attention-unet", "mask-rcnn", "panoptic-fpn"):
        assert name in out
    assert "comes with weights" in out
    assert "begins with the shipped encoder" in out
    code, out, _ = latentseg("networks", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert rows["tutorial"]["parameters"] == 70_466
    assert rows["latent-expert"]["pretrained"]
    assert rows["mask-rcnn"] | {"encoder": "pretrained", "trainable": True} == rows["mask-rcnn"]
    assert rows["unet"]["encoder"] == "scratch"
    assert rows["attention-unet"]["shows"] == ["gates"]
    assert rows["unet"]["shows"] == []


def test_a_network_is_trained_from_nothing_and_goes_on_from_what_it_learned(latentseg, folders, tmp_path):
    images, masks = folders
    name = "unet"  # `test_every_network` predicts with all of them
    tuned = tmp_path / "tuned.safetensors"
    pairs = "--images", images, "--masks", masks
    code, out, err = latentseg(
        "finetune", *pairs, "--network", name, "--seconds", 1, "--keep-worse", "-o", tuned
    )
    assert code == 0, err
    assert "held-out mean IoU" in out
    meta = read_meta(tuned)
    assert meta.architecture == name
    (told,) = meta.provenance["fine_tuning"]
    assert told["started_from"] == f"fresh weights of {name}"
    again = tmp_path / "again.safetensors"
    code, out, err = latentseg(
        "finetune", *pairs, "--weights", tuned, "--seconds", 1, "--keep-worse", "-o", again
    )
    assert code == 0, err
    assert len(load(again)[1].provenance["fine_tuning"]) == 2
    assert read_meta(again).class_names == meta.class_names


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--network", "setr", "--encoder", "pretrained"), "SETR cannot be built on the encoder"),
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
        "finetune", *arguments, "--network", "latent-expert", "--seconds", 2, "--keep-worse"
    )
    assert code == 0, err


def weights_of(name, path, num_classes=2):
    """A file of fresh weights."""
    save(path, catalogue.fresh_network(name, num_classes), CheckpointMeta(("background", "thing")))
    return path


@pytest.mark.parametrize(
    ("name", "files", "keys"),
    [
        ("attention-unet", {"gates.png", "gates.npz"}, {"stride_1", "stride_2", "stride_4", "stride_8"}),
        ("setr", {"rows_layer_1.png", "rollout.png", "rows.npz"}, {"layer_1", "rollout", "at"}),
        ("vit", {"rows_layer_1.png", "rollout.png", "rows.npz"}, {"layer_1", "rollout", "at"}),
        ("segformer", {"rows_stage_1_block_1.png", "rows.npz"}, {"stage_1_block_1", "stage_4_block_1", "at"}),
        ("attention-cnn", {"rows_attention.png", "rollout.png", "rows.npz"}, {"attention", "rollout", "at"}),
    ],
)
def test_what_a_network_attends_to_is_written(latentseg, folders, tmp_path, name, files, keys):
    weights, out = weights_of(name, tmp_path / "net.safetensors"), tmp_path / "out"
    image = folders[0] / "scene 0.png"
    code, said, err = latentseg("inspect", image, "-o", out, "--weights", weights, "--at", "50,10")
    assert code == 0, err
    assert "has no experts" in said
    written = {path.name for path in (out / "scene 0").iterdir()}
    assert files <= written
    (table,) = (path for path in (out / "scene 0").iterdir() if path.suffix == ".npz")
    with np.load(table) as arrays:
        assert keys <= set(arrays.files)
        if "at" in keys:
            assert arrays["at"].tolist() == [50, 10]
            for key in set(arrays.files) - {"at"}:
                assert arrays[key].sum((-2, -1)) == pytest.approx(1, abs=1e-4)
        else:
            assert all(0 <= arrays[key].min() <= arrays[key].max() <= 1 for key in arrays.files)
    code, _, err = latentseg("inspect", image, "-o", tmp_path / "far", "--weights", weights, "--at", "500,10")
    assert (code == 1 and "outside the image" in err) or name == "attention-unet"


def test_a_network_with_nothing_to_show_says_so(latentseg, folders, tmp_path):
    weights = weights_of("fcn", tmp_path / "net.safetensors")
    code, _, err = latentseg("inspect", folders[0], "-o", tmp_path / "out", "--weights", weights)
    assert code == 2
    assert "FCN has nothing to look into" in err
    assert not (tmp_path / "out").exists()


def test_networks_are_compared_on_the_same_pixels_and_their_weights_kept(latentseg, folders, tmp_path):
    images, masks = folders
    table, kept = tmp_path / "table.csv", tmp_path / "kept"
    pairs = "--images", images, "--masks", masks
    arguments = "--networks", "unet,tutorial,attention-cnn", "--seconds", 1, "-o", table, "--save", kept
    code, out, err = latentseg("compare", *pairs, *arguments)
    assert code == 0, err
    with table.open() as file:
        rows = {row["network"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["unet", "tutorial", "attention-cnn"]
    for name, row in rows.items():
        assert 0 <= float(row["mean_iou"]) <= 1
        assert int(row["steps"]) > 0
        assert float(row["seconds"]) > 0.7
        assert name in out
        network, meta = load(kept / f"{name}.safetensors")
        assert int(row["parameters"]) == catalogue.count_parameters(network)
        assert "did not learn from" in meta.provenance["fine_tuning"][0]["validated_on"]
    assert "held-out pixels of 3 images, from which no network has learned" in out
    code, _, err = latentseg("compare", *pairs, "--networks", "setr", "--encoder", "pretrained")
    assert code == 2
    assert "cannot be built on the encoder" in err
    code, _, err = latentseg("compare", *pairs, *arguments, "--seconds", 0)
    assert "more than 0" in err


def test_what_is_no_place_or_no_size_for_an_onnx_file_is_refused(latentseg, tmp_path):
    """That the file answers as the network does, `test_every_network` shows."""
    weights = weights_of("unet", tmp_path / "net.safetensors")
    code, _, err = latentseg("onnx", "--weights", weights, "-o", tmp_path / "net.txt")
    assert code == 2
    assert "does not end in .onnx" in err
    code, _, err = latentseg("onnx", "--weights", weights, "-o", tmp_path / "n.onnx", "--size", "big")
    assert code == 2
    assert "is not a size" in err
