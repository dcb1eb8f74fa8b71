"""Every network that can be named goes through every subcommand: learn, predict, measure, look into, export."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from model.networks.protocols import EXPERTS, GATES, ROWS
from model.prediction import predictor
from model.weights import catalogue
from model.weights.checkpoint import load, read_meta
from model.zoo.objects import network_of
from model.zoo.presets import DENSE_KINDS
from tests.model.zoo.tiny_networks import TINY

NAMES = (
    "latent-expert",
    "tutorial",
    "fcn",
    "fcn8s",
    "unet",
    "attention-unet",
    "deeplabv3plus",
    "setr",
    "segformer",
    "vit",
    "attention-cnn",
    "mask-rcnn",
    "panoptic-fpn",
)

ODD = {"a dot": (1, 1), "a line": (1, 67), "odd": (37, 51)}


@pytest.fixture(autouse=True)
def _tiny(monkeypatch, weights):
    """Every network in a size that learns in a second, and pictures of the tests are large enough for tiles."""
    built = catalogue._built

    def small(name, num_classes):
        kind = next((kind for kind in DENSE_KINDS if kind.name == name), None)
        return built(name, num_classes) if kind is None else network_of(kind, num_classes, TINY[name])

    monkeypatch.setattr(catalogue, "_built", small)
    monkeypatch.setattr(catalogue, "default_weights_path", lambda: weights)
    monkeypatch.setitem(predictor.MAX_PIXELS, "cpu", 40 * 40)


def test_these_are_all_that_are_listed(latentseg):
    _, out, _ = latentseg("networks", "--json")
    assert {row["name"] for row in json.loads(out)} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_predicts_is_measured_looked_into_exported_and_not_mistaken_for_another(
    latentseg, folders, tmp_path, name
):
    images, masks = folders
    offer, tuned = catalogue.offer_named(name), tmp_path / "tuned.safetensors"
    pairs = "--images", images, "--masks", masks
    code, _, err = latentseg(
        "finetune", *pairs, "--network", name, "--seconds", 1, "--keep-worse", "-o", tuned
    )
    assert code == 0, err
    assert read_meta(tuned).architecture.removesuffix("-detail") == name
    _predicted(latentseg, images, tuned, tmp_path)
    figures = tmp_path / "figures.json"
    code, _, err = latentseg("evaluate", *pairs, "--weights", tuned, "--json", figures)
    assert code == 0, err
    assert json.loads(figures.read_text())["labelled_pixels"] == 3 * 48 * 64
    _looked_into(latentseg, images, tuned, tmp_path / "maps", offer)
    _refused(latentseg, pairs, tuned, tmp_path / "other.safetensors", offer)
    _exported(latentseg, tuned, tmp_path / "net.onnx", name)


def _predicted(latentseg, images, tuned, folder):
    """In tiles, averaged, refined, as probabilities; pictures of one pixel and of odd sides, too."""
    for stem, shape in ODD.items():
        Image.new("RGB", shape[::-1], "grey").save(images / f"{stem}.png")
    better = "--flip", "--scales", "0.75,1", "--crf"
    for number, more in enumerate(((), better, ("--format", "probabilities-npz"))):
        out = folder / f"out{number}"
        code, _, err = latentseg("predict", images, "-o", out, "--weights", tuned, *more)
        assert code == 0, err
        assert len([each for each in out.iterdir() if each.suffix in {".png", ".npz"}]) == 6
    for stem, shape in ODD.items():
        with Image.open(folder / "out0" / f"{stem}.png") as mask:
            assert mask.size == shape[::-1]
            assert np.asarray(mask).max() < 2
        (images / f"{stem}.png").unlink()


def _looked_into(latentseg, images, tuned, folder, offer):
    """There are maps, or a sentence says that there are none."""
    code, _, err = latentseg("inspect", images, "-o", folder, "--weights", tuned)
    if offer.capabilities & {EXPERTS, GATES, ROWS}:
        assert code == 0, err
        assert len(list(folder.glob("*/*.png"))) >= 3
    else:
        assert code == 2
        assert offer.title in err
        assert "has nothing to look into" in err


def _refused(latentseg, pairs, tuned, target, offer):
    other = "unet" if offer.name != "unet" else "fcn"
    code, _, err = latentseg("finetune", *pairs, "--weights", tuned, "--network", other, "-o", target)
    assert code == 2
    assert f"are of the network {offer.title}" in err
    assert f"({other})" in err
    assert not target.exists()


def _exported(latentseg, tuned, target, name):
    """As an ONNX file that answers the same, or it is said why not."""
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    code, out, err = latentseg("onnx", "--weights", tuned, "-o", target, "--size", "70x90")
    if name == "mask-rcnn":
        assert code == 2
        assert "how many objects there are decides what is computed" in err
        return
    assert code == 0, err
    assert "net.rdf.yaml" in out
    session = runtime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).random((1, 3, 70, 90), np.float32)
    (theirs,) = session.run(["logits"], {"image": pixels})
    network, _ = load(tuned)
    network.eval()
    with torch.no_grad():
        ours = network.classify(network.encode(torch.from_numpy(pixels))).logits.numpy()
    assert np.abs(theirs - ours).max() < 1e-4 * max(1.0, np.abs(ours).max())
