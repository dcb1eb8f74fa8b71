"""A few labelled pixels, a few seconds: better weights, and never worse ones."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.errors import ModelError
from model.networks.network import PromptTensors
from model.training import crops, pixels, prepare, views
from model.training import full_images as whole
from model.training.finetune import FeatureStore, LabelledImage, finetune
from model.training.session import BATCH
from tests.model.finetuning import QUICK, StepClock, accuracy, labelled, run, state_of
from tests.tiny import disks, tiny_network


def test_two_images_teach_what_a_disk_is_and_the_network_given_stays_as_it_was():
    network = tiny_network()
    before = state_of(network)
    job, reports = run(network, [labelled(0), labelled(1)], steps=120)
    assert accuracy(job.network) > 0.85 > accuracy(network)
    assert job.metric_after > 0.85
    assert job.is_better
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert [r.step for r in reports] == sorted(r.step for r in reports)
    assert reports[-1].step > 30
    assert all(0 <= r.fraction <= 1 for r in reports)
    assert reports[-1].metric == job.metric_after
    assert {"encoding", "encoding variations", "learning shapes", "done"} <= {r.phase for r in reports}


def test_clicks_work_exactly_as_before():
    network = tiny_network()
    job, _ = run(network, [labelled(0)], steps=40)
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    prompts = PromptTensors(torch.tensor([[[20.0, 30.0], [50.0, 8.0]]]), torch.tensor([[1, 0]]))
    with torch.inference_mode():
        before, after = (n.segment(n.encode(image), prompts).logits for n in (network, job.network))
        classes = [n.classify(n.encode(image)).logits for n in (network, job.network)]
    assert torch.equal(before, after)
    assert not torch.equal(*classes)


def test_pixels_that_nobody_labelled_change_nothing():
    """Two runs that differ only under unlabelled pixels' former classes end in the same weights."""
    image, labels = disks(0)
    unknown = np.zeros_like(labels, dtype=bool)
    unknown[:, 60:] = True
    runs = []
    for other in (0, 1):
        masked = np.where(unknown, other, labels).astype(np.uint8)
        masked[unknown] = 255
        runs.append(state_of(run(tiny_network(), [LabelledImage(image, masked)], steps=30)[0].network))
    assert all(torch.equal(value, runs[1][name]) for name, value in runs[0].items())


def test_scribbles_of_one_percent_nearly_reach_whole_masks():
    scribbled = []
    for seed in (0, 1, 2):
        image, labels = disks(seed)
        keep = np.random.default_rng(seed).permutation(labels.size).reshape(labels.shape) < labels.size // 100
        scribbled.append(LabelledImage(image, np.where(keep, labels, 255).astype(np.uint8)))
    whole = accuracy(run(tiny_network(), [labelled(s) for s in (0, 1, 2)])[0].network)
    few = accuracy(run(tiny_network(), scribbled)[0].network)
    assert few > 0.9 * whole


def test_a_class_more_and_a_class_less_keep_what_was_learned():
    first, _ = run(tiny_network(), [labelled(0), labelled(1)])
    learned = accuracy(first.network)
    image, labels = disks(2)
    labels = labels.copy()
    labels[:12] = 2
    grown, _ = run(
        first.network,
        [LabelledImage(image, labels), labelled(0)],
        replace(QUICK, num_classes=3, classes_kept=(0, 1, None)),
        steps=60,
    )
    assert grown.network.config.num_classes == 3
    shrunk = grown.network.with_classes([0, 1])
    assert accuracy(shrunk) > learned - 0.1


def test_a_second_run_starts_from_the_first():
    first, _ = run(tiny_network(), [labelled(0), labelled(1)])
    again, _ = run(first.network, [labelled(0), labelled(1)], replace(QUICK, classes_kept=(0, 1)), steps=30)
    assert again.metric_before == pytest.approx(first.metric_after, abs=0.02)
    assert again.metric_after >= again.metric_before or not again.is_better


def test_a_run_that_makes_it_worse_is_not_better_and_says_what_it_measured():
    first, _ = run(tiny_network(), [labelled(0), labelled(1)])
    contradictory = []
    for seed in (0, 1):
        image, labels = disks(seed)
        contradictory.append(LabelledImage(image, labels))
    config = replace(QUICK, classes_kept=(0, 1), learning_rate=0.3, augmentation=0.0)
    worse, _ = run(first.network, contradictory, config, steps=12)
    assert not math.isnan(worse.metric_before)
    assert worse.is_better == (worse.metric_after > worse.metric_before)
    assert accuracy(first.network) >= 0.5, "the weights in use are as they were"


def test_an_absurd_rate_ends_in_finite_weights_and_a_sentence():
    """M-05."""
    network = tiny_network()
    job, _ = run(network, [labelled(0)], replace(QUICK, learning_rate=1e12))
    assert all(torch.isfinite(value).all() for value in job.network.state_dict().values())
    assert not (job.is_better and job.note)
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.isfinite(job.network(image)).all()


