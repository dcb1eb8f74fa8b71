"""What fine-tuning is made of: held-out cells, losses, clock, filters, the network with a detail head."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from model.analysis.cells import cells_of
from model.networks.detail_network import DetailNetwork
from model.networks.filters import NUM_FILTERS, filter_bank, gaussian_blur
from model.training.clock import Average, Clock, rate_at
from model.training.coverage import MAX_TAKEN_OF_CLASS, hold_out
from model.training.objective import Objective, class_weights
from model.training.provenance import MAX_RUNS, RUNS, after_run
from model.training.types import LOSSES, FineTuneConfig
from model.weights.checkpoint import CheckpointMeta, load, save
from tests.tiny import tiny_network


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


# -- held out -----------------------------------------------------------------------------------------


@given(
    seed=st.integers(0, 1000),
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    share=st.sampled_from([0.0, 0.1, 0.2, 0.3]),
    known=st.sampled_from([0.01, 0.3, 1.0]),
)
def test_enough_of_every_class_is_left_to_learn_from(seed, shape, share, known):
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(2):
        labels = (rng.random(shape) < 0.2).astype(np.uint8) + (np.arange(shape[1]) > shape[1] // 2)
        images.append(np.where(rng.random(shape) < known, labels, 255).astype(np.uint8))
    held = hold_out(images, 3, share, [seed, seed + 1])
    for value in range(3):
        total = sum(int((image == value).sum()) for image in images)
        taken = sum(int((image[where] == value).sum()) for image, where in zip(images, held, strict=True))
        assert taken <= MAX_TAKEN_OF_CLASS * total
        assert share > 0 or taken == 0


def test_every_class_is_measured_where_there_is_enough_of_it():
    labels = np.zeros((120, 120), np.uint8)
    labels[20:100, 30:60] = 1
    labels[:30, 80:] = 2
    (held,) = hold_out([labels], 3, 0.2, [0])
    assert set(np.unique(labels[held])) == {0, 1, 2}
    assert 0.1 < held.mean() < 0.4


def test_an_image_keeps_its_held_out_cells_whatever_else_is_labelled():
    """Else a network would be measured on what an earlier run has taught it."""
    rng = np.random.default_rng(0)
    one, other = (rng.integers(0, 2, (90, 90), np.uint8) for _ in range(2))
    alone, together = hold_out([one], 2, 0.2, [7])[0], hold_out([other, one], 2, 0.2, [3, 7])[1]
    both = (alone & together).sum()
    assert both >= 0.6 * min(alone.sum(), together.sum())


def test_more_strokes_leave_alone_what_was_held_out():
    """Of what one run has learned from, the next one after a few more strokes holds out hardly anything."""
    rng, learned, repeated = np.random.default_rng(1), 0, 0
    labels = np.full((240, 240), 255, np.uint8)
    before = None
    for _ in range(40):
        row, col = rng.integers(0, 230, 2)
        labels[row : row + 10, col : col + 10] = rng.integers(0, 2)
        (held,) = hold_out([labels], 2, 0.2, [5])
        if before is not None:
            learned += int(before.sum())
            repeated += int((before & held).sum())
        before = (labels != 255) & ~held
    assert repeated < 0.01 * learned
    assert (held & (labels != 255)).any()


def test_cells_have_a_bit_each():
    labels = np.zeros((120, 120), np.uint8)
    labels[60:] = 1
    (held,) = hold_out([labels], 2, 0.2, [0])
    assert cells_of(held).bit_count() == held.sum() // 400
    assert cells_of(~held) == (1 << 36) - 1 - cells_of(held)
    assert cells_of(np.zeros((50, 50), bool)) == 0


# -- losses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
def test_ignored_pixels_count_neither_in_a_loss_nor_in_what_it_is_divided_by(name):
    torch.manual_seed(0)
    objective = Objective(name, torch.tensor([1.0, 2.0, 0.5]))
    logits = torch.randn(2, 3, 12, 12, requires_grad=True)
    labels = torch.randint(0, 3, (2, 12, 12))
    labels[:, :, 6:] = 255
    loss = objective(logits, labels)
    loss.backward()
    assert torch.equal(logits.grad[..., 6:], torch.zeros_like(logits.grad[..., 6:]))
    assert logits.grad[..., :6].abs().sum() > 0
    with torch.no_grad():
        alone = objective(logits[..., :6], labels[..., :6])
        other = logits.clone()
        other[..., 6:] = 1e4
        assert torch.allclose(loss, alone, atol=1e-6)
        assert torch.allclose(loss, objective(other, labels), atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_falls_towards_the_truth_and_is_zero_without_labels(name):
    objective = Objective(name, torch.ones(2))
    labels = (torch.arange(64).view(1, 8, 8) % 3 == 0).long()
    truth = F.one_hot(labels, 2).movedim(-1, 1).float()
    losses = [float(objective((truth * 2 - 1) * scale, labels)) for scale in (-2.0, 0.0, 2.0, 12.0)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 1e-3
    nothing = objective(truth.clone().requires_grad_(), torch.full((1, 8, 8), 255))
    assert float(nothing.detach()) == 0
    nothing.backward()


def test_cross_entropy_equals_that_of_torch_and_sums_add_up():
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 3, 9, 9), torch.randint(0, 3, (2, 9, 9))
    labels[0, :4] = 255
    weights = torch.tensor([0.2, 1.0, 1.8])
    parts = {name: Objective(name, weights)(logits, labels) for name in LOSSES}
    expected = F.cross_entropy(logits, labels, weights, ignore_index=255)
    assert torch.allclose(parts["cross-entropy"], expected, atol=1e-6)
    together = Objective("cross-entropy+dice+lovasz", weights)(logits, labels)
    assert torch.allclose(together, parts["cross-entropy"] + parts["dice"] + parts["lovasz"], atol=1e-6)


def test_dice_and_focal_are_what_their_formulas_say_of_labelled_pixels():
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 4, 9, 9), torch.randint(0, 3, (2, 9, 9))  # class 3 is nowhere
    labels[0, :4] = 255
    weights = torch.tensor([0.2, 1.0, 1.8, 1.0])
    known = labels != 255
    p, y = logits.movedim(1, -1)[known].softmax(1), labels[known]  # [N, C], [N]
    dice = [
        1 - 2 * p[y == c, c].sum() / (p[:, c].sum() + (y == c).sum()) for c in range(3)
    ]  # an absent class says nothing
    assert torch.allclose(Objective("dice", weights)(logits, labels), torch.stack(dice).mean(), atol=1e-5)
    right = p[torch.arange(len(y)), y]
    focal = (weights[y] * (1 - right) ** 2 * -right.log()).sum() / weights[y].sum()
    assert torch.allclose(Objective("focal", weights)(logits, labels), focal, atol=1e-5)


@pytest.mark.parametrize("name", ["lovasz", "dice"])
def test_a_class_that_is_nowhere_changes_no_loss_by_being_there_to_choose(name):
    """Its logits are as low as can be: with it, or without it, the same."""
    torch.manual_seed(0)
    logits, labels = torch.randn(1, 3, 8, 8), torch.randint(0, 3, (1, 8, 8))
    more = torch.cat((logits, torch.full((1, 2, 8, 8), -1e4)), dim=1)
    one, other = (Objective(name, torch.ones(n))(each, labels) for n, each in ((3, logits), (5, more)))
    assert torch.allclose(one, other, atol=1e-6)


def test_a_boundary_with_the_unknown_is_none():
    weights, logits = torch.ones(2), torch.randn(1, 2, 16, 16)
    labels = torch.zeros(1, 16, 16, dtype=torch.long)
    labels[..., 8:] = 255
    plain, boundary = Objective("cross-entropy", weights), Objective("boundary", weights)
    assert torch.allclose(plain(logits, labels), boundary(logits, labels), atol=1e-6)
    labels[..., 4:8] = 1
    assert not torch.allclose(plain(logits, labels), boundary(logits, labels), atol=1e-4)


def test_rare_classes_weigh_more_and_missing_ones_nothing():
    weights = class_weights(torch.tensor([9000, 1000, 0]))
    assert weights[1] / weights[0] == pytest.approx(3.0, rel=1e-4)
    assert weights[2] == 0
    assert weights[:2].mean() == pytest.approx(1.0)


# -- clock --------------------------------------------------------------------------------------------


def test_a_clock_that_is_held_does_not_count():
    now = [100.0]
    clock = Clock(10, now=lambda: now[0])
    now[0] += 4
    clock.hold()
    clock.hold()
    now[0] += 50
    assert clock.spent == 4
    clock.resume()
    clock.resume()
    now[0] += 1
    assert clock.spent == 5
    assert clock.fraction == 0.5
    now[0] += 100
    assert clock.fraction == 1


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_rate_rises_shortly_and_then_only_falls(one, other):
    low, high = sorted((one, other))
    assert 0 < rate_at(low) <= 1
    if low >= 0.05:
        assert rate_at(high) <= rate_at(low)


def test_an_average_lies_between_and_swaps_both_ways():
    parameter = torch.nn.Parameter(torch.zeros(3))
    average = Average({"p": parameter})
    for _ in range(20):
        parameter.data += 1
        average.update()
    average.swap()
    assert (parameter > 0).all()
    assert (parameter < 20).all()
    average.swap()
    assert torch.equal(parameter.detach(), torch.full((3,), 20.0))


# -- filters ------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 150), st.integers(1, 90), st.sampled_from([1.0, 2.0, 4.0, 8.0]))
def test_the_blur_is_a_gaussian_with_repeated_borders(height, width, sigma):
    plane = torch.from_numpy(np.random.default_rng(height).random((1, 2, height, width), np.float32))
    expected = gaussian_filter(plane.numpy(), (0, 0, sigma, sigma), mode="nearest", truncate=3)
    assert np.abs(gaussian_blur(plane, sigma).numpy() - expected).max() < 1e-5


def test_filters_turn_with_the_picture():
    image = torch.rand(1, 3, 40, 52, generator=torch.Generator().manual_seed(0))
    responses = filter_bank(image)
    assert responses.shape == (1, NUM_FILTERS, 40, 52)
    turned = filter_bank(torch.rot90(image, 1, (-2, -1)))
    assert torch.allclose(turned, torch.rot90(responses, 1, (-2, -1)), atol=5e-3)


# -- the network --------------------------------------------------------------------------------------


@pytest.fixture
def trained():
    """A detail network with random weights everywhere."""
    network = DetailNetwork.of(tiny_network(), [0, 1, None]).eval()
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in network.head.parameters():
            parameter.normal_(0, 0.1)
    return network


@pytest.fixture
def image():
    return torch.rand(1, 3, 45, 70, generator=torch.Generator().manual_seed(0))


@torch.inference_mode()
def test_a_fresh_head_changes_nothing(image):
    network = tiny_network()
    assert torch.equal(network(image), DetailNetwork.of(network, [0, 1]).eval()(image))


@torch.inference_mode()
def test_a_saved_network_answers_the_same(trained, image, tmp_path):
    for network in (trained, trained.give_classes_a_backbone()):
        save(tmp_path / "w.safetensors", network, CheckpointMeta(("a", "b", "c")))
        loaded, _ = load(tmp_path / "w.safetensors")
        assert type(loaded) is DetailNetwork
        assert torch.equal(loaded(image), network.eval()(image))


@torch.inference_mode()
def test_kept_classes_keep_their_logits(trained, image):
    other = trained.with_classes([2, None, 0]).eval()
    assert torch.equal(other(image)[:, [0, 2]], trained(image)[:, [2, 0]])


@torch.inference_mode()
def test_knocking_out_all_experts_but_one_equals_a_network_with_that_one(trained, image):
    gains = torch.zeros(4)
    gains[2] = 1
    alone = DetailNetwork.of(tiny_network(num_experts=1), [0, 1, None]).eval()
    state = trained.state_dict()
    state["experts"] = state["experts"][2:3]
    alone.load_state_dict(state)
    encoding = trained.encode(image)
    logits = trained.classify(encoding, expert_gains=gains).logits
    assert torch.allclose(logits, alone(image), atol=1e-5)
    assert not torch.allclose(logits, trained(image), atol=1e-3)


@torch.inference_mode()
def test_a_backbone_for_classes_leaves_clicks_alone(trained, image):
    from model.networks.network import PromptTensors

    own = trained.give_classes_a_backbone().eval()
    assert torch.equal(own(image), trained(image))
    for parameter in own.class_backbone.parameters():
        parameter.add_(0.05)
    prompts = PromptTensors(torch.tensor([[[20.0, 30.0]]]), torch.tensor([[1]]))
    before, after = (n.segment(n.encode(image), prompts).logits for n in (trained, own))
    assert torch.equal(before, after)
    assert not torch.equal(own(image), trained(image))


@torch.inference_mode()
def test_pixel_path_on_maps_and_on_samples_agree_where_maps_are_flat(trained):
    dims = trained.head.dims
    maps = [
        torch.randn(1, dim, 1, 1).expand(1, dim, 32 >> s, 32 >> s)
        for dim, s in zip(dims, (4, 3, 2, 1, 0), strict=True)
    ]
    dense = trained.head.pixel.on_maps(maps)
    sampled = trained.head.pixel(torch.cat([m[0, :, 0, 0] for m in maps])[None])
    assert torch.allclose(dense[0, :, 5, 7], sampled[0], atol=1e-5)


def test_of_too_many_runs_weights_tell_of_the_last_ones():
    job = SimpleNamespace(seconds=1.0, step=3, metric_before=0.5, metric_after=0.75, learned_cells=[])
    before = {RUNS: [{"number": number} for number in range(MAX_RUNS)]}
    told = after_run(before, job, [], FineTuneConfig(num_classes=2), "held-out pixels", number=MAX_RUNS)[RUNS]
    assert [each["number"] for each in told] == list(range(1, MAX_RUNS + 1))
