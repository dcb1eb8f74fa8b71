"""What may be chosen about fine-tuning: optimiser, parts, validation, the live refit."""

from __future__ import annotations

import math
import zlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.networks.anatomy import named_parameters_of
from model.networks.detail_network import DetailNetwork
from model.prediction.predictor import Predictor
from model.training.clock import Clock, Span
from model.training.coverage import hold_out
from model.training.cross import CrossValidated
from model.training.finetune import FeatureStore, LabelledImage, finetune
from model.training.live import bands_of_logits
from model.training.optimisers import learning, speed_of
from model.training.provenance import SEEN, seen_after, validation_words
from model.training.types import IGNORED, OPTIMISERS, FineTuneConfig
from tests.model.finetuning import QUICK, StepClock, accuracy, labelled, run, state_of
from tests.tiny import disks, tiny_network


def run_cross(samples, config, steps):
    """The job after its end, with its reports."""
    job = finetune(tiny_network(), samples, config)
    job.clock = clock = StepClock(steps)
    reports = []
    for progress in job:
        reports.append(progress)
        clock.ticks += 1
        assert clock.ticks < 4 * steps
    return job, reports


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser_learns_what_a_disk_is(name):
    config = replace(QUICK, optimiser=name, augmentation=0.0)
    job, _ = run(tiny_network(), [labelled(0), labelled(1)], config, steps=60)
    assert not job.note
    assert accuracy(job.network) > 0.7


@pytest.mark.parametrize(
    ("parts", "changes", "stays"),
    [
        ("head", ("head.", "class_head."), ("mix.", "exchange.", "backbone.")),
        ("experts", ("head.", "mix."), ("backbone.",)),
        ("top", ("class_backbone.stages.3.", "mix."), ("class_backbone.stem.", "class_backbone.stages.0.")),
        ("all", ("class_backbone.stem.", "mix."), ("backbone.",)),
    ],
)
def test_only_the_chosen_parts_learn(parts, changes, stays):
    network = tiny_network()
    before = state_of(network)
    before |= {f"class_{name}": value for name, value in before.items() if name.startswith("backbone.")}
    job, _ = run(network, [labelled(0)], replace(QUICK, parts=parts, held_out=0.0), steps=40)
    after = state_of(job.network)

    def has_changed(prefix):
        names = [name for name in after if name.startswith(prefix)]
        assert names, prefix
        return any(name not in before or not torch.equal(after[name], before[name]) for name in names)

    assert all(has_changed(prefix) for prefix in changes)
    assert not any(has_changed(prefix) for prefix in stays)


def test_a_backbone_learns_only_where_there_is_time_for_it():
    assert speed_of(FineTuneConfig(speed="quick", parts="all")) == "thorough"
    assert speed_of(FineTuneConfig(speed="thorough", parts="experts")) == "quick"
    assert speed_of(FineTuneConfig(speed="live", parts="all")) == "live"
    network = DetailNetwork.of(tiny_network(), (0, 1))
    experts, head = (named_parameters_of(network, part) for part in (network.mix, network.head))
    assert learning([(1.0, experts), (2.0, head)], "head", network) == [(2.0, head)]


def test_cross_validation_judges_every_image_by_a_network_that_has_not_seen_it():
    config = replace(QUICK, validation="cross", augmentation=0.0)
    job, reports = run_cross([labelled(seed) for seed in (0, 1, 2)], config, steps=160)
    assert isinstance(job, CrossValidated)
    assert {"judging 1 of 3", "judging 3 of 3", "learning shapes", "done"} <= {r.phase for r in reports}
    assert job.metric_after > 0.7
    assert math.isnan(job.metric_before)
    assert job.is_better
    assert "3 images, each by a network that had not seen it" in job.validated_on
    assert accuracy(job.network) > 0.8
    fractions = [r.fraction for r in reports]
    assert fractions == sorted(fractions)