@pytest.mark.parametrize(
    ("module", "loss", "speed"), [(pixels, "_pixel_loss", "live"), (crops, "_crop_loss", "quick")]
)
def test_a_loss_that_is_no_number_restores_the_last_good_weights(monkeypatch, module, loss, speed):
    """M-05: what is handed out equals the last snapshot, bit for bit."""
    good = {}
    real, calls = getattr(module, loss), []

    def poisoned(session, *args):
        calls.append(1)
        value = real(session, *args)
        return value * float("nan") if len(calls) > 5 else value

    monkeypatch.setattr(module, loss, poisoned)
    job = finetune(tiny_network(), [labelled(0)], replace(QUICK, speed=speed))
    job.clock = clock = StepClock(60)
    for progress in job:
        clock.ticks += 1
        if progress.phase != "done":
            good = state_of(job.network)
    assert job.note
    assert "diverged" in job.note
    assert all(torch.equal(value, good[name]) for name, value in job.network.state_dict().items())
    assert all(torch.isfinite(value).all() for value in job.network.state_dict().values())


@pytest.mark.parametrize(
    "shortage",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("MPS backend out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_memory_that_runs_out_twice_halves_the_batch_and_goes_on(monkeypatch, shortage):
    """M-06."""
    failures, sizes = [shortage, shortage], []
    real = crops._crop

    def short(session, side):
        if failures and session.batch in (BATCH, BATCH // 2):
            raise failures.pop()
        sizes.append(session.batch)
        return real(session, side)

    monkeypatch.setattr(crops, "_crop", short)
    job, reports = run(tiny_network(), [labelled(0)])
    assert not failures
    assert set(sizes) == {BATCH // 4}
    assert not job.note
    assert reports[-1].phase == "done"
    assert accuracy(job.network) > 0.7


def test_memory_that_runs_out_for_good_ends_with_what_there_was(monkeypatch):
    """M-06."""

    def short(session, side):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(crops, "_crop", short)
    job, reports = run(tiny_network(), [labelled(0)])
    assert "Memory ran out" in job.note
    assert reports[-1].phase == "done"
    assert all(torch.isfinite(value).all() for value in job.network.state_dict().values())


def test_another_error_is_not_swallowed(monkeypatch):
    def broken(session, side):
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr(crops, "_crop", broken)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        run(tiny_network(), [labelled(0)])


def test_a_job_left_in_the_middle_has_whole_weights():
    job = finetune(tiny_network(), [labelled(0)], QUICK)
    job.clock = clock = StepClock(60)
    phases_seen = []
    for _, progress in zip(range(30), job, strict=False):
        clock.ticks += 1
        phases_seen.append(progress.phase)
    assert phases_seen[-1] == "learning shapes"
    assert accuracy(job.network) >= 0
    assert all(torch.isfinite(value).all() for value in job.network.state_dict().values())


def test_finish_ends_early_with_the_best_so_far():
    job = finetune(tiny_network(), [labelled(0), labelled(1)], QUICK)
    job.clock = clock = StepClock(120)
    for index, _ in enumerate(job):
        clock.ticks += 1
        if index == 60:
            job.finish()
    assert index == 61
    assert accuracy(job.network) > 0.8


def test_the_same_seed_gives_the_same_weights():
    first, second = (run(tiny_network(), [labelled(0)], steps=30)[0].network for _ in range(2))
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (33, 7), (64, 64), (20, 1100)])
def test_images_of_any_size_and_a_single_class(size):
    labels = np.zeros(size, np.uint8)
    image = np.full((*size, 3), 99, np.uint8)
    job, reports = run(tiny_network(), [LabelledImage(image, labels)], steps=20)
    assert reports[-1].phase == "done"
    assert all(torch.isfinite(value).all() for value in job.network.state_dict().values())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": np.full((8, 8), 255, np.uint8)}, "nothing to learn"),
        ({"labels": np.full((8, 8), 7, np.uint8)}, "only 2"),
        ({"labels": np.zeros((9, 8), np.uint8)}, "do not fit"),
        ({"labels": np.full((8, 8), -1, np.int16)}, "uint8, not int16"),
        ({"labels": np.zeros((8, 8), bool)}, "uint8, not bool"),
        ({"labels": np.zeros((8, 8))}, "uint8, not float64"),
        ({"labels": [[0] * 8] * 8}, "not list"),
        ({"image": np.zeros((8, 8, 3), np.uint16)}, "image 1.*uint8 values from 0 to 255, not uint16"),
        ({"image": np.zeros((8, 8, 3), np.float32)}, "not float32"),
        ({"image": np.zeros((8, 9), np.uint8)}, "do not fit"),
        ({"origin": np.zeros((8, 9), np.uint8)}, "do not fit"),
    ],
)
def test_samples_that_make_no_sense_are_refused_with_a_sentence(change, words):
    sample = {"image": np.zeros((8, 8, 3), np.uint8), "labels": np.zeros((8, 8), np.uint8)} | change
    with pytest.raises(ModelError, match=words):
        finetune(tiny_network(), [LabelledImage(**sample)], QUICK)


@pytest.mark.parametrize(
    "change",
    [{"speed": "warp"}, {"loss": "hinge"}, {"seconds": 0.0}, {"num_classes": 300}, {"classes_kept": (None,)}],
)
def test_settings_that_make_no_sense_are_refused(change):
    with pytest.raises(ModelError):
        finetune(tiny_network(), [labelled(0)], replace(QUICK, **change))


