"""Knocking out and boosting single heads: what adds up to an expert, and that nothing is encoded again."""

import numpy as np
import pytest
import torch

from model.analysis.gains import check_gains
from model.errors import ModelError
from model.prediction.predictor import Predictor
from model.zoo.tutorial import TutorialNetwork
from tests.tiny import disks, tiny_network

HEADS, EXPERTS = 2, 4


def tutorial():
    torch.manual_seed(0)
    network = TutorialNetwork(num_latents=EXPERTS, num_heads=HEADS).eval()
    with torch.no_grad():  # as it comes, its experts see nearly the same
        for part in (network.latent_attn, network.expert_seg):
            part.attention.in_proj_weight *= 8
    return network


@pytest.fixture(params=["default", "tutorial"])
def predictor(request):
    made = Predictor(tiny_network() if request.param == "default" else tutorial(), "cpu", dtype=torch.float32)
    made.set_image(disks(0)[0])
    return made


def close(one, other):
    return np.allclose(one, other, atol=1e-5)


def test_all_heads_of_an_expert_are_that_expert(predictor):
    expert = predictor.predict_overview(experts_off=[2])
    assert close(predictor.predict_overview(heads_off=[(0, 2), (1, 2)]), expert)
    assert not close(predictor.predict_overview(heads_off=[(0, 2)]), expert)
    boosted = predictor.predict_overview(expert_gains={1: 3.0})
    assert close(predictor.predict_overview(expert_gains={(0, 1): 3.0, (1, 1): 3.0}), boosted)


def test_all_heads_of_all_experts_are_all_experts(predictor):
    nobody = predictor.predict_overview(experts_off=range(EXPERTS))
    assert close(predictor.predict_overview(heads_off=range(HEADS)), nobody)
    pairs = [(head, expert) for head in range(HEADS) for expert in range(EXPERTS)]
    assert close(predictor.predict_overview(heads_off=pairs), nobody)


def test_a_head_that_is_knocked_out_everywhere_answers_nothing(predictor):
    without = predictor.predict_overview(heads_off=[0])
    assert np.isfinite(without).all()
    assert not close(without, predictor.predict_overview())
    nearly = predictor.predict_overview(expert_gains={(0, expert): 1e-3 for expert in range(EXPERTS)})
    assert close(nearly, predictor.predict_overview()), "what matters is the share within the head"


def test_what_is_said_of_a_head_counts_more_than_what_is_said_of_its_expert(predictor):
    mixed = predictor.predict_overview(expert_gains={(1, 3): 1.0, 3: 0.0})
    assert close(mixed, predictor.predict_overview(heads_off=[(0, 3)]))


def test_heads_never_run_the_encoder(predictor):
    runs = predictor.encoder_runs
    predictor.predict_classes(heads_off=[0])
    predictor.predict_classes(heads_off=[(1, 2)], experts_off=[0], expert_gains={(0, 3): 2.0})
    predictor.predict_overview(heads_off=[(0, 1)])
    assert predictor.encoder_runs == runs == 1


@pytest.mark.parametrize("network", [tiny_network(), tutorial()])
@pytest.mark.parametrize("off", [[(0, 1)], [(0, each) for each in range(EXPERTS)]])
def test_explicit_and_fused_attention_agree_with_heads_knocked_out(network, off):
    gains = torch.from_numpy(check_gains((HEADS, EXPERTS), heads_off=off))
    image = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        encoding = network.encode(image)
        fused = network.classify(encoding, expert_gains=gains)
        explicit = network.classify(encoding, expert_gains=gains, need_attention=True)
    assert (fused.logits - explicit.logits).abs().max() < 1e-5
    mix = explicit.maps.mix[0]
    for head, expert in off:
        assert not mix[head, expert].any()
    is_read = (gains > 0).any(1)
    assert torch.allclose(mix.sum(1)[is_read], torch.ones(()), atol=1e-5), "the others share the pixel"


def test_gains_without_effect_take_the_way_of_the_tutorial():
    network, image = tutorial(), torch.rand(1, 3, 40, 56)
    with torch.inference_mode():
        plain, maps = network(image, need_attention=True)
        again, others = network.read_experts(
            network.encoder(image), need_attention=True, expert_gains=torch.ones(HEADS, EXPERTS)
        )
    assert torch.allclose(plain, again, atol=1e-6)
    assert torch.allclose(maps.mix, others.mix, atol=1e-6)


def test_gains_are_a_row_where_heads_are_alike():
    assert check_gains((2, 3)) is None
    assert check_gains((2, 3), expert_gains=np.ones((2, 3))) is None
    assert check_gains((2, 3), experts_off=[1]).tolist() == [1, 0, 1]
    assert check_gains((2, 3), heads_off=[1]).tolist() == [[1, 1, 1], [0, 0, 0]]
    assert check_gains((2, 3), expert_gains=[[1, 2, 3], [4, 5, 6]]).tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"heads_off": [2]},
        {"heads_off": [(0, 3)]},
        {"heads_off": [(-1, 0)]},
        {"expert_gains": {(5, 0): 1.0}},
        {"expert_gains": {(0, 0): -1.0}},
        {"expert_gains": np.ones((3, 2))},
        {"expert_gains": [1.0]},
    ],
)
def test_impossible_heads_are_refused(wrong):
    with pytest.raises(ModelError):
        check_gains((2, 3), **wrong)
