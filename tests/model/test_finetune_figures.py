"""What is measured is what is handed out: on pixels made by hand, by one definition, and never without learning."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from model.analysis.metrics import confusion_matrix, mean_iou
from model.errors import ModelError
from model.networks.anatomy import named_parameters_of
from model.prediction.predictor import Predictor
from model.training import crops, pixels, views
from model.training import finetune as finetuning
from model.training import full_images as whole
from model.training import pseudo_labels as growth
from model.training.coverage import coverage_remarks, painted_classes, seen_of
from model.training.finetune import FineTuneConfig, LabelledImage, finetune
from model.training.objective import Objective
from model.training.outcome import NotLearnedError, is_worse, refuse_unlearned
from model.training.pixels import _at
from model.training.session import DivergedError, Optimiser
from model.training.types import ACCEPTED, IGNORED, PAINTED, TAKEN_OVER
from tests.model.finetuning import QUICK, StepClock, labelled, run, state_of
from tests.model.strokes import stroked
from tests.tiny import disks, tiny_network


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


# -- no run without learning --------------------------------------------------------------------------


@pytest.mark.parametrize("speed", ["quick", "thorough"])
@pytest.mark.parametrize("validation", ["held-out", "cross"])
def test_a_run_whose_time_is_over_before_its_first_step_is_an_error(speed, validation):
    config = replace(QUICK, speed=speed, validation=validation, seconds=1e-6)
    job = finetune(tiny_network(), [labelled(0), labelled(1)], config)
    with pytest.raises(NotLearnedError, match=r"no step was made. Give it more time"):
        list(job)
    assert not job.has_learned


@pytest.mark.parametrize("speed", ["quick", "thorough"])
def test_a_machine_that_takes_all_the_time_to_get_ready_learns_all_the_same(monkeypatch, speed):
    job = finetune(tiny_network(), [labelled(0), labelled(1)], replace(QUICK, speed=speed))
    job.clock = clock = StepClock(60)

    def slow(session):
        clock.ticks += 70
        yield "trying"

    monkeypatch.setattr(finetuning, "choose_variation", slow)
    for _ in job:
        clock.ticks += 1
    assert job.has_learned
    assert job.step > 2
    assert clock.ticks <= 70 + 60 * 0.2 + 5, "a little is added, no more"
    assert any("a little was added" in remark for remark in job.remarks)


def test_a_run_in_time_gets_nothing_added():
    job, _ = run(tiny_network(), [labelled(0), labelled(1)])
    assert not any("was added" in remark for remark in job.remarks)


def test_a_run_that_is_finished_or_fails_before_it_has_learned_has_no_weights(monkeypatch):
    finished = finetune(tiny_network(), [labelled(0)], QUICK)
    finished.finish()
    assert [progress.phase for progress in finished][-1] == "done"
    with pytest.raises(NotLearnedError, match="finished before it had learned"):
        refuse_unlearned(finished)

    def short(session, side):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(crops, "_crop", short)
    failed, _ = run(tiny_network(), [labelled(0)])
    with pytest.raises(NotLearnedError, match="Memory ran out"):
        refuse_unlearned(failed)
    monkeypatch.undo()
    good, _ = run(tiny_network(), [labelled(0)], steps=20)
    refuse_unlearned(good)


def test_growing_strokes_keeps_to_its_share_of_the_time_however_long_trees_take(monkeypatch):
    """A forest that was grown at once took the whole of a run, and nothing was learned."""
    from sklearn.ensemble import RandomForestClassifier

    job = finetune(tiny_network(), [stroked(0), stroked(1)], replace(QUICK, held_out=0.0, seconds=30.0))
    job.clock = clock = StepClock(200)
    real, trees = RandomForestClassifier.fit, []

    def slow(self, *args, **kwargs):
        new = self.n_estimators - len(getattr(self, "estimators_", []))
        trees.append(new)
        clock.ticks += new
        return real(self, *args, **kwargs)

    monkeypatch.setattr(RandomForestClassifier, "fit", slow)
    for _ in growth.grow_strokes(job._session):
        clock.ticks += 1
    assert sum(trees) < growth.TREES
    assert clock.fraction <= growth.SHARE + growth.AT_ONCE / 200
    assert any(int((p.train != IGNORED).sum()) > 2000 for p in job._session.pictures), "it grew all the same"


def test_accepted_objects_do_not_grow_and_cost_no_time():
    sample = stroked(0)
    origin = np.where(sample.labels == 1, ACCEPTED, PAINTED).astype(np.uint8)
    assert painted_classes([sample]) == {0, 1}
    mixed = replace(sample, origin=origin)
    assert painted_classes([mixed]) == {0}
    config = replace(QUICK, held_out=0.0, seconds=30.0)
    session = finetune(tiny_network(), [mixed], config)._session
    list(growth.grow_strokes(session))
    grown = session.pictures[0].train.numpy()
    assert (grown == 1).sum() == (sample.labels == 1).sum()
    assert (grown == 0).sum() > 2 * (sample.labels == 0).sum()
    accepted = replace(sample, origin=np.full_like(sample.labels, ACCEPTED))
    assert not list(growth.grow_strokes(finetune(tiny_network(), [accepted], config)._session))


# -- what is measured ---------------------------------------------------------------------------------


def test_a_class_without_a_labelled_pixel_has_no_iou_and_its_pixels_are_missed_elsewhere():
    confusion = np.array([[90, 5, 5], [4, 46, 0], [0, 0, 0]])
    assert mean_iou(confusion) == pytest.approx((90 / 104 + 46 / 55) / 2)
    spoiled = np.array([[45, 5, 50], [4, 46, 0], [0, 0, 0]])
    assert mean_iou(spoiled) < mean_iou(confusion)


@pytest.mark.parametrize("speed", ["quick", "thorough"])
def test_the_figure_of_a_run_is_that_of_its_weights_on_the_held_out_pixels(speed):
    samples = [labelled(0), labelled(1)]
    job = finetune(tiny_network(), samples, replace(QUICK, speed=speed))
    job.clock = clock = StepClock(40)
    held = [np.full(sample.labels.shape, IGNORED, np.uint8) for sample in samples]
    for picture in job._session.pictures:
        held[picture.sample][...] = picture.held.numpy()
    for _ in job:
        clock.ticks += 1
    confusion = np.zeros((2, 2), np.int64)
    predictor = Predictor(job.network, "cpu", dtype=torch.float32)
    for sample, truth in zip(samples, held, strict=True):
        predictor.set_image(sample.image)
        confusion += confusion_matrix(truth, predictor.predict_classes().labels, 2)
    assert job.metric_after == pytest.approx(mean_iou(confusion), abs=0.02)


def test_nothing_is_measured_on_what_was_taken_over_from_a_prediction():
    image, labels = disks(0)
    origin = np.full_like(labels, TAKEN_OVER)
    job = finetune(tiny_network(), [LabelledImage(image, labels, origin=origin)], QUICK)
    assert job.validated_on == ""
    assert not job.held_cells[0]
    origin[:, :40] = PAINTED
    half = finetune(tiny_network(), [LabelledImage(image, labels, origin=origin)], QUICK)
    (picture,) = half._session.pictures
    assert bool((picture.held[:, :40] != IGNORED).any())
    assert bool((picture.held[:, 40:] == IGNORED).all())
    assert bool((picture.train[:, 40:] != IGNORED).any()), "it is learned from all the same"


def test_only_images_that_were_measured_are_counted_and_the_rest_is_said(monkeypatch):
    """The strokes of twelve images took the time to see more than two of them, and "12 images" were measured."""
    monkeypatch.setattr("model.training.prepare.VIEW_BYTES", 0)
    samples = [labelled(seed) for seed in range(5)]
    job, _ = run(tiny_network(), samples, steps=30)
    assert "held-out pixels of 1 of 5 images" in job.validated_on
    assert job.remarks == ["Time and memory sufficed for 1 of 5 images; give it more time to learn from all."]


def test_classes_that_no_held_out_pixel_has_are_named():
    image, labels = disks(0)
    labels = labels.copy()
    labels[:2, :2] = 2
    config = replace(QUICK, num_classes=4, classes_kept=(None,) * 4)
    job, _ = run(tiny_network(), [LabelledImage(image, labels), labelled(1)], config, steps=20)
    assert 3 in job.unmeasured
    assert not {0, 1} & set(job.unmeasured)


def test_the_better_of_two_stages_says_that_it_was_chosen():
    quick, _ = run(tiny_network(), [labelled(0), labelled(1)], steps=20)
    thorough, _ = run(tiny_network(), [labelled(0), labelled(1)], replace(QUICK, speed="thorough"), steps=30)
    assert "chosen" not in quick.validated_on
    assert "the better of two stages was chosen by the same pixels" in thorough.validated_on


def test_cross_validation_says_what_the_weights_that_learned_from_all_are_worth():
    job = finetune(
        tiny_network(), [labelled(0), labelled(1)], replace(QUICK, validation="cross", augmentation=0.0)
    )
    job.clock = clock = StepClock(120)
    for _ in job:
        clock.ticks += 1
    assert "2 images, each by a network that had not seen it" in job.validated_on
    final = job._final
    assert f"learned from all images have {final.metric_after:.2f} on held-out pixels" in job.validated_on
    assert job.network is final.network
    final.metric_before, final.metric_after = 0.9, 0.5
    assert not job.is_better, "whatever the others had"


def test_a_run_that_got_worse_is_told_from_one_that_drew():
    job, _ = run(tiny_network(), [labelled(seed) for seed in range(4)], steps=20)
    for before, after, worse in ((0.9, 0.5, True), (0.9, 0.9, False), (math.nan, 0.2, False)):
        job.metric_before, job.metric_after = before, after
        assert is_worse(job) == worse


def test_a_live_refit_that_loses_much_is_not_better_and_one_that_gains_is():
    job, _ = run(tiny_network(), [labelled(0)], replace(QUICK, speed="live"), steps=20)
    job.metric_before, job.metric_after = 0.9, 0.3
    assert not job.is_better
    job.metric_before, job.metric_after = 0.3, 0.9
    assert job.is_better


# -- how it learns ------------------------------------------------------------------------------------


@pytest.mark.parametrize("speed", ["live", "quick", "thorough"])
def test_a_seed_is_enough_for_the_same_weights_whatever_else_draws_random_numbers(speed):
    network, states = tiny_network(), []
    for outside in (1, 2):
        torch.manual_seed(outside)
        before = torch.get_rng_state()
        job = finetune(network, [labelled(0)], replace(QUICK, speed=speed, seed=7))
        job.clock = clock = StepClock(16)
        for _ in job:
            clock.ticks += 1
            assert torch.equal(torch.get_rng_state(), before), "and nothing else is disturbed"
        states.append(state_of(job.network))
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_a_small_picture_leaves_the_crops_of_large_ones_as_they_are():
    small = LabelledImage(*disks(1, size=(20, 20)))
    job = finetune(
        tiny_network(), [LabelledImage(*disks(0, size=(160, 160))), small], replace(QUICK, held_out=0.0)
    )
    for _, progress in zip(range(2), job, strict=False):
        assert progress.phase.startswith("encoding")
    levels, labels, _ = crops.draw(job._session, 12)
    assert labels.shape == (12, crops.CROP, crops.CROP)
    assert [level.shape[-1] for level in levels.maps] == [8, 16, 32, 64, 128]
    of_the_small = [part for part in labels if int((part != IGNORED).sum()) == 400]
    assert of_the_small, "the small one is there, as large as it is"
    assert all(bool(torch.isfinite(level).all()) for level in levels.maps)


def test_whole_pictures_of_a_few_pixels_come_in_handfuls(monkeypatch):
    counts = []
    real = whole._alike
    monkeypatch.setattr(whole, "_alike", lambda parts: counts.append(len(parts)) or real(parts))
    tiny = LabelledImage(*disks(1, size=(8, 8)))
    config = replace(QUICK, held_out=0.0, speed="thorough")
    run(tiny_network(), [tiny], config, steps=12)
    assert counts
    assert max(counts) <= whole.MOST_PARTS
    sizes = []
    monkeypatch.setattr(whole, "_alike", lambda parts: sizes.append(parts) or real(parts))
    run(tiny_network(), [tiny, LabelledImage(*disks(0, size=(160, 160)))], config, steps=12)
    assert max(part.train.shape[0] for parts in sizes for part in parts) == 160


@pytest.mark.parametrize("scale", [0.75, 1.3])
def test_labels_of_variations_lie_where_their_pixels_do(scale, monkeypatch):
    monkeypatch.setattr(views, "SCALE_RANGE", (scale, scale))
    monkeypatch.setattr(views, "random_turn", lambda *_, **__: lambda part: part)
    monkeypatch.setattr(views, "jitter_colour", lambda image, *_, **__: image)
    board = torch.kron((torch.arange(12)[:, None] + torch.arange(12)) % 2, torch.ones(16, 16)).to(torch.uint8)
    picture = views.LabelledWindow(board.float().expand(3, -1, -1), board, torch.full_like(board, IGNORED))
    made = views.vary(picture, torch.Generator().manual_seed(0), 1.0)
    wrong = ((made.image[0] > 0.5) != (made.train == 1)).float().mean()
    assert float(wrong) < 0.02


def test_the_pixel_path_learns_from_the_features_that_it_predicts_from():
    generator = torch.Generator().manual_seed(0)
    finest = torch.Size((1, 5, 96, 64))
    rows, cols = (torch.randint(limit, (300,), generator=generator) for limit in finest[-2:])
    for stride in (16, 8, 4, 2, 1):
        level = torch.randn(1, 3, 96 // stride, 64 // stride, generator=generator)
        enlarged = level
        while enlarged.shape[-1] < 64:
            enlarged = F.interpolate(enlarged, scale_factor=2, mode="bilinear", align_corners=False)
        found = _at(level, rows, cols, finest)
        assert torch.allclose(found, enlarged[0, :, rows, cols].T, atol=1e-5)


def test_the_pixel_path_learns_what_the_rest_of_the_network_leaves_over():
    """Where the other paths are sure and right there is nothing to learn, and where they are wrong there is."""
    session = finetune(tiny_network(), [labelled(0)], replace(QUICK, speed="live"))._session
    features = torch.randn(64, sum(session.network.head.dims), generator=torch.Generator().manual_seed(0))
    labels = torch.ones(64, dtype=torch.long)
    right, wrong = torch.tensor([-20.0, 20.0]).expand(64, 2), torch.tensor([20.0, -20.0]).expand(64, 2)
    with torch.no_grad():
        losses = [
            float(pixels._pixel_loss(session, features, offsets, labels, None)) for offsets in (right, wrong)
        ]
    assert losses[0] < 0.01 < 10 < losses[1]


def test_a_gradient_that_is_no_number_is_not_taken():
    session = finetune(tiny_network(), [labelled(0)], QUICK)._session
    head = session.network.head.pixel
    optimiser = Optimiser(session, [(1e-3, named_parameters_of(session.network, head))], 1.0)
    before = state_of(head)

    def loss():  # a number itself, but the root has no slope at nought
        return sum((parameter * 0).abs().sqrt().sum() for parameter in head.parameters())

    with pytest.raises(DivergedError):
        optimiser.step(loss)
    assert all(torch.equal(value, before[name]) for name, value in head.state_dict().items())


def test_lovasz_does_not_pull_at_classes_that_are_not_there():
    torch.manual_seed(0)
    logits, labels = torch.randn(1, 6, 8, 8), torch.randint(0, 2, (1, 8, 8))
    labels[:, 6:] = IGNORED
    present = Objective("lovasz", torch.ones(6))(logits, labels)
    probabilities = logits.softmax(1)[0, :, :6].flatten(1)
    expected = []
    for value in (0, 1):
        truth = (labels[0, :6].flatten() == value).float()
        errors, order = (truth - probabilities[value]).abs().sort(descending=True)
        sorted_truth = truth[order]
        jaccard = 1 - (truth.sum() - sorted_truth.cumsum(0)) / (truth.sum() + (1 - sorted_truth).cumsum(0))
        steps = torch.cat((jaccard[:1], jaccard[1:] - jaccard[:-1]))
        expected.append((errors * steps).sum())
    assert torch.allclose(present, torch.stack(expected).mean(), atol=1e-5)


# -- what goes in -------------------------------------------------------------------------------------


def test_a_grey_image_is_taken_as_one_of_three_equal_channels():
    image, labels = disks(0)
    grey = image[..., 0]
    colour = np.repeat(grey[..., None], 3, 2)
    states = [
        state_of(run(tiny_network(), [LabelledImage(each, labels)], steps=12)[0].network)
        for each in (grey, grey[..., None], colour)
    ]
    for state in states[1:]:
        assert all(torch.equal(value, states[0][name]) for name, value in state.items())
    both = [LabelledImage(grey, labels), LabelledImage(*disks(1))]
    cross = finetune(tiny_network(), both, replace(QUICK, validation="cross"))
    assert all(sample.image.shape[2] == 3 for sample in cross._samples)


def test_what_is_left_out_of_a_large_image_is_said_and_not_counted_as_seen(monkeypatch):
    monkeypatch.setattr(views, "WINDOW", 40)
    labels = np.zeros((200, 200), np.uint8)
    labels[:40] = 1
    assert len(views.windows_of(labels)[0]) == 12
    assert seen_of(labels).sum() == 12 * 1600
    image = np.zeros((200, 200, 3), np.uint8)
    (remark,) = coverage_remarks([LabelledImage(image, labels), labelled(0)])
    assert remark.startswith("1 image was too large")
    assert "the 12 parts with the most labels count, of 25 that have some" in remark
    job = finetune(tiny_network(), [LabelledImage(image, labels)], replace(QUICK, held_out=0.0))
    assert job.remarks == [remark]
    assert 0 < job.learned_cells[0].bit_count() < 36


def test_figures_need_samples_that_fit(tmp_path):
    with pytest.raises(ModelError, match="only 2"):
        finetune(
            tiny_network(), [LabelledImage(*disks(0)[:1], np.full((64, 80), 2, np.uint8))], FineTuneConfig()
        )
