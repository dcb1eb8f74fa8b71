"""What crosses to the window is small, still sums to one, and agrees with the model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentseg_gui.document.prediction.proposals import PromptPoint, PromptSet
from latentseg_gui.inference.engine import Engine
from latentseg_gui.inference.experts.attention import MAX_MAP_VALUES, bounded, notes_in, similarity_of
from latentseg_gui.inference.messages import (
    ComputeAttention,
    ComputePromptAttention,
    EncodeImage,
    LoadWeights,
)
from model.prediction.outputs import Attention
from model.weights.checkpoint import CheckpointMeta, save
from model.zoo.tutorial import TutorialNetwork
from tests.tiny import disks, tiny_network


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def engine_with(network, tmp_path, pixels=None):
    path = tmp_path / "weights.safetensors"
    save(path, network, CheckpointMeta(provenance={"expert_notes": {"1": "bright", "x": "no", "2": 3}}))
    engine = Engine()
    info = engine.handle(LoadWeights(path, "v1", "cpu"))
    assert info.expert_notes == {1: "bright"}
    engine.handle(EncodeImage("a", disks(0)[0] if pixels is None else pixels))
    return engine


def random_attention(heads, count, rows, cols):
    rng = np.random.default_rng(0)
    look, mix = (rng.random((heads, count, rows, cols), dtype=np.float32) for _ in range(2))
    look /= look.sum((2, 3), keepdims=True)
    mix /= mix.sum(1, keepdims=True)
    return Attention(look, mix, (rows * 4, cols * 4), 4.0)


@pytest.mark.parametrize(("rows", "cols", "limit"), [(7, 9, 100), (8, 8, 64), (1, 33, 40), (5, 5, 10_000)])
def test_fewer_tokens_still_sum_to_one_and_cover_the_image(rows, cols, limit):
    maps = random_attention(2, 3, rows, cols)
    small = bounded(maps, limit)
    assert small.mix.size <= limit
    assert small.look.sum((2, 3)) == pytest.approx(1.0, abs=1e-4)
    assert small.mix.sum(1) == pytest.approx(1.0, abs=1e-4)
    assert small.mix.shape[2] * small.stride >= maps.shape[0]
    assert small.mix.shape[3] * small.stride >= maps.shape[1]
    assert small.look.max() >= maps.look.max()


def test_maps_of_an_image_of_24_megapixels_are_bounded():
    # 2.1 megapixels is the size at which such an image is encoded: 131 000 tokens.
    maps = bounded(random_attention(4, 16, 443, 296))
    assert maps.mix.size <= MAX_MAP_VALUES
    assert maps.mix.nbytes + maps.look.nbytes <= 32 << 20
    assert maps.look.sum((2, 3)) == pytest.approx(1.0, abs=1e-3)


def test_the_maps_of_the_model_come_with_what_they_say_of_the_experts(tmp_path):
    engine = engine_with(tiny_network(), tmp_path)
    runs = engine.encoder_runs
    maps = engine.handle(ComputeAttention("a"))
    assert engine.encoder_runs == runs
    assert maps.look.sum((2, 3)) == pytest.approx(1.0, abs=1e-5)
    assert maps.mix.sum(1) == pytest.approx(1.0, abs=1e-5)
    similarity = maps.similarity
    assert similarity is not None
    assert sorted(similarity.order) == [0, 1, 2, 3]
    for matrix in (similarity.cosine, similarity.overlap):
        assert np.allclose(matrix, matrix.T, atol=1e-6)
        assert np.allclose(np.diag(matrix), 1, atol=1e-5)


def test_idle_and_doubled_experts_are_named():
    mix = np.full((4, 4, 4), 0.33, np.float32)
    mix[3] = 0.01
    mix[2, :2], mix[:2, :2] = 0.9, 0.045
    vectors = np.array([[1, 0], [1, 0.01], [0, 1], [-1, 0]], np.float32)
    found = similarity_of(mix, vectors)
    assert found.idle == (3,)
    assert found.twins == ((0, 1),)
    assert abs(found.order.index(0) - found.order.index(1)) == 1


def test_clicks_have_a_map_each_and_the_learned_experts_one(tmp_path):
    engine = engine_with(tiny_network(), tmp_path)
    runs = engine.encoder_runs
    prompts = PromptSet(
        (PromptPoint((30.5, 40.5), True), PromptPoint((70.5, 50.5), False)), (5.0, 5.0, 60.0, 60.0)
    )
    maps = engine.handle(ComputePromptAttention("a", prompts))
    assert engine.encoder_runs == runs
    assert maps.prompts == prompts
    assert maps.look.shape == maps.mix.shape == (2, 2 + 2 + 1, 16, 20)
    assert maps.look.sum((2, 3)) == pytest.approx(1.0, abs=1e-5)
    assert maps.mix.sum(1) == pytest.approx(1.0, abs=1e-5)


def test_the_tutorial_architecture_shows_its_experts_and_clicks_are_of_the_shipped_network(tmp_path):
    torch.manual_seed(0)
    engine = engine_with(TutorialNetwork(num_latents=6, num_heads=2), tmp_path)
    maps = engine.handle(ComputeAttention("a"))
    assert maps.mix.shape[:2] == (2, 6)
    assert maps.similarity is not None
    clicked = engine.handle(ComputePromptAttention("a", PromptSet((PromptPoint((3.0, 3.0), True),))))
    assert clicked.mix.shape != maps.mix.shape
    assert np.isfinite(clicked.mix).all()


@pytest.mark.parametrize("network", [tiny_network(), TutorialNetwork(num_latents=6, num_heads=2).eval()])
def test_explicit_and_fused_attention_agree(network):
    image = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        encoding = network.encode(image)
        fused = network.classify(encoding).logits
        explicit = network.classify(encoding, need_attention=True).logits
    assert (fused - explicit).abs().max() < 1e-5


def test_notes_travel_in_the_provenance_and_nonsense_is_left_out(tmp_path):
    engine_with(tiny_network(), tmp_path)
    assert notes_in({"expert_notes": ["no"]}) == notes_in({}) == notes_in(None) == {}
