"""A network that was exported answers the same in another runtime, and says what it takes."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import torch

from model.errors import ModelError
from model.weights.checkpoint import CheckpointMeta, default_weights_path, load
from model.weights.onnx_export import export_onnx
from model.zoo.objects import network_of
from model.zoo.presets import DENSE_KINDS
from model.zoo.tutorial import TutorialNetwork
from tests.model.zoo.tiny_networks import TINY

onnxruntime = pytest.importorskip("onnxruntime")


ON_ENCODER = {"unet": {"features": (4, 6, 8, 10, 12)}, "deeplabv3plus": {}, "panoptic-fpn": {}}
"""Further sizes of networks that can be built on the pretrained encoder."""


def made(name):
    """The network of a kind, named perhaps with " on lite0"."""
    kind_name, _, encoder = name.partition(" on ")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        (kind,) = (kind for kind in DENSE_KINDS if kind.name == kind_name)
        sizes = TINY[kind_name] | ({"encoder": encoder, **ON_ENCODER[kind_name]} if encoder else {})
        return network_of(kind, 3, sizes)


@pytest.mark.parametrize("name", ["segformer", *(f"{each} on lite0" for each in ON_ENCODER)])
def test_another_runtime_answers_the_same(name, tmp_path):
    """So does it for all others: `headless/test_every_network.py`; exporting takes seconds."""
    network = made(name).eval()
    meta = CheckpointMeta(class_names=("ground", "leaf", "“stem”"))
    export_onnx(network, tmp_path / "net.onnx", meta, size=(130, 150))
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    image = torch.rand(1, 3, 130, 150, generator=torch.Generator().manual_seed(0))
    (theirs,) = session.run(["logits"], {"image": image.numpy()})
    with torch.no_grad():
        ours = network.classify(network.encode(image)).logits.numpy()
    assert np.abs(theirs - ours).max() < 1e-4 * max(1.0, np.abs(ours).max())
    said = session.get_modelmeta().custom_metadata_map
    assert json.loads(said["class_names"]) == ["ground", "leaf", "“stem”"]
    assert said["architecture"] == name.partition(" on ")[0]
    assert "0..1" in said["input"]
    text = (tmp_path / "net.rdf.yaml").read_text(encoding="utf-8")
    assert 'source: "net.onnx"' in text
    assert "opset_version: 18" in text


@pytest.mark.parametrize("size", [(64, 96), (70, 90)])
def test_the_default_network_answers_the_same_whether_or_not_its_strides_divide_the_size(size, tmp_path):
    """Where they do, borders are put round weights instead of maps."""
    network, _ = load(default_weights_path())
    export_onnx(network.eval(), tmp_path / "net.onnx", size=size)
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    (theirs,) = session.run(["logits"], {"image": image.numpy()})
    with torch.no_grad():
        ours = network.classify(network.encode(image)).logits.numpy()
    assert np.abs(theirs - ours).max() < 1e-4 * max(1.0, np.abs(ours).max())


def test_a_network_of_objects_says_that_it_cannot_go(tmp_path):
    kinds = {kind.name: kind for kind in DENSE_KINDS}
    with pytest.raises(ModelError, match="cannot be exported to ONNX") as error:
        export_onnx(network_of(kinds["mask-rcnn"], 2, TINY["mask-rcnn"]), tmp_path / "net.onnx")
    assert "Panoptic FPN" in error.value.action
    assert not list(tmp_path.iterdir())


def test_panoptic_fpn_goes_without_its_objects(tmp_path):
    (kind,) = (kind for kind in DENSE_KINDS if kind.name == "panoptic-fpn")
    network = network_of(kind, 3, TINY["panoptic-fpn"]).telling_apart(frozenset({1, 2})).eval()
    export_onnx(network, tmp_path / "net.onnx", size=(64, 96))
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    image = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    (theirs,) = session.run(["logits"], {"image": image.numpy()})
    with torch.no_grad():
        ours = network.classify(network.encode(image)).logits.numpy()
    assert np.abs(theirs - ours).max() < 1e-4


def test_without_the_packages_the_way_to_them_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ModelError, match="onnxscript") as error:
        export_onnx(TutorialNetwork(), tmp_path / "net.onnx")
    assert "latentseg[onnx]" in error.value.action


@pytest.mark.parametrize("size", [(0, 5), (5, 100_000)])
def test_sizes_that_make_no_sense_are_refused(size, tmp_path):
    with pytest.raises(ModelError, match="cannot be exported"):
        export_onnx(TutorialNetwork(), tmp_path / "net.onnx", size=size)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_refuses_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError, match="could not be written"):
        export_onnx(TutorialNetwork(), tmp_path / "file" / "net.onnx", size=(32, 32))
