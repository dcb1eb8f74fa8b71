"""Networks are modules as torch users know them: flat arguments, one answer, buffers, hooks, parts by method."""

import inspect
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.backbone import Backbone, LiteBackbone, Normalise
from model.networks.class_head import ClassHead
from model.networks.click_decoder import ClickDecoder, Embedding
from model.networks.config import NetworkConfig
from model.networks.deciding import CosineMix, ExpertClassifiers, SlotLook
from model.networks.detail_head import ContextPath, DetailHead, PixelPath
from model.networks.detail_network import DetailNetwork
from model.networks.experts import ExpertSelfAttention, Look, Mix
from model.networks.network import LatentExpertNetwork, build_latent_expert
from model.prediction.device import choose_device
from model.prediction.runner import Runner
from model.prediction.shared_norms import SharedGroupNorm, SharedNorms
from model.training.optimisers import learning
from model.training.types import PARTS
from tests.tiny import TINY, disks, tiny_network

MODULES = (
    *(Backbone, LiteBackbone, ClassHead, ClickDecoder, Embedding, CosineMix, ExpertClassifiers, SlotLook),
    *(ContextPath, DetailHead, PixelPath, ExpertSelfAttention, Look, Mix, LatentExpertNetwork, DetailNetwork),
)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_modules_take_numbers_by_name(module):
    parameters = list(inspect.signature(module.__init__).parameters.values())[1:]
    assert parameters
    assert all(each.kind in (each.KEYWORD_ONLY, each.VAR_KEYWORD) for each in parameters)


def test_a_builder_has_all_numbers():
    torch.manual_seed(0)
    network = build_latent_expert(TINY, num_classes=5)
    assert network.config.num_classes == 5
    assert network.config.arguments() == {**TINY.arguments(), "num_classes": 5}
    torch.manual_seed(0)
    same = LatentExpertNetwork(**{**TINY.arguments(), "num_classes": 5})
    assert all(torch.equal(t, same.state_dict()[name]) for name, t in network.state_dict().items())
    with pytest.raises(TypeError):
        LatentExpertNetwork(TINY)


@torch.inference_mode()
def test_forward_is_the_logits():
    network, image = tiny_network(), torch.rand(1, 3, 40, 50)
    assert isinstance(network(image), Tensor)
    assert torch.equal(network(image), network.classify(network.encode(image)).logits)
    assert list(inspect.signature(LatentExpertNetwork.forward).parameters) == ["self", "image"]


def test_mean_and_scale_travel_with_the_network_and_not_with_its_weights():
    network = tiny_network(encoder="lite0", widths=NetworkConfig.pretrained().widths)
    assert not [name for name in network.state_dict() if "normalise" in name]
    assert [name for name, _ in network.named_buffers() if "normalise" in name]
    for dtype in (torch.float32, torch.bfloat16):
        moved = Normalise().to(torch.bfloat16)
        like = torch.rand(1, 3, 4, 4, dtype=dtype)
        assert torch.equal(moved.mean(like).flatten(), torch.tensor((0.48, 0.46, 0.41), dtype=dtype))
        assert moved(like).dtype == dtype
    image = torch.rand(1, 3, 5, 6)
    assert torch.allclose(Normalise().undone(Normalise()(image)), image, atol=1e-6)


def norms_that_heard(network, image) -> SharedNorms:
    norms = SharedNorms(network)
    with norms.listening():
        network(image)
    return norms


@torch.inference_mode()
def test_shared_norms_leave_hooks_and_names_alone():
    torch.manual_seed(0)
    network, calls = nn.Sequential(nn.Conv2d(3, 8, 1), nn.GroupNorm(2, 8)).eval(), []
    network[1].register_forward_hook(lambda module, given, answer: calls.append(answer))
    names = list(network.state_dict())
    private = Runner(network, replace(choose_device("cpu"), dtype=torch.float32)).network
    assert type(network[1]) is nn.GroupNorm, "the original stays as it is"
    assert list(private.state_dict()) == names
    whole, part = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 20, 30)
    norms = norms_that_heard(private, whole)
    calls.clear()
    with norms.imposed():
        imposed = private(part)
    assert len(calls) == 1
    assert torch.equal(calls[0], imposed)
    features = private[0](whole)
    flat = features.reshape(1, 2, -1)
    mean, square = flat.mean((0, 2)), flat.square().mean((0, 2))
    expected = F.batch_norm(
        private[0](part),
        mean.repeat_interleave(4),
        (square - mean**2).clamp(min=0).repeat_interleave(4),
        private[1].weight,
        private[1].bias,
        training=False,
        eps=private[1].eps,
    )
    assert torch.equal(imposed, expected), "bit by bit"


