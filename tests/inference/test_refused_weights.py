"""M-01 to M-04: weights that are refused leave those in use as they were, bit for bit, and say what does not fit."""

from __future__ import annotations

import json
import pickle
import struct
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from latentseg_gui.inference.engine import Engine
from latentseg_gui.inference.messages import EncodeImage, LoadWeights, PredictClasses
from model.errors import WeightsError
from model.weights.checkpoint import CheckpointMeta, save
from model.zoo.tutorial import TutorialNetwork
from tests.tiny import TINY, disks, tiny_network


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "new.safetensors"
    save(path, tiny_network(1), CheckpointMeta(("background", "disk")))
    return path


@pytest.fixture
def engine(tmp_path):
    torch.set_num_threads(1)
    live = tmp_path / "live.safetensors"
    save(live, tiny_network(0), CheckpointMeta(("background", "disk")))
    engine = Engine()
    engine.handle(LoadWeights(live, "v1", "cpu"))
    engine.handle(EncodeImage("a", disks(0)[0]))
    return engine


def rewritten(path, change=lambda tensors: None, **fields):
    """The file with other tensors, or another description of itself."""
    tensors = load_file(path)
    with safe_open(path, "pt") as file:
        table = json.loads(file.metadata()["latentseg"]) | fields
    change(tensors)
    save_file(tensors, path, {"latentseg": json.dumps(table)})


def lose_two(tensors):
    del tensors["experts"], tensors["embed.bias"]


def other_classes(tensors):
    tensors["class_head.pixels.weight"] = torch.zeros(28, 8, 3, 3)
    tensors["class_head.pixels.bias"] = torch.zeros(28)


def poison(tensors):
    tensors["click.coarse.weight"][0, 3] = float("nan")
    tensors["experts"][1, 1] = float("inf")


DIFFERENT = {
    "missing tensors": (
        lambda path: rewritten(path, lose_two),
        ["embed.bias: missing", "experts: missing"],
    ),
    "other shapes": (
        lambda path: rewritten(path, lambda t: t.update(experts=torch.zeros(9, 16))),
        ["experts: shape [9, 16] instead of [4, 16]"],
    ),
    "other number of classes": (
        lambda path: rewritten(path, other_classes),
        [
            "class_head.pixels.bias: shape [28] instead of [8]",
            "class_head.pixels.weight: shape [28, 8, 3, 3] instead of [8, 8, 3, 3]",
        ],
    ),
    "not numbers": (
        lambda path: rewritten(path, poison),
        ["click.coarse.weight: holds NaN or infinity", "experts: holds NaN or infinity"],
    ),
}


def live_state(engine):
    """Every tensor that answers: those handed in, and the private copies that run."""
    predictor = engine._weights.predictor
    return {
        f"{kind} {name}": tensor.clone()
        for kind, network in (("own", predictor.network), ("running", predictor._runner.network))
        for name, tensor in network.state_dict().items()
    }


def refused(engine, path):
    """The error for ``path``; checks that nothing in use has changed by a bit."""
    before, answer = live_state(engine), engine.handle(PredictClasses("a"))
    with pytest.raises(WeightsError) as caught:
        engine.handle(LoadWeights(path, "v2", "cpu"))
    after, again = live_state(engine), engine.handle(PredictClasses("a"))
    assert list(before) == list(after)
    for name, tensor in before.items():
        assert torch.equal(tensor, after[name]), name
    assert again.version == "v1"
    assert np.array_equal(answer.labels, again.labels)
    assert np.array_equal(answer.confidence, again.confidence)
    assert path.name in caught.value.what
    assert caught.value.action
    return caught.value


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_does_not_fit_is_listed_and_nothing_in_use_changes(engine, path, name):
    spoil, expected = DIFFERENT[name]
    spoil(path)
    error = refused(engine, path)
    assert sorted(error.differences) == expected
    assert sorted(error.detail.splitlines()) == expected, "the list is in what the log and the dialog show"


@pytest.mark.parametrize("claimed", ["tutorial", "latent-expert"])
def test_weights_of_another_architecture_are_listed_tensor_by_tensor(engine, path, claimed):
    """The file says it is one network and holds the other."""
    if claimed == "tutorial":
        rewritten(path, architecture="tutorial", config={})
        missing, foreign = TutorialNetwork(), tiny_network()
    else:
        save(path, TutorialNetwork())
        rewritten(path, architecture="latent-expert", config=asdict(TINY))
        missing, foreign = tiny_network(), TutorialNetwork()
    lines = set(refused(engine, path).differences)
    assert {f"{name}: missing" for name in missing.state_dict()} <= lines
    assert {f"{name}: unknown to the network" for name in foreign.state_dict()} <= lines


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.999999])
def test_a_file_that_was_cut_changes_nothing(engine, path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refused(engine, path)


def test_hostile_files_change_nothing_and_are_never_run(engine, path, tmp_path):
    honest, marker = path.read_bytes(), tmp_path / "marker"
    length = int.from_bytes(honest[:8], "little")
    for content in (
        pickle.dumps(Trap(marker), 2),
        struct.pack("<Q", 1 << 63) + honest[8:],
        struct.pack("<Q", length)
        + honest[8 : 8 + length].replace(b'"F32"', b'"F64"', 1)
        + honest[8 + length :],
        honest + b"trailing",
        b"<html>404</html>",
    ):
        path.write_bytes(content)
        refused(engine, path)
    assert not marker.exists()
