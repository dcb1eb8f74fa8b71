"""A network that was exported answers the same in another runtime, and says what it takes."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import torch

from model.errors import ModelError
from model.weights.checkpoint import CheckpointMeta
from model.weights.onnx_export import export_onnx
from model.zoo.dense import DenseNetwork
from model.zoo.objects import network_of
from model.zoo.presets import DENSE_KINDS
from model.zoo.tutorial import TutorialNetwork
from tests.model.zoo.tiny_networks import TINY

onnxruntime = pytest.importorskip("onnxruntime")

SOME = {"fcn8s", "attention-unet", "segformer", "vit"}
"""One of each family; exporting takes seconds. The others are the same operations."""


def networks():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = {k.name: DenseNetwork(k, 3, TINY[k.name]) for k in DENSE_KINDS if k.name in SOME}
        return {**made, "tutorial": TutorialNetwork(num_classes=3)}


@pytest.mark.parametrize("name", [*sorted(SOME), "tutorial"])
def test_another_runtime_answers_the_same(name, tmp_path):
    network = networks()[name].eval()
    meta = CheckpointMeta(class_names=("ground", "leaf", "“stem”"))
    export_onnx(network, tmp_path / "net.onnx", meta, size=(130, 150))
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    image = torch.rand(1, 3, 130, 150, generator=torch.Generator().manual_seed(0))
    (theirs,) = session.run(["logits"], {"image": image.numpy()})
    with torch.no_grad():
        ours = network.classify(network.encode(image)).logits.numpy()
    assert np.abs(theirs - ours).max() < 1e-4
    said = session.get_modelmeta().custom_metadata_map
    assert json.loads(said["class_names"]) == ["ground", "leaf", "“stem”"]
    assert said["architecture"] == name
    assert "0..1" in said["input"]
    text = (tmp_path / "net.rdf.yaml").read_text(encoding="utf-8")
    assert 'source: "net.onnx"' in text
    assert "opset_version: 18" in text


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
