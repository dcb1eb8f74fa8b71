"""Every network of the sources goes through the doors of the tool: one base test for all of them."""

from __future__ import annotations

import copy
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from model import Predictor, load, save
from model.errors import ModelError, WeightsError
from model.training.object_loss import loss_with_objects
from model.training.objective import Objective
from model.training.views import LabelledWindow
from model.weights.checkpoint import CheckpointMeta
from model.zoo.dense import (
    ALWAYS,
    NUMBERED,
    OBJECTS,
    DenseEncoding,
    DenseNetwork,
    class_axes,
    with_group_norm,
)
from model.zoo.objects import network_of
from model.zoo.presets import DENSE_KINDS
from model.zoo.registry import architecture_of, build_network
from tests.model.zoo.tiny_networks import TINY

OFFERED = """
import resource, sys
import numpy as np
from model import Predictor
from model.zoo.objects import network_of
from model.zoo.presets import DENSE_KINDS
(kind,) = (kind for kind in DENSE_KINDS if kind.name == sys.argv[1])
predictor = Predictor(network_of(kind, 3), "cpu")
predictor.set_image(np.random.default_rng(0).integers(0, 255, (1500, 2000, 3), dtype=np.uint8))
assert predictor.predict_classes().labels.shape == (1500, 2000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
"""Predicts a photograph with a fresh network as it is offered, and says what memory that took, in kB."""

KINDS = {kind.name: kind for kind in DENSE_KINDS}
VARIANTS = [
    *((name,) for name in KINDS),
    *((name, "lite0") for name, kind in KINDS.items() if kind.takes_encoder),
    *((name, "objects") for name, kind in KINDS.items() if kind.objects == NUMBERED),
]


@pytest.fixture(params=DENSE_KINDS, ids=lambda kind: kind.name)
def kind(request):
    return request.param


@pytest.fixture(params=VARIANTS, ids=lambda variant: "-on-".join(variant))
def variant(request):
    """Name of the kind, and of its encoder or "objects" where it has one of that."""
    return request.param


@pytest.fixture
def network(variant):
    kind = KINDS[variant[0]]
    sizes = dict(TINY[kind.name])
    if variant[-1] == "objects":
        sizes[OBJECTS] = 1
    elif len(variant) > 1:
        sizes |= {"encoder": variant[1]} | ({"features": (4, 6, 8, 10, 12)} if kind.name == "unet" else {})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = network_of(kind, 3, sizes)
        if made.kind.objects:
            made = made.telling_apart({1, 2}) if OBJECTS in sizes else made
            for branch in filter(None, [made.regions]):  # so that it finds some
                nn.init.normal_(branch.box.classes.weight, std=3.0)
        for parameter in made.parameters():  # so that no class wins everywhere
            if parameter.dim() == 1:
                nn.init.normal_(parameter, std=0.3)
    return made.eval()


def image(height, width):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(height + width))


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (37, 51), (130, 64)])
def test_logits_have_the_size_of_the_image(network, size):
    with torch.no_grad():
        logits = network(image(*size))
    assert logits.shape == (1, 3, *size)
    assert bool(logits.isfinite().all())


@pytest.mark.parametrize("size", [(1, 1), (1, 333), (500, 1), (97, 203)])
def test_pictures_of_any_size_are_predicted_by_the_predictor(network, size):
    """Also where tiles are needed, and one after the other with the same network."""
    predictor = Predictor(network, "cpu", dtype=torch.float32, max_pixels=96 * 96)
    pixels = (image(*size)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    predictor.set_image(pixels)
    answer = predictor.predict_classes()
    assert answer.labels.shape == answer.confidence.shape == size
    assert answer.labels.max() < 3
    assert 0 <= answer.confidence.min() <= answer.confidence.max() <= 1
    if answer.instances is not None:
        assert answer.instances.shape == size
        assert np.array_equal(answer.instances > 0, np.isin(answer.labels, list(network.things)))
    assert predictor.predict_probabilities().shape == (3, *size)


@pytest.mark.slow
def test_a_photograph_of_three_megapixels_is_predicted(network):
    predictor = Predictor(network, "cpu", dtype=torch.float32)
    pixels = (image(1500, 2000)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    predictor.set_image(pixels)
    answer = predictor.predict_classes()
    assert answer.labels.shape == (1500, 2000)
    assert bool(np.isfinite(answer.confidence).all())


@pytest.mark.slow
def test_it_is_predicted_in_the_size_that_is_offered_as_well(kind):
    """Within 4 GB, so that a machine with little memory can do it."""
    done = subprocess.run(
        [sys.executable, "-c", OFFERED, kind.name], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 4 << 20  # kB


def test_a_network_whose_work_grows_with_the_square_of_pixels_is_shown_parts():
    network = network_of(KINDS["attention-cnn"], 2)
    assert Predictor(network, "cpu").max_pixels == 512 * 512
    assert Predictor(network, "cpu", max_pixels=100 * 100).max_pixels == 100 * 100
    assert Predictor(network_of(KINDS["unet"], 2, TINY["unet"]), "cpu").max_pixels > 512 * 512


def test_every_picture_of_a_batch_is_answered_as_it_is_alone(network):
    """Nothing is normalised over the batch."""
    both = torch.cat((image(64, 96), image(64, 96).flip(-1)))
    with torch.no_grad():
        together = network(both)
        alone = [network(each[None])[0] for each in both]
    for one, other in zip(together, alone, strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def loss_of(network):
    """What gradients come from: logits, and objects where there are any."""
    squares = torch.arange(64 * 64).view(64, 64) // 1024
    picture = LabelledWindow(image(64, 64)[0], (squares % 3).byte(), torch.full((64, 64), 255).byte())
    if getattr(network, "regions", None) is None:
        return network(image(40, 48)).square().mean()
    picture = replace(picture, objects=((squares % 3 > 0) * (squares + 1)).int())
    objective = Objective("cross-entropy", torch.ones(3))
    return loss_with_objects(network, network.regions, [picture], objective, torch.device("cpu"))


def test_a_batch_of_one_can_be_learned_from(network):
    network.train()
    loss_of(network).backward()
    reached = [name for name, p in network.named_parameters() if p.grad is not None and bool(p.grad.any())]
    assert len(reached) > len(list(network.parameters())) // 2
    assert bool(network(image(1, 1)).isfinite().all())


def test_it_is_saved_and_loaded_to_the_same_answer(network, tmp_path):
    save(tmp_path / "weights.safetensors", network, CheckpointMeta(class_names=("a", "b", "c")))
    again, meta = load(tmp_path / "weights.safetensors")
    assert meta.architecture == network.kind.name == architecture_of(again).name
    with torch.no_grad():
        assert torch.equal(again(image(40, 50)), network(image(40, 50)))


def test_weights_of_another_network_are_refused_in_words(network, tmp_path):
    save(tmp_path / "weights.safetensors", network)
    text = (tmp_path / "weights.safetensors").read_bytes()
    other = b"tutorial".ljust(len(network.kind.name.encode()))
    changed = text.replace(
        b'architecture\\": \\"' + network.kind.name.encode(), b'architecture\\": \\"' + other, 1
    )
    (tmp_path / "changed.safetensors").write_bytes(changed)
    with pytest.raises(WeightsError):
        load(tmp_path / "changed.safetensors")


def test_classes_are_kept_moved_and_added(network):
    is_made_of_objects = network.kind.objects == ALWAYS
    order = [0, 2, 1] if is_made_of_objects else [2, 0, 1]  # what is no object is the background
    with torch.no_grad():
        before = network(image(64, 64))
        moved = network.with_classes(order).eval()(image(64, 64))
        more = network.with_classes([0, 1, 2, None]).eval()(image(64, 64))
    assert torch.allclose(moved, before[:, order], atol=1e-4)
    assert more.shape[1] == 4
    if not is_made_of_objects:  # there, a class more is a share less for every box
        assert torch.allclose(more[:, :3], before, atol=1e-5)


def test_the_axes_of_classes_are_found(kind):
    axes = class_axes(kind, TINY[kind.name])
    assert axes
    assert all(len(each) <= 2 for each in axes.values())


def test_the_predictor_shows_its_classes_and_refuses_clicks(network):
    predictor = Predictor(network, "cpu", dtype=torch.float32)
    pixels = (image(45, 70)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    predictor.set_image(pixels)
    labels = predictor.predict_classes().labels
    with torch.no_grad():
        shown = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
        assert np.array_equal(labels, network(shown)[0].argmax(0).numpy().astype(np.uint8))
    with pytest.raises(ModelError, match="classes only"):
        predictor.predict(point_coords=[[5, 5]], point_labels=[1])
    with pytest.raises(ModelError, match="no attention"):
        predictor.attention()


def test_bfloat16_gives_nearly_the_same(network):
    half = copy.deepcopy(network).to(torch.bfloat16)
    with torch.no_grad():
        logits, rounded = network(image(64, 96)), half(image(64, 96))
    spread = float(logits.std())
    assert float((logits - rounded).abs().mean()) < 0.1 * spread + 0.02


def test_sizes_that_make_no_sense_are_refused(kind):
    with pytest.raises(WeightsError):
        build_network(kind.name, {"num_classes": 2, "depth_of_the_sea": 3})
    with pytest.raises(WeightsError):
        build_network(kind.name, {"num_classes": 10**9})


def test_tiles_agree_with_the_whole(network):
    """Seams are where a tile sees less than the whole; most pixels are the same."""
    pixels = (torch.rand(200, 232, 3, generator=torch.Generator().manual_seed(3)).numpy() * 255).astype(
        np.uint8
    )
    pixels[:, 100:] //= 3
    whole, tiled = (
        Predictor(network, "cpu", dtype=torch.float32),
        Predictor(network, "cpu", dtype=torch.float32, max_pixels=160 * 160),
    )
    whole.set_image(pixels)
    tiled.set_image(pixels)
    same = whole.predict_classes().labels == tiled.predict_classes().labels
    if network.needs_whole:
        assert tiled.encoder_runs == 1  # a tile would be taken for an image of its own
    else:
        assert tiled.encoder_runs > 1
        finds_objects = (
            getattr(network, "regions", None) is not None
        )  # by a hair, as long as it has not learned
        is_coarse = network.kind.name == "fcn"  # seams are as wide as its steps of 32 pixels
        assert same.mean() > (0.5 if finds_objects else 0.75 if is_coarse else 0.9)


def test_every_kind_is_described(kind):
    assert kind.title
    assert kind.summary.endswith(".")
    assert kind.limits.endswith(".")


def test_group_norm_takes_the_place_of_batch_norm_but_not_on_colours():
    module = with_group_norm(nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 24, 1), nn.BatchNorm2d(24)))
    assert isinstance(module[0], nn.BatchNorm2d)
    assert isinstance(module[2], nn.GroupNorm)
    assert module[2].num_groups == 3


def test_padding_is_cut_off_where_it_was_added():
    network = DenseNetwork(next(each for each in DENSE_KINDS if each.name == "unet"), 2, TINY["unet"])
    tokens = torch.arange(2 * 16 * 16, dtype=torch.float32).view(1, 2, 16, 16)  # [B, C, h, w]
    logits = network.classify(DenseEncoding(tokens, (16, 16), (10, 12))).logits
    assert torch.equal(logits, tokens[..., :10, :12])
