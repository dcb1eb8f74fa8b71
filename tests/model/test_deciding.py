"""Experts that decide: without them there is no answer, and each can be taken away."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from model.errors import WeightsError
from model.networks.deciding import TOKENS_AT_ONCE, ExpertClassifiers, balance_loss, similarity_loss
from model.networks.detail_head import Levels
from model.networks.detail_network import DetailNetwork
from model.networks.network import PromptTensors, build_latent_expert
from model.prediction.kinship import encode_alike
from model.prediction.predictor import Predictor
from model.weights import checkpoint
from tests.model.small_predictors import DECIDING


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build_latent_expert(DECIDING).eval()


@pytest.fixture(scope="module")
def image():
    return torch.rand(1, 3, 70, 90, generator=torch.Generator().manual_seed(1))


def test_maps_have_the_shapes_and_sums_that_are_promised(network, image):
    with torch.inference_mode():
        output = network.classify(network.encode(image), need_attention=True)
    assert output.logits.shape == (1, 3, 70, 90)
    assert output.maps.look.shape == output.maps.mix.shape == (1, 2, 5, 24, 24)
    assert torch.allclose(output.maps.mix.sum(2), torch.ones(1, 2, 24, 24), atol=1e-5)
    assert torch.allclose(output.maps.look.sum((3, 4)), torch.ones(1, 2, 5), atol=1e-4)


def test_experts_compete_for_what_they_look_at(network, image):
    """Where one looks more than on average, the others together look less."""
    with torch.inference_mode():
        look = network.classify(network.encode(image), need_attention=True).maps.look.mean(1)[0].flatten(1)
    alike = torch.corrcoef(look)
    assert float((alike.sum() - 5) / 20) < 0.1


def test_all_experts_off_leaves_no_answer_whatever_is_in_the_picture(network):
    """What is left is the light of single pixels: two pictures of one brightness are told apart no more."""
    with torch.inference_mode():
        answers = [
            network.read_experts(encoding.tokens, encoding.experts, expert_gains=torch.zeros(5))[0]
            for encoding in (network.encode(torch.rand(1, 3, 64, 64)) for _ in range(2))
        ]
    assert all(not bool(answer.any()) for answer in answers)


def test_without_an_expert_nobody_answers_in_its_place_and_its_territory_changes_most(network, image):
    gains = torch.ones(5)
    with torch.inference_mode():
        encoding = network.encode(image)
        before = network.classify(encoding, need_attention=True)
        largest = int(before.maps.mix.mean((1, 3, 4)).argmax())
        gains[largest] = 0
        after = network.classify(encoding, expert_gains=gains, need_attention=True)
        tokens = encoding.tokens, encoding.experts
        moved = network.read_experts(*tokens, expert_gains=gains)[0] - network.read_experts(*tokens)[0]
    assert float(after.maps.mix[:, :, largest].max()) == 0
    assert torch.all(after.maps.mix.sum(2) <= 1 - 0.9 * before.maps.mix[:, :, largest])
    size = moved.abs().sum(1)[0]
    own = before.maps.mix.mean(1)[0].argmax(0) == largest
    assert float(size[own].mean()) > float(size[~own].mean())


def test_what_an_expert_gains_is_taken_from_the_others(network, image):
    gains = torch.ones(5)
    gains[2] = 4
    with torch.inference_mode():
        encoding = network.encode(image)
        tokens = encoding.tokens, encoding.experts
        before, louder, alike = (
            network.ask(*tokens, each)[1] for each in (None, gains, torch.full((5,), 2.0))
        )
    assert float(louder[..., 2].mean()) > float(before[..., 2].mean())
    assert torch.allclose(louder.sum(-1), torch.ones(1, 24 * 24), atol=1e-5)
    assert torch.allclose(alike, before, atol=1e-5)


def test_half_of_the_heads_of_an_expert_is_half_of_its_say(network, image):
    gains = torch.ones(2, 5)
    gains[0, 2] = 0
    with torch.inference_mode():
        encoding = network.encode(image)
        _, before = network.ask(encoding.tokens, encoding.experts, torch.ones(5))
        _, after = network.ask(encoding.tokens, encoding.experts, gains)
    assert 0 < float(after[..., 2].mean()) < float(before[..., 2].mean())


def test_many_tokens_are_classified_in_parts_with_the_same_answer():
    torch.manual_seed(0)
    classifiers = ExpertClassifiers(num_experts=3, dim=8, evidence_dim=4, level_dims=()).eval()
    tokens, experts = torch.randn(1, 8, 150, 130), torch.randn(1, 3, 8)
    mix = torch.randn(1, 150 * 130, 3).softmax(-1)
    assert mix.shape[1] > TOKENS_AT_ONCE
    whole = classifiers(tokens, experts, mix)
    with torch.inference_mode():
        assert torch.allclose(classifiers(tokens, experts, mix), whole, atol=1e-5)


def test_clicks_read_the_territories(network, image):
    with torch.inference_mode():
        encoding = network.encode(image)
        assert encoding.territory.shape == (1, 5, 24, 24)
        other = replace(encoding, territory=encoding.territory.roll(7, -1))
        prompts = PromptTensors(torch.tensor([[[40.0, 30.0]]]), torch.tensor([[1]]))
        first, second = (network.segment(each, prompts).logits for each in (encoding, other))
    assert not torch.equal(first, second)


def test_losses_tell_evenly_asked_experts_and_different_ones():
    even, one = torch.full((2, 6, 4), 0.25), torch.zeros(2, 6, 4)
    one[..., 1] = 1
    assert float(balance_loss(one)) == pytest.approx(4)
    assert float(balance_loss(torch.eye(4)[None])) == pytest.approx(1)
    assert float(balance_loss(even)) == pytest.approx(1)
    assert float(similarity_loss(torch.eye(4)[None])) == pytest.approx(0)
    assert float(similarity_loss(torch.ones(1, 4, 3))) == pytest.approx(1)


def test_fine_tuning_reads_coarse_levels_through_the_experts_alone(network, image):
    """Nothing leads round them: without experts, all levels above single pixels are empty."""
    detail = DetailNetwork.of(network, [0, 1, 2]).eval()
    with torch.inference_mode():
        known = detail.encode(image)
        levels = Levels(known.deep, known.mid, known.class_tokens, known.class_detail, known.image)
        silent, _ = detail.answered(levels, known.class_experts, expert_gains=torch.zeros(5))
        read, _ = detail.answered(levels, known.class_experts)
    for level in (silent.deep, silent.mid, silent.tokens):
        assert not bool(level.any())
    for level in (read.deep, read.mid, read.tokens):
        assert bool(level.any())


def test_what_classes_learn_of_asking_leaves_clicks_as_they_were(network, image):
    detail = DetailNetwork.of(network, [0, 1, 2]).eval()
    prompts = PromptTensors(torch.tensor([[[40.0, 30.0]]]), torch.tensor([[1]]))
    with torch.inference_mode():
        before = detail.segment(detail.encode(image), prompts).logits
        assert torch.equal(before, network.segment(network.encode(image), prompts).logits)
        classes = detail.classify(detail.encode(image)).logits
    with torch.no_grad():
        for module in detail.expert_modules().values():
            for parameter in module.parameters():
                parameter.add_(torch.randn_like(parameter))
    with torch.inference_mode():
        assert torch.equal(before, detail.segment(detail.encode(image), prompts).logits)
        assert not torch.equal(classes, detail.classify(detail.encode(image)).logits)


def test_classes_can_be_changed_and_kept(network, image):
    detail = DetailNetwork.of(network, [0, 1, 2]).eval()
    with torch.inference_mode():
        logits = detail.classify(detail.encode(image)).logits
        swapped = detail.with_classes([2, 0, None, 1])
        other = swapped.classify(swapped.encode(image)).logits
    assert torch.allclose(other[:, [1, 3, 0]], logits, atol=1e-5)


def test_weights_are_saved_and_loaded_and_an_unknown_encoder_is_refused(network, image, tmp_path):
    detail = DetailNetwork.of(network, [0, 1, 2]).eval()
    for each, name in ((network, "plain"), (detail, "detail")):
        checkpoint.save(tmp_path / f"{name}.safetensors", each)
        again, _ = checkpoint.load(tmp_path / f"{name}.safetensors")
        with torch.inference_mode():
            assert torch.equal(again(image), each(image))
    broken = (tmp_path / "plain.safetensors").read_bytes().replace(b"lite0", b"lite9")
    (tmp_path / "broken.safetensors").write_bytes(broken)
    with pytest.raises(WeightsError, match="makes no sense"):
        checkpoint.load(tmp_path / "broken.safetensors")


def test_widths_of_another_encoder_are_refused():
    with pytest.raises(ValueError, match="other widths"):
        build_latent_expert(replace(DECIDING, encoder="lite2"))


def test_pictures_stay_encoded_while_classes_learn_and_not_when_territories_change(network):
    """An encoding holds territories, which come of the exchange and the mix that clicks know."""
    detail = DetailNetwork.of(network, [0, 1, 2]).eval()
    before = Predictor(detail, "cpu")
    for name, is_alike in (("class_exchange", True), ("classifiers", True), ("exchange", False)):
        other = DetailNetwork.of(network, [0, 1, 2]).eval()
        with torch.no_grad():
            next(other.get_submodule(name).parameters()).add_(0.1)
        assert encode_alike(before, Predictor(other, "cpu")) is is_alike


def test_vectors_are_those_that_classes_read(network):
    detail = DetailNetwork.of(network, [0, 1, 2]).eval()
    with torch.no_grad():
        detail.class_exchange.out.bias.add_(1.0)
    pixels = (torch.rand(64, 64, 3) * 255).to(torch.uint8).numpy()
    vectors = []
    for each in (network, detail):
        predictor = Predictor(each, "cpu")
        predictor.set_image(pixels)
        vectors.append(predictor.expert_vectors())
    assert vectors[0].shape == (5, 16)
    assert abs(vectors[0] - vectors[1]).max() > 0.1
