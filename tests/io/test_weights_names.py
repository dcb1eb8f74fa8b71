"""Names of experts are changed in a file of weights, and nothing else is."""

from __future__ import annotations

import struct

import pytest
import torch

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.inference.experts.attention import notes_in
from latentseg_gui.io.training.weights_names import with_expert_names
from model.weights.checkpoint import CheckpointMeta, load, save
from tests.tiny import tiny_network


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "weights.safetensors"
    meta = CheckpointMeta(("background", "disk"), expert_names={1: "old"}, provenance={"data": "disks"})
    save(path, tiny_network(), meta)
    return path


def test_names_and_notes_come_back_and_the_tensors_are_the_same(weights, tmp_path):
    other = tmp_path / "named.safetensors"
    other.write_bytes(with_expert_names(weights.read_bytes(), {0: "sky", 3: "Wörter"}, {3: 'a "note"\n'}))
    before, old = load(weights)
    after, new = load(other)
    assert new.expert_names == {0: "sky", 3: "Wörter"}
    assert notes_in(new.provenance) == {3: 'a "note"\n'}
    assert (new.class_names, new.provenance["data"]) == (old.class_names, "disks")
    assert (new.architecture, new.config) == (old.architecture, old.config)
    for name, tensor in before.state_dict().items():
        assert torch.equal(tensor, after.state_dict()[name])


def test_no_names_take_away_those_there_were(weights, tmp_path):
    other = tmp_path / "bare.safetensors"
    named = with_expert_names(weights.read_bytes(), {0: "sky"}, {0: "blue"})
    other.write_bytes(with_expert_names(named, {}, {0: ""}))
    meta = load(other)[1]
    assert meta.expert_names == {}
    assert notes_in(meta.provenance) == {}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234",
        struct.pack("<Q", 1 << 40) + b"{}",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 2) + b"{x",
        struct.pack("<Q", 19) + b'{"__metadata__": {}}'[:19],
        struct.pack("<Q", 37) + b'{"__metadata__":{"latentseg":"[1,2]"}}'[:37],
    ],
)
def test_what_is_no_file_of_weights_is_refused(data):
    with pytest.raises(LatentsegError, match="could not be written"):
        with_expert_names(data, {0: "sky"}, {})