def test_images_that_contradict_each_other_are_found_out_by_cross_validation():
    """Each image alone is learned perfectly; what is learned from one is wrong on the other."""
    image, labels = disks(0)
    samples = [LabelledImage(image, labels), LabelledImage(image, (1 - labels).astype(np.uint8))]
    config = replace(QUICK, validation="cross", augmentation=0.0)
    job, _ = run_cross(samples, config, steps=100)
    assert job.metric_after < 0.3


def test_cross_validation_of_one_image_falls_back_to_held_out_pixels_and_says_so():
    job, _ = run_cross([labelled(0)], replace(QUICK, validation="cross"), steps=40)
    assert "cross-validation needs two images" in job.validated_on
    assert job.metric_after > 0.7


def test_finishing_before_all_images_were_judged_adopts_nothing():
    job = finetune(tiny_network(), [labelled(0), labelled(1)], replace(QUICK, validation="cross"))
    job.clock = clock = StepClock(200)
    for index, _ in enumerate(job):
        clock.ticks += 1
        if index == 10:
            job.finish()
    assert index < 14
    assert not job.is_better
    assert "Finished before" in job.note


def test_a_live_refit_says_what_it_now_sees_and_that_is_what_the_network_says():
    sample = replace(labelled(0), name="one")
    config = replace(QUICK, speed="live", shown="one")
    job, _ = run(tiny_network(), [sample, replace(labelled(1), name="other")], config, steps=40)
    assert job.shown is not None
    predictor = Predictor(job.network, "cpu", dtype=torch.float32)
    predictor.set_image(sample.image)
    expected = predictor.predict_classes()
    assert (job.shown.labels == expected.labels).mean() > 0.99
    assert np.abs(job.shown.confidence - expected.confidence).mean() < 0.02


def test_a_live_refit_keeps_everything_but_one_layer_from_run_to_run():
    store, config = FeatureStore(), replace(QUICK, speed="live", shown="one", classes_kept=(0, 1))
    image, labels = disks(0)
    few = labels.copy()
    few[20:] = 255
    first = finetune(tiny_network(), [LabelledImage(image, few, "one")], config, store)
    first.clock = clock = StepClock(30)
    for _ in first:
        clock.ticks += 1
    second = finetune(first.network, [LabelledImage(image, labels, "one")], config, store)
    second.clock = clock = StepClock(30)
    for _ in second:
        clock.ticks += 1
    before, after = state_of(first.network), state_of(second.network)
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith("head.pixel.") for name in changed)
    assert second.metric_after > 0.7


def test_a_refit_that_draws_is_taken_and_one_that_loses_is_not():
    """A handful of strokes is soon all right; what is corrected next must show all the same."""
    job, _ = run(tiny_network(), [labelled(0)], replace(QUICK, speed="live", classes_kept=(0, 1)), steps=20)
    job.metric_before = job.metric_after = 1.0
    assert job.is_better
    job.metric_before, job.metric_after = 1.0, 0.9
    assert not job.is_better


def test_a_longer_run_must_gain_unless_hardly_anything_is_held_out():
    image, labels = disks(0)
    strokes = np.full_like(labels, 255)
    strokes[:40:12, ::6] = labels[:40:12, ::6]
    few, many = [LabelledImage(image, strokes)], [labelled(seed) for seed in range(4)]
    for samples, draws in ((few, True), (many, False)):
        job = finetune(tiny_network(), samples, QUICK)
        job.metric_before = job.metric_after = 1.0
        job._session.step = 1
        assert job.is_better == draws
        job.metric_after = 0.8
        assert not job.is_better
        job.metric_before, job.metric_after = 0.8, 1.0
        assert job.is_better


