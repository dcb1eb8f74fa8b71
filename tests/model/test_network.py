"""The default network: one encoding, classes and clicks from it."""

import pytest
import torch

from model.networks.config import NetworkConfig
from model.networks.network import PromptTensors, build_latent_expert

SMALL = NetworkConfig(
    num_classes=3,
    num_experts=5,
    num_heads=2,
    feature_dim=16,
    widths=(16, 16, 16, 16, 16),
    depths=(1, 1, 1, 1),
    path_widths=(16, 16),
    click_widths=(16, 16, 16, 16, 16),
    embed_dim=8,
)
NO_BOX = [float("nan")] * 4


@pytest.fixture
def network():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    built = build_latent_expert(SMALL).eval()
    with torch.no_grad():  # zero-initialised parts would hide mistakes
        for parameter in built.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return built


def clicks(*points):
    return PromptTensors(
        torch.tensor([[p[:2] for p in points]], dtype=torch.float32), torch.tensor([[p[2] for p in points]])
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 33), (2, 3), (7, 31), (32, 32), (33, 17)])
@torch.no_grad()
def test_every_size_gives_answers_of_its_own_size(network, size):
    encoding = network.encode(torch.rand(2, 3, *size))
    prompts = PromptTensors(
        torch.tensor([[[0.5, 0.5]], [[0.2, 0.9]]]),
        torch.tensor([[1], [0]]),
        torch.tensor([[0.0, 0.0, 1.0, 1.0], NO_BOX]),
    )
    classes = network.classify(encoding, need_attention=True)
    answer = network.segment(encoding, prompts, previous=torch.randn(2, 1, *size), need_attention=True)
    assert classes.logits.shape == (2, 3, *size)
    assert answer.logits.shape == (2, 1, *size)
    assert answer.score.shape == (2,)
    assert bool(torch.isfinite(classes.logits).all() & torch.isfinite(answer.logits).all())


@torch.no_grad()
def test_attention_maps_are_shares(network):
    encoding = network.encode(torch.rand(1, 3, 40, 72))
    classes = network.classify(encoding, need_attention=True).maps
    answer = network.segment(encoding, clicks((3, 3, 1), (30, 20, 0)), need_attention=True).maps
    assert classes.look.shape == (1, 2, 5, 16, 24)
    assert answer.look.shape == answer.mix.shape == (1, 2, 7, 16, 24)
    for maps in (classes, answer):
        torch.testing.assert_close(maps.look.sum((-1, -2)), torch.ones(maps.look.shape[:3]))
        torch.testing.assert_close(maps.mix.sum(2), torch.ones_like(maps.mix[:, :, 0]))


@torch.no_grad()
def test_asking_for_attention_does_not_change_the_answer(network):
    encoding = network.encode(torch.rand(1, 3, 40, 56))
    prompts = clicks((3, 3, 1), (30, 20, 0))
    plain, shown = (network.classify(encoding, need_attention=n).logits for n in (False, True))
    torch.testing.assert_close(plain, shown)
    plain, shown = (network.segment(encoding, prompts, need_attention=n).logits for n in (False, True))
    torch.testing.assert_close(plain, shown)


@torch.no_grad()
def test_clicks_leave_the_encoding_alone_and_are_reproducible(network):
    image = torch.rand(1, 3, 64, 48)
    encoding = network.encode(image)
    before = encoding.apply(torch.clone)
    first = network.segment(encoding, clicks((10, 10, 1)))
    network.segment(encoding, clicks((40, 50, 0), (1, 1, 1)), previous=first.logits)
    again = network.segment(encoding, clicks((10, 10, 1)))
    assert torch.equal(first.logits, again.logits)
    for name in ("tokens", "detail", "experts", "embed", "colour", "bins", "mix_queries"):
        assert torch.equal(getattr(before, name), getattr(encoding, name)), name
    assert torch.equal(network.encode(image).tokens, encoding.tokens)


@torch.no_grad()
def test_padding_and_absent_boxes_count_as_nothing(network):
    encoding = network.encode(torch.rand(1, 3, 64, 64))
    bare = clicks((10, 10, 1))
    padded = PromptTensors(
        torch.tensor([[[10.0, 10.0], [50.0, 7.0]]]), torch.tensor([[1, -1]]), torch.tensor([NO_BOX])
    )
    expected, answer = (network.segment(encoding, p).logits for p in (bare, padded))
    torch.testing.assert_close(answer, expected)


@torch.no_grad()
def test_sign_place_box_and_previous_mask_all_matter(network):
    encoding = network.encode(torch.rand(1, 3, 64, 64))
    start = network.segment(encoding, clicks((10, 10, 1))).logits
    others = {
        "sign": network.segment(encoding, clicks((10, 10, 0))).logits,
        "place": network.segment(encoding, clicks((50, 40, 1))).logits,
        "previous": network.segment(encoding, clicks((10, 10, 1)), previous=start).logits,
        "box": network.segment(
            encoding,
            PromptTensors(
                torch.tensor([[[10.0, 10.0]]]), torch.tensor([[1]]), torch.tensor([[4.0, 4, 30, 30]])
            ),
        ).logits,
    }
    for name, logits in others.items():
        assert (logits - start).abs().max() > 1e-3, name


@torch.no_grad()
def test_knocking_out_all_experts_but_one_leaves_a_network_with_that_expert(network):
    image = torch.rand(1, 3, 48, 48)
    kept = 3
    gains = torch.zeros(SMALL.num_experts)
    gains[kept] = 1
    knocked = network.classify(network.encode(image), expert_gains=gains).logits
    network.experts = torch.nn.Parameter(network.experts[kept : kept + 1])
    alone = network.classify(network.encode(image)).logits
    torch.testing.assert_close(knocked, alone)


@torch.no_grad()
def test_gains_of_one_change_nothing_and_no_expert_at_all_still_answers(network):
    encoding = network.encode(torch.rand(1, 3, 48, 48))
    plain = network.classify(encoding).logits
    torch.testing.assert_close(network.classify(encoding, expert_gains=torch.ones(5)).logits, plain)
    silent = network.classify(encoding, expert_gains=torch.zeros(5)).logits
    assert bool(torch.isfinite(silent).all())
    assert (silent - plain).abs().max() > 1e-4


@torch.no_grad()
def test_changing_classes_keeps_the_rows_that_were_named(network):
    image = torch.rand(1, 3, 48, 48)
    before = network(image)
    other = network.with_classes([2, None, 0, 1])
    after = other(image)
    assert other.config.num_classes == 4
    torch.testing.assert_close(after[:, [0, 2, 3]], before[:, [2, 0, 1]])
    prompts = clicks((10, 10, 1))
    torch.testing.assert_close(
        other.segment(other.encode(image), prompts).logits,
        network.segment(network.encode(image), prompts).logits,
    )


@torch.no_grad()
def test_an_encoding_moves_and_slices_like_a_tensor(network):
    images = torch.rand(3, 3, 40, 40)
    encoding = network.encode(images)
    one = encoding[1:2]
    assert one.size == (40, 40)
    assert one.base.mid.shape[0] == 1
    assert 3 * one.nbytes == encoding.nbytes
    torch.testing.assert_close(network.classify(one).logits, network.classify(encoding).logits[1:2])


def test_configuration_survives_json_and_refuses_unknown_keys():
    assert NetworkConfig.from_json(SMALL.to_json()) == SMALL
    with pytest.raises(ValueError, match="colour_of_the_sky"):
        NetworkConfig.from_json({"colour_of_the_sky": 1})