@torch.no_grad()
def test_shared_norms_may_lie_within_each_other():
    network = SharedGroupNorm.converted(nn.Sequential(nn.Conv2d(3, 8, 1), nn.GroupNorm(2, 8)).eval())
    dark, light = torch.rand(1, 3, 32, 32) / 4, torch.rand(1, 3, 32, 32) * 4
    one, other = (norms_that_heard(network, image) for image in (dark, light))
    plain = network(dark)
    with one.imposed():
        first = network(light)
        with other.imposed():
            assert not torch.allclose(network(light), first)
        assert torch.equal(network(light), first)
    assert torch.equal(network(dark), plain)


def test_an_imposed_norm_is_exported_as_what_it_computes():
    network = SharedGroupNorm.converted(nn.Sequential(nn.Conv2d(3, 8, 1), nn.GroupNorm(2, 8)).eval())
    image, part = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 16, 24)
    with torch.no_grad():
        norms = norms_that_heard(network, image)
        with norms.imposed():
            program, expected = torch.export.export(network, (part,)), network(part)
        assert torch.allclose(program.module()(part), expected, atol=1e-6)
        assert not torch.allclose(network(part), expected, atol=1e-3)


@pytest.mark.parametrize("changes", [{}, {"evidence_dim": 8}], ids=["mixed", "deciding"])
def test_the_network_knows_what_its_parts_are_for(changes):
    network = DetailNetwork.of(tiny_network(**changes), (0, 1)).give_classes_a_backbone()
    groups = network.parameter_groups()
    assert set(groups) == {"head", "experts", "top", "bottom"}
    names = [name for group in groups.values() for name in group]
    assert len(names) == len(set(names)), "every parameter is in one of them"
    own = dict(network.named_parameters())
    assert all(own[name] is parameter for group in groups.values() for name, parameter in group.items())
    assert {p for g in ("top", "bottom") for p in groups[g].values()} == {
        *network.class_backbone.parameters()
    }
    everything = [(1.0, group) for group in groups.values()]
    counts = {parts: sum(len(g) for _, g in learning(everything, parts, network)) for parts in PARTS}
    assert counts["head"] < counts["experts"] < counts["top"] < counts["all"] == counts["auto"] == len(names)


@pytest.mark.parametrize("changes", [{}, {"evidence_dim": 8}], ids=["mixed", "deciding"])
def test_only_what_reads_may_differ_where_encodings_are_alike(changes):
    """Every parameter is altered by itself: where the encoding changes, the network says so beforehand."""
    image = torch.from_numpy(disks()[0]).permute(2, 0, 1)[None].float() / 255
    network = DetailNetwork.of(tiny_network(**changes), (0, 1)).eval()
    known, before = network.encoding_state(), parts_of(network, image)
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            kept = parameter.clone()
            parameter.add_(torch.rand_like(parameter))
            changed = not same(parts_of(network, image), before)
            parameter.copy_(kept)
        assert not changed or name in known, name
    assert set(network.reader_parameters()).isdisjoint(known)


@torch.no_grad()
def parts_of(network, image):
    encoding = network.encode(image)
    return encoding.tokens, encoding.experts, encoding.class_experts, encoding.territory, encoding.mix_queries


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_other_classes_keep_their_rows():
    torch.manual_seed(0)
    head = ClassHead(feature_dim=16, detail_dim=8, num_classes=3)
    made = head.with_classes((2, None))
    assert made.pixels.out_channels == 8
    assert torch.equal(made.pixels.weight[:4], head.pixels.weight[8:])
    assert bool(made.pixels.weight[4:].any()), "a new class begins at random"
    made.silence([1])
    assert not made.pixels.weight[4:].any()
    detail = DetailHead(dims=(4, 4, 4, 4, 4), pixel_width=8, context_widths=(8,) * 5, num_classes=2)
    nn.init.ones_(detail.pixel.last.weight)
    wider = detail.with_classes((1, 0, None))
    assert wider.pixel.last.weight.sum(1).tolist() == [8, 8, 0]
    assert wider.context.last.out_channels == 3
