"""Every network learns from a few masks: better than before, the same twice, and never without a step."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.analysis.metrics import confusion_matrix, mean_iou
from model.errors import ModelError
from model.networks.latent_experts import SegmentationModel
from model.prediction.predictor import Predictor
from model.training import learner, squares
from model.training.coverage import divided
from model.training.finetune import FineTuneConfig, LabelledImage, finetune
from model.training.outcome import NotLearnedError, refuse_unlearned
from model.training.plain import PlainTuning
from model.training.provenance import after_run
from model.training.types import IGNORED
from model.training.views import pictures_of
from model.weights.catalogue import fresh_network
from model.zoo import objects
from model.zoo.dense import ALWAYS, DenseNetwork
from model.zoo.presets import DENSE_KINDS
from model.zoo.tutorial import TutorialNetwork
from tests.model.finetuning import run, state_of
from tests.model.zoo.tiny_networks import TINY

KINDS = {kind.name: kind for kind in DENSE_KINDS}
FRESH = FineTuneConfig(
    num_classes=2, seconds=60.0, device="cpu", classes_kept=(None, None), learning_rate=1e-2
)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def network_of(name, num_classes=2, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if name == "tutorial":
            return TutorialNetwork(num_classes=num_classes).eval()
        return objects.network_of(KINDS[name], num_classes, TINY[name]).eval()


def two_colours(seed=0, size=(64, 64)):
    """Left of a line one colour, right of it another: [H, W, 3], and labels [H, W]."""
    rng = np.random.default_rng(seed)
    edge = int(rng.integers(20, 44))
    labels = np.zeros(size, np.uint8)
    labels[:, edge:] = 1
    colours = np.array([[60, 90, 60], [190, 120, 70]])[labels]
    return (colours + rng.normal(0, 8, (*size, 3))).clip(0, 255).astype(np.uint8), labels


def sample(seed=0, **kwargs):
    return LabelledImage(*two_colours(seed, **kwargs))


def accuracy(network, seed=9):
    """Mean IoU on a picture that was not trained on."""
    image, truth = two_colours(seed)
    predictor = Predictor(network, "cpu", dtype=torch.float32)
    predictor.set_image(image)
    return mean_iou(confusion_matrix(truth, predictor.predict_classes().labels, 2))


AREAS = sorted(name for name, kind in KINDS.items() if kind.objects != ALWAYS)
"""Those that answer for areas; half of a picture is no object (see `test_object_networks`)."""


@pytest.mark.parametrize("name", [*AREAS, "tutorial"])
def test_every_network_learns_two_colours_and_the_one_given_stays(name):
    network, config, steps = network_of(name), FRESH, 70
    if (
        name == "tutorial"
    ):  # as offered, at the rate that is used where nobody chooses one: a minute is enough
        network, config, steps = fresh_network(name, 2), replace(FRESH, learning_rate=0.0), 150
    before = state_of(network)
    job, reports = run(network, [sample(0), sample(1)], config, steps=steps)
    assert isinstance(job, PlainTuning)
    assert job.has_learned
    assert accuracy(job.network) > max(0.7, accuracy(network))
    assert job.metric_after > 0.7
    assert job.is_better
    assert math.isnan(job.metric_before)  # fresh weights know none of the classes
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert reports[-1].phase == "done"
    assert reports[-1].metric == job.metric_after


@pytest.mark.parametrize("name", ["fcn", "fcn8s"])
def test_what_a_picture_shows_reaches_the_end_of_a_deep_network_from_the_start(name):
    """Else it is the biases that learn, and the answer is the same everywhere."""
    network = fresh_network(name, 2)
    image = torch.tensor(two_colours(size=(128, 128))[0]).permute(2, 0, 1)[None] / 255

    logits = network.classify(network.encode(image)).logits

    assert float(logits.detach().std()) > 0.1


@pytest.mark.parametrize("name", ["unet", "vit", "tutorial"])
def test_equal_seeds_and_steps_give_equal_weights_to_the_bit(name):
    """Dropout draws too, and whatever was drawn outside must not matter."""
    states = []
    for outside in (1, 2):
        torch.manual_seed(outside)
        job, _ = run(network_of(name), [sample(0)], FRESH, steps=12)
        states.append(state_of(job.network))
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
    other, _ = run(network_of(name), [sample(0)], replace(FRESH, seed=1), steps=12)
    assert not all(torch.equal(value, states[0][key]) for key, value in state_of(other.network).items())


def test_the_figure_is_that_of_the_weights_on_the_held_out_pixels():
    samples = [sample(0), sample(1)]
    job, _ = run(network_of("unet"), samples, FRESH, steps=30)
    held = divided(samples, FRESH).held
    confusion = np.zeros((2, 2), np.int64)
    for each, where in zip(samples, held, strict=True):
        predictor = Predictor(job.network, "cpu", dtype=torch.float32)
        predictor.set_image(each.image)
        truth = np.where(where, each.labels, np.uint8(IGNORED))
        confusion += confusion_matrix(truth, predictor.predict_classes().labels, 2)
    assert job.metric_after == pytest.approx(mean_iou(confusion), abs=1e-6)
    assert job.validated_on == "held-out pixels of 2 images"
    assert sum(each.bit_count() for each in job.held_cells) > 0
    assert all(not held & learned for held, learned in zip(job.held_cells, job.learned_cells, strict=True))


def test_held_out_pixels_are_not_learned_from():
    """The right labels of held-out pixels are in no square, whatever the variation: they have a class of their own."""
    given, config = sample(0), replace(FRESH, num_classes=3, classes_kept=(None,) * 3)
    (held,) = divided([given], config).held
    marked = replace(given, labels=np.where(held, np.uint8(2), given.labels))
    assert 2 in marked.labels
    pictures = pictures_of([marked], [held])
    drawn = squares.Squares(
        pictures, config, torch.Generator().manual_seed(0), scarcity=1.0, is_upright=False
    )
    seen = {int(value) for _ in range(40) for value in drawn.batch(2)[1].unique()}
    assert seen == {0, 1, IGNORED}


def test_it_goes_on_from_what_was_learned_and_a_class_more_is_learned():
    first, _ = run(network_of("unet"), [sample(0), sample(1)], FRESH, steps=60)
    image, labels = two_colours(2)
    image[:20], labels[:20] = (20, 20, 220), 2
    more = replace(FRESH, num_classes=3, classes_kept=(0, 1, None), learning_rate=3e-3)
    grown, _ = run(first.network, [LabelledImage(image, labels), sample(0)], more, steps=60)
    assert grown.network.config.num_classes == 3
    assert not math.isnan(grown.metric_before)
    assert grown.metric_after > grown.metric_before
    predictor = Predictor(grown.network, "cpu", dtype=torch.float32)
    predictor.set_image(image)
    assert (predictor.predict_classes().labels[:16] == 2).mean() > 0.7


def test_a_run_whose_time_is_over_before_its_first_step_is_an_error():
    job = finetune(network_of("unet"), [sample(0)], replace(FRESH, seconds=1e-6))
    with pytest.raises(NotLearnedError, match="no step was made"):
        list(job)


def test_finished_early_it_hands_out_what_it_has_measured():
    job = finetune(network_of("unet"), [sample(0)], FRESH)
    for progress in job:
        if progress.step == 5:
            job.finish()
    assert job.has_learned
    assert not math.isnan(job.metric_after)
    none = finetune(network_of("unet"), [sample(0)], FRESH)
    none.finish()
    list(none)
    with pytest.raises(NotLearnedError, match="finished before it had learned"):
        refuse_unlearned(none)


def test_numbers_that_are_none_end_it_and_the_last_good_weights_stay(monkeypatch):
    real, count = squares.Squares.batch, [0]

    def broken(self, size):
        images, labels = real(self, size)
        count[0] += 1
        return (images * float("nan") if count[0] > 40 else images), labels

    monkeypatch.setattr(squares.Squares, "batch", broken)
    job, reports = run(network_of("unet"), [sample(0)], FRESH, steps=70)
    assert "diverged" in job.note
    assert job.has_learned  # what was measured at half of the time
    assert all(bool(value.isfinite().all()) for value in job.network.state_dict().values())
    assert reports[-1].phase == "done"


def test_where_memory_ends_the_batch_is_halved_and_then_it_is_said(monkeypatch):
    sizes: list[int] = []

    def short(self, size):
        sizes.append(size)
        raise torch.OutOfMemoryError

    def at_logits(self, network, images):
        if len(images) > 1:
            raise torch.OutOfMemoryError
        with self.autocast():
            return network.classify(network.encode(images)).logits

    monkeypatch.setattr(learner.Site, "logits", at_logits)
    job, _ = run(network_of("unet"), [sample(0)], FRESH, steps=12)
    assert job.has_learned
    assert not job.note
    monkeypatch.setattr(squares.Squares, "batch", short)
    failed, _ = run(network_of("unet"), [sample(0)], FRESH, steps=12)
    assert "Memory ran out" in failed.note
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1
    with pytest.raises(NotLearnedError, match="Memory ran out"):
        refuse_unlearned(failed)


def test_live_learning_and_networks_that_cannot_learn_are_refused_in_words():
    with pytest.raises(ModelError, match="Only the latent-expert network learns while you correct"):
        finetune(network_of("unet"), [sample(0)], replace(FRESH, speed="live"))
    with pytest.raises(ModelError, match="cannot be fine-tuned"):
        finetune(torch.nn.Conv2d(3, 2, 1), [sample(0)], FRESH)
    job = finetune(network_of("unet"), [sample(0)], replace(FRESH, parts="head"))
    assert "here everything learned" in job.remarks[0]


def test_the_tutorials_own_class_learns_as_well():
    torch.manual_seed(0)
    job, _ = run(SegmentationModel(num_classes=2), [sample(0)], FRESH, steps=8)
    assert isinstance(job.network, TutorialNetwork)
    assert job.has_learned


def test_classes_of_the_tutorial_are_exchanged():
    given = network_of("tutorial", num_classes=3)
    image = torch.rand(1, 3, 33, 21, generator=torch.Generator().manual_seed(0))
    swapped = given.with_classes([2, None, 0])
    with torch.no_grad():
        before, after = (each.classify(each.encode(image)).logits for each in (given, swapped))
    assert torch.equal(after[:, 0], before[:, 2])
    assert torch.equal(after[:, 2], before[:, 0])
    assert not any(torch.equal(after[:, 1], before[:, index]) for index in range(3))


def test_every_image_can_be_judged_by_a_network_that_has_not_seen_it():
    config = replace(FRESH, validation="cross")
    job, _ = run(network_of("unet"), [sample(0), sample(1)], config, steps=140)
    assert "each by a network that had not seen it" in job.validated_on
    assert job.metric_after > 0.5
    assert isinstance(job.network, DenseNetwork)


def test_only_as_much_is_measured_as_there_is_time_for_and_that_is_said():
    """A clock that a measurement moves on: the first one may take a share of the time, no more."""

    class Slow:
        seconds, ticks = 100.0, 0.0

        @property
        def spent(self):
            self.ticks += 1.0  # whoever looks at it takes a second
            return self.ticks

        @property
        def fraction(self):
            return min(1.0, self.ticks / self.seconds)

    samples = [sample(seed, size=(48, 48)) for seed in range(24)]
    job = finetune(network_of("attention-cnn"), samples, replace(FRESH, seconds=100.0))
    job.clock = clock = Slow()
    count = divided(samples, FRESH).num_held
    for _ in job:
        clock.ticks += 1
    assert job.has_learned
    measured = int(job.validated_on.split(" of ")[1])
    assert 10 <= measured < 24
    assert job.validated_on == f"held-out pixels of {measured} of {count} images"


def test_the_run_is_told_of_in_the_weights():
    samples = [sample(0)]
    job, _ = run(network_of("unet"), samples, FRESH, steps=8)
    provenance = after_run({}, job, samples, FRESH, job.validated_on, started_from="fresh weights of unet")
    (told,) = provenance["fine_tuning"]
    assert told["started_from"] == "fresh weights of unet"
    assert told["steps"] == job.step > 0
    assert len(provenance["seen_images"]) == 1
