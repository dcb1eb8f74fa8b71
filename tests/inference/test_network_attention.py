"""What networks without experts attend to, as the model's process answers it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentseg_gui.inference.engine import Engine
from latentseg_gui.inference.messages import ComputeGates, ComputeRow, EncodeImage, LoadWeights
from model.errors import ModelError
from model.weights.catalogue import fresh_network
from model.weights.checkpoint import CheckpointMeta, save
from tests.tiny import disks

SIZE = (72, 90)
"""Divisible by none of the strides, so that there is padding."""


@pytest.fixture
def engine_of(tmp_path):
    def make(name: str) -> Engine:
        torch.set_num_threads(1)
        path = tmp_path / f"{name}.safetensors"
        save(path, fresh_network(name, 2), CheckpointMeta(("background", "disk")))
        engine = Engine()
        engine.handle(LoadWeights(path, name))
        engine.handle(EncodeImage("a", disks(0, SIZE)[0]))
        return engine

    return make


@pytest.mark.parametrize("name", ["setr", "vit", "segformer", "attention-cnn"])
def test_the_row_of_a_pixel_per_layer_and_head(engine_of, name):
    engine = engine_of(name)
    answer = engine.handle(ComputeRow("a", (80.0, 12.0)))
    assert (answer.image_id, answer.version, answer.xy) == ("a", name, (80.0, 12.0))
    for group in answer.groups:
        assert len(group.titles) == len(group.maps)
        assert all(each.dtype == np.float32 and (each >= 0).all() for each in group.maps)
        assert all(each.sum() > 0 for each in group.maps)
    elsewhere = engine.handle(ComputeRow("a", (10.0, 60.0)))
    pairs = zip(answer.groups[0].maps, elsewhere.groups[0].maps, strict=True)
    assert any(not np.array_equal(one, other) for one, other in pairs), "each pixel has its own"


@pytest.mark.parametrize("name", ["setr", "attention-cnn"])
def test_what_is_kept_is_less_than_a_row_for_every_place(engine_of, name):
    engine = engine_of(name)
    engine.handle(ComputeRow("a", (5.0, 5.0)))
    _, layers = engine._attention._kept
    for layer in layers:
        places = layer.queries.shape[1]
        per_place = layer.queries.shape[0] * layer.queries.shape[2]
        assert layer.queries.numel() == places * per_place, "[heads, N, d]"
        assert layer.queries.untyped_storage().nbytes() <= 4 * 8 * places * per_place


def test_rollout_comes_where_it_is_asked_for(engine_of):
    engine = engine_of("setr")
    plain, followed = (engine.handle(ComputeRow("a", (5.0, 5.0), each)) for each in (False, True))
    assert len(followed.groups) == len(plain.groups) + 1
    assert followed.groups[-1].titles == ("rollout",)


def test_gates_of_an_attention_unet_at_four_strides(engine_of):
    answer = engine_of("attention-unet").handle(ComputeGates("a"))
    (group,) = answer.groups
    assert answer.xy is None
    assert len(group.maps) == 4
    assert all(0 <= each.min() <= each.max() <= 1 for each in group.maps)
    assert group.maps[0].shape != group.maps[3].shape


def test_other_weights_do_not_answer_with_what_was_kept(engine_of, tmp_path):
    engine = engine_of("setr")
    before = engine.handle(ComputeRow("a", (5.0, 5.0)))
    path = tmp_path / "vit.safetensors"
    save(path, fresh_network("vit", 2), CheckpointMeta(("background", "disk")))
    engine.handle(LoadWeights(path, "setr"))  # the same name
    after = engine.handle(ComputeRow("a", (5.0, 5.0)))
    assert not np.array_equal(before.groups[0].maps[0], after.groups[0].maps[0])


def test_what_a_network_does_not_have_is_said(engine_of):
    engine = engine_of("unet")
    with pytest.raises(ModelError, match="no attention gates"):
        engine.handle(ComputeGates("a"))
    with pytest.raises(ModelError, match="no attention between places"):
        engine.handle(ComputeRow("a", (5.0, 5.0)))