def test_a_live_refit_encodes_nothing_that_it_has_seen_before(monkeypatch):
    store, config = FeatureStore(), replace(QUICK, speed="live")
    samples = [replace(labelled(seed), name=f"image {seed}") for seed in (0, 1)]
    first = finetune(tiny_network(), samples, config, store)
    first.clock = clock = StepClock(40)
    for _ in first:
        clock.ticks += 1
    assert accuracy(first.network) > 0.7

    def forbidden(*args):
        raise AssertionError("encoded again")

    monkeypatch.setattr(prepare, "features_of", forbidden)
    second = finetune(first.network, samples, replace(config, classes_kept=(0, 1)), store)
    second.clock = clock = StepClock(40)
    for _ in second:
        clock.ticks += 1
    assert second.metric_after > 0.7
    changed = [replace(samples[0], image=255 - samples[0].image), samples[1]]
    with pytest.raises(AssertionError, match="encoded again"):
        list(finetune(first.network, changed, config, store))


def test_thorough_teaches_a_backbone_of_its_own_and_clicks_keep_theirs():
    network = tiny_network()
    job, reports = run(network, [labelled(0), labelled(1)], replace(QUICK, speed="thorough"), steps=60)
    assert "learning to see" in {r.phase for r in reports}
    assert accuracy(job.network) > 0.8
    state, before = job.network.state_dict(), network.state_dict()
    assert all(
        torch.equal(state[name], value) for name, value in before.items() if name.startswith("backbone.")
    )
    if job.network.class_backbone is not None:
        assert any(
            not torch.equal(state[f"class_{name}"], value)
            for name, value in before.items()
            if name.startswith("backbone.")
        )


def test_of_many_images_most_of_the_time_goes_to_whole_ones():
    """Crops come from what memory holds; a few images are not enough to teach a backbone much."""
    settings = replace(QUICK, speed="thorough", held_out=0.0)
    share = []
    for count in (2, 32):
        _, reports = run(tiny_network(), [labelled(seed) for seed in range(count)], settings, steps=80)
        crops, whole = (
            sum(r.phase in phases for r in reports)
            for phases in (("learning pixels", "learning shapes"), ("learning to see",))
        )
        share.append(whole / (crops + whole))
    assert share[0] < 0.85 < share[1]


def test_parts_of_several_sizes_are_padded_without_labels():
    parts = [
        whole._Part(torch.full((3, *size), 0.5), torch.ones(size, dtype=torch.uint8), None)
        for size in ((40, 70), (64, 33))
    ]
    alike = whole._alike(parts)
    assert {part.train.shape for part in alike} == {(64, 96)}
    for part, made in zip(parts, alike, strict=True):
        rows, cols = part.train.shape
        assert bool((made.image == 0.5).all())
        assert bool((made.train[:rows, :cols] == 1).all())
        assert int((made.train != 255).sum()) == rows * cols


def test_many_images_are_varied_less_in_light_and_size():
    few, many = (views.scarcity_of(count) for count in (views.FEW, 40 * views.FEW))
    assert views.scarcity_of(0) == few == 1.0
    assert many < 0.2
    picture = views.LabelledWindow(torch.full((3, 64, 64), 0.5), *torch.zeros(2, 64, 64, dtype=torch.uint8))
    light, size = [], []
    for scarcity in (few, many):
        made = [
            views.vary(picture, torch.Generator().manual_seed(seed), 1.0, scarcity=scarcity)
            for seed in range(20)
        ]
        light.append(max(float((each.image - 0.5).abs().max()) for each in made))
        size.append(max(abs(len(each.train) - 64) for each in made))
    assert light[1] < 0.3 * light[0]
    assert size[1] < 0.6 * size[0]


def test_more_pictures_than_memory_are_learned_from_in_part_but_every_class_is_among_them(monkeypatch):
    monkeypatch.setattr(prepare, "VIEW_BYTES", 0)
    samples = [labelled(index) for index in range(6)]
    only = np.full_like(samples[0].labels, 255)
    only[:30] = 2
    samples.append(LabelledImage(samples[0].image, only))
    job = finetune(
        tiny_network(), samples, replace(QUICK, num_classes=3, classes_kept=(None,) * 3, held_out=0.0)
    )
    job.clock = clock = StepClock(30)
    encoded, classes = set(), set()
    for _ in job:
        clock.ticks += 1
        encoded.add(job._session.encoded)
        for view in job._session.views:
            classes |= set(view.places)
    assert max(encoded) < len(samples)
    assert classes == {0, 1, 2}
    assert len(job._session.pictures) == len(samples)


def test_a_live_refit_is_forgotten_by_a_longer_run_which_learns_better_without_it():
    live, _ = run(tiny_network(), [labelled(0)], replace(QUICK, speed="live"), steps=40)
    assert not live.network.head.pixel.is_silent
    quick, _ = run(live.network, [labelled(0)], steps=40)
    assert quick.network.head.pixel.is_silent