@pytest.mark.parametrize("height", [32, 96])
def test_bands_give_what_the_whole_gives(height):
    job, _ = run(tiny_network(), [labelled(0)], steps=30)
    pixel = job.network.head.pixel
    generator = torch.Generator().manual_seed(0)
    maps = [
        torch.randn(1, dim, height // stride, 64 // stride, generator=generator)
        for dim, stride in zip(pixel.dims, (16, 8, 4, 2, 1), strict=True)
    ]
    with torch.no_grad():
        whole = pixel.on_maps(maps)[0]
        parts = torch.cat([logits for _, logits in bands_of_logits(pixel, maps, torch.float32)], 1)
    assert torch.allclose(whole, parts, atol=1e-4)


def test_a_part_of_a_clock_is_a_clock():
    now = [0.0]
    whole = Clock(100.0, now=lambda: now[0])
    now[0] = 40.0
    part = Span(whole, 30.0, 20.0)
    assert (part.spent, part.fraction) == (10.0, 0.5)
    part.hold()
    now[0] = 90.0
    assert part.fraction == 0.5
    part.resume()
    now[0] = 120.0
    assert part.fraction == 1.0


def with_labels(sample, where):
    """The same image, labelled in a part of it."""
    labels = np.full_like(sample.labels, IGNORED)
    labels[where] = sample.labels[where]
    return LabelledImage(sample.image, labels)


def words_after(first, then):
    """What is said of the figures of a run on samples after another one."""
    job = finetune(tiny_network(), first, QUICK)
    seen = {SEEN: seen_after({}, first, job.learned_cells)}
    job = finetune(tiny_network(), then, QUICK)
    assert job.validated_on
    return validation_words(job.validated_on, seen, then, job.held_cells)


def test_what_an_earlier_run_was_taught_is_said_beside_the_figure_that_it_flatters():
    image = labelled(0)
    assert "flatters" not in words_after([image], [image]), "the same cells are held out again"
    assert "flatters" not in words_after([with_labels(image, slice(0, 32))], [image])
    (held,) = hold_out([image.labels], 2, QUICK.held_out, [zlib.crc32(image.image.tobytes())])
    row, col = np.argwhere(held)[0]
    stroke = with_labels(
        image, (slice(row, row + 3), slice(col, col + 3))
    )  # too little to hold any of it out
    assert "may have learned from some of these pixels" in words_after([stroke], [image])
    assert "flatters" not in words_after([stroke], [labelled(1)]), "another image"


def test_images_judged_in_turn_are_flattered_by_any_earlier_run():
    samples, in_turn = [labelled(0), labelled(1)], "2 images, each by a network that had not seen it"
    seen = {SEEN: seen_after({}, samples[:1], [1])}
    assert validation_words(in_turn, {}, samples, [0, 0]) == in_turn
    assert "had seen 1 of them" in validation_words(in_turn, seen, samples, [0, 0])
    assert validation_words("", seen, samples, [1, 1]) == ""


@pytest.mark.parametrize("form", [list, lambda marks: dict.fromkeys(marks, "no number")])
def test_weights_that_do_not_say_what_they_learned_from_an_image_may_have_learned_all_of_it(form):
    samples = [labelled(0), labelled(1)]
    seen = {SEEN: form(seen_after({}, samples[:1], [1]))}
    assert "may have learned" in validation_words("held-out pixels", seen, samples, [2, 0])
    assert validation_words("held-out pixels", seen, samples, [0, 2]) == "held-out pixels"
    assert len(seen_after(seen, samples, [1, 1])) == 2


def test_cells_that_were_learned_add_up_from_run_to_run():
    samples = [labelled(0)]
    first = {SEEN: seen_after({}, samples, [0b0011])}
    then = {SEEN: seen_after(first, samples, [0b0100])}
    assert ["flatters" in validation_words("x", then, samples, [1 << cell]) for cell in range(4)] == [
        True, True, True, False
    ]  # fmt: skip


def test_what_is_held_out_is_not_learned_from():
    job = finetune(tiny_network(), [labelled(0)], QUICK)
    assert job.held_cells[0]
    assert job.held_cells[0] & job.learned_cells[0] == 0
