"""Objects that were accepted teach clicks, and only clicks on what looks like them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
import torch
from scipy import ndimage

from model import ClickTuneConfig, LabelledImage, ModelError, Predictor, finetune_clicks
from model.networks.encoding import PromptTensors
from model.networks.network import LatentExpertNetwork
from model.networks.taught_clicks import NEVER
from model.prediction.kinship import encode_alike
from model.training import click_tuning
from model.training.click_examples import examples_of, held_apart
from model.training.click_measure import ClickFigures, click_into_error, measure_clicks
from model.training.click_tuning import ClickTuning, in_words
from model.training.outcome import NotLearnedError
from model.training.provenance import after_clicks
from model.training.types import TAKEN_OVER
from model.weights.checkpoint import CheckpointMeta, load, save
from tests.model.clicked_scenes import trained_network
from tests.model.finetuning import StepClock, state_of

CONFIG = ClickTuneConfig(device="cpu")


def rings(seed: int, count: int = 6, side: int = 200) -> LabelledImage:
    """Rings on noise: an object is a ring with its hole, of which a click in the middle says nothing."""
    generator = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(generator.normal(0, 1, (side, side, 3)), (1, 1, 0))
    image = 110 + 60 * noise
    numbers = np.zeros((side, side), np.int32)
    rows, cols = np.mgrid[:side, :side]
    for number in range(1, count + 1):
        row, col = 34 + 66 * ((number - 1) % 3), 34 + 66 * ((number - 1) // 3)
        radius = generator.integers(18, 25)
        away = np.hypot(rows - row, cols - col)
        numbers[away < radius] = number
        image[(away < radius) & (away > radius - 6)] = (200, 60, 60)
    labels = np.where(numbers > 0, np.uint8(1), np.uint8(0))
    return LabelledImage(image.clip(0, 255).astype(np.uint8), labels, objects=numbers)


def finished(job: ClickTuning) -> None:
    """Let it run to its end, although it shall end at once."""
    for _ in job:
        job.finish()


@cache
def network() -> LatentExpertNetwork:
    made = trained_network()
    assert isinstance(made, LatentExpertNetwork)
    return made.eval().requires_grad_(False)


def ended(samples: list[LabelledImage], steps: int = 30) -> ClickTuning:
    """A job after its end that made about so many steps, however busy the machine is."""
    job = finetune_clicks(network(), samples, CONFIG)
    job.clock = clock = StepClock(steps)
    for progress in job:
        clock.ticks = min(clock.ticks + (progress.phase == "learning"), steps)
    return job


@pytest.fixture(scope="module")
def learned() -> ClickTuning:
    return ended([rings(1), rings(2)], steps=40)


def test_held_out_objects_are_clicked_better_after_others_of_their_kind_were_learned(
    learned: ClickTuning,
) -> None:
    assert learned.num_learned + learned.num_held == 12
    assert learned.step >= 20
    assert learned.after.iou_after(1) > learned.before.iou_after(1) + 0.03
    assert learned.after.clicks < learned.before.clicks
    assert learned.is_better
    assert f"from {learned.num_learned} of 12 objects" in in_words(learned)


def test_an_object_of_another_image_is_clicked_better_as_well(learned: ClickTuning) -> None:
    figures = []
    for each in (network(), learned.network):
        found = ClickFigures()
        for _ in measure_clicks(Predictor(each, "cpu"), examples_of([rings(7)])[:3], found):
            pass
        figures.append(found)
    assert figures[1].iou_after(1) > figures[0].iou_after(1)


def test_clicks_on_other_things_and_classes_are_answered_as_before_bit_for_bit(learned: ClickTuning) -> None:
    from skimage import data

    image = data.astronaut()[:300, :300]
    before, after = Predictor(network(), "cpu"), Predictor(learned.network, "cpu")
    before.set_image(image)
    after.set_image(image)
    for xy in ((220.0, 100.0), (60.0, 250.0), (150.0, 280.0)):
        one, other = before.predict([xy], [1]), after.predict([xy], [1])
        assert np.array_equal(one[0], other[0])
        assert one[1] == other[1]
    assert np.array_equal(before.predict_classes().confidence, after.predict_classes().confidence)


def test_images_stay_encoded_and_the_weights_that_learned_are_left_alone(learned: ClickTuning) -> None:
    before, after = Predictor(network(), "cpu"), Predictor(learned.network, "cpu")
    assert encode_alike(after, before)
    known = state_of(network())
    assert all(
        torch.equal(value, known[name]) for name, value in state_of(learned.network).items() if name in known
    )


def test_what_was_learned_is_saved_loaded_and_goes_on_with_other_classes(
    learned: ClickTuning, tmp_path
) -> None:
    from model.networks.detail_network import DetailNetwork

    path = tmp_path / "taught.safetensors"
    provenance = after_clicks({"fine_tuning": "of another program"}, learned, version="v1")
    save(path, learned.network, CheckpointMeta(provenance=provenance))
    again, meta = load(path)
    told = meta.provenance["fine_tuning"][-1]
    assert told["learned"] == "clicks"
    assert told["clicks_after"]["85%"] < told["clicks_before"]["85%"]
    assert isinstance(again, LatentExpertNetwork)
    taught = again.taught
    assert taught is not None
    detail = DetailNetwork.of(again, (None, None, None))
    assert detail.taught is not None
    assert torch.equal(detail.taught.looks, taught.looks)
    assert float(detail.taught.least) == float(taught.least) < NEVER


def test_of_several_clicks_at_once_each_is_answered_by_the_decoder_that_it_belongs_to(
    learned: ClickTuning,
) -> None:
    taught = learned.network
    assert isinstance(taught, LatentExpertNetwork)
    assert taught.taught is not None
    image = torch.from_numpy(rings(7).image).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        encoding = taught.encode(image)
        twice = encoding.apply(lambda x: x.expand(2, *x.shape[1:]))
        # a negative click alone is on nothing that was taught
        points, labels = torch.tensor([[[34.0, 34.0]], [[34.0, 34.0]]]), torch.tensor([[1], [0]])
        assert taught.taught.is_known(twice, PromptTensors(points, labels)).tolist() == [True, False]
        both = taught.segment(twice, PromptTensors(points, labels)).logits
        alone = taught.segment(encoding, PromptTensors(points[:1], labels[:1])).logits
        plain = network().segment(encoding, PromptTensors(points[1:], labels[1:])).logits
    assert torch.allclose(both[0], alone[0], atol=1e-3)
    assert torch.allclose(both[1], plain[0], atol=1e-3)


def test_a_box_is_on_something_known_by_its_middle(learned: ClickTuning) -> None:
    taught = learned.network
    assert isinstance(taught, LatentExpertNetwork)
    assert taught.taught is not None
    image = torch.from_numpy(rings(7).image).permute(2, 0, 1)[None].float() / 255
    none = torch.zeros(1, 1, 2), torch.tensor([[-1]])
    with torch.inference_mode():
        encoding = taught.encode(image)
        box = PromptTensors(*none, torch.tensor([[14.0, 14.0, 54.0, 54.0]]))
        assert taught.taught.is_known(encoding, box).tolist() == [True]
        no_box = PromptTensors(*none, torch.full((1, 4), float("nan")))
        assert taught.taught.is_known(encoding, no_box).tolist() == [False]


def test_learning_again_begins_with_what_came_with_the_program(learned: ClickTuning) -> None:
    from model.training.click_learner import teachable

    assert isinstance(learned.network, LatentExpertNetwork)
    again = teachable(learned.network, 3)
    assert again.taught is not None
    own = {name: value for name, value in again.taught.decoder.state_dict().items()}
    plain = again.click.state_dict()
    assert all(torch.equal(value, plain[name]) for name, value in own.items())


def test_which_labels_are_objects() -> None:
    numbered = rings(3)
    assert len(examples_of([numbered])) == 6
    taken_over = np.where(numbered.objects == 1, np.uint8(TAKEN_OVER), np.uint8(2))
    some = LabelledImage(numbered.image, numbered.labels, origin=taken_over, objects=numbered.objects)
    assert len(examples_of([some])) == 5, "what a prediction said teaches nothing"
    plain = LabelledImage(numbered.image, numbered.labels)
    assert len(examples_of([plain])) == 6, "areas of a class, where nothing is numbered"
    strokes = LabelledImage(numbered.image, numbered.labels, origin=np.full_like(numbered.labels, 3))
    assert examples_of([strokes]) == [], "strokes are not objects"


def test_the_same_objects_are_held_out_when_others_join_them() -> None:
    few, more = examples_of([rings(1), rings(2)]), examples_of([rings(1), rings(2), rings(3)])
    learned, held = ({each.turn for each in part} for part in held_apart(few))
    assert len(learned) > len(held) > 1
    assert not learned & {each.turn for each in held_apart(more)[1]}


def test_too_few_objects_and_other_networks_are_refused_in_words() -> None:
    with pytest.raises(ModelError, match="from 3 objects"):
        finetune_clicks(network(), [rings(1, count=3)])
    with pytest.raises(ModelError, match="cannot learn from clicks"):
        finetune_clicks(torch.nn.Conv2d(3, 2, 1), [rings(1)])
    with pytest.raises(ModelError, match="time"):
        finetune_clicks(network(), [rings(1)], ClickTuneConfig(seconds=0.0))


def test_worse_is_not_better_and_a_draw_needs_a_better_first_mask() -> None:
    job = finetune_clicks(network(), [rings(1)], CONFIG)
    job.step = 1

    def outcome(before: list[float], after: list[float]) -> bool:
        job.before, job.after = ClickFigures([before]), ClickFigures([after])
        return job.is_better

    assert outcome([0.5, 0.6, 0.92], [0.8, 0.91])
    assert not outcome([0.8, 0.91], [0.5, 0.6, 0.92])
    assert not outcome([0.8, 0.91], [0.8, 0.91])
    assert outcome([0.5, 0.91], [0.8, 0.91])


def test_ending_early_measures_what_was_learned_and_ending_at_once_says_so() -> None:
    job = finetune_clicks(network(), [rings(1)], CONFIG)
    for progress in job:
        if progress.phase == "learning":
            job.finish()
    assert job.step == 1
    assert job.has_learned
    early = finetune_clicks(network(), [rings(1)], CONFIG)
    with pytest.raises(NotLearnedError):
        finished(early)


def test_where_making_ready_took_all_the_time_one_step_is_made_and_no_more() -> None:
    job = finetune_clicks(network(), [rings(1)], CONFIG)
    job.clock = clock = StepClock(1)
    for _ in job:
        clock.ticks += 1
    assert job.step == 1
    assert job.has_learned


def test_measuring_says_how_far_it_is_and_takes_a_share_of_the_time_only() -> None:
    job = finetune_clicks(network(), [rings(1, count=9), rings(2, count=9), rings(3, count=9)], CONFIG)
    held = job.num_held
    assert held > 2
    job.clock = clock = StepClock(200)
    first, last, fractions = [], [], [0.0]
    for progress in job:
        clock.ticks += 40 if progress.phase == "measuring" else 10
        fractions.append(progress.fraction)
        if progress.phase == "measuring":
            (last if progress.step else first).append((progress.done, progress.total))
    assert first[0] == (0, held), "it is said before the first object is done"
    assert job.num_held == 2, "two are measured however long it takes, and no more when the time is over"
    assert last[0] == (0, 2)
    assert {done for done, _ in last} >= {0, 1}
    assert len(job.before.ious) == len(job.after.ious) == 4, "each by a careful and a sloppy person"
    assert fractions == sorted(fractions)
    assert max(fractions[:-1]) < fractions[-1] == 1, "it is full when all is done"
    assert "on 2 others" in in_words(job)
    assert "of 27 objects" in in_words(job)


def test_more_objects_than_are_looked_at_are_counted_all_the_same() -> None:
    samples = [rings(seed, count=9) for seed in range(8)]
    job = finetune_clicks(network(), samples, CONFIG)
    assert job.num_objects == 72
    assert job.num_learned + job.num_held == 60


def test_a_lack_of_memory_leaves_everything_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> Iterator[None]:
        raise MemoryError

    monkeypatch.setattr(click_tuning, "views_of", no_memory)
    job = ended([rings(1)])
    assert "Memory ran out" in job.note
    assert not job.is_better
    assert job.network is network()


def test_a_person_clicks_where_it_is_deepest_or_near_it() -> None:
    truth = np.zeros((40, 40), bool)
    truth[10:31, 5:36] = True
    generator = np.random.default_rng(0)
    place, is_positive = click_into_error(np.zeros_like(truth), truth, [], 0.0, generator) or ((0, 0), False)
    assert place[0] == 20
    assert is_positive
    sloppy = {click_into_error(np.zeros_like(truth), truth, [], 0.7, generator) for _ in range(30)}
    assert len(sloppy) > 10
    place, is_positive = click_into_error(np.ones_like(truth), truth, [], 0.0, generator) or ((0, 0), True)
    assert not truth[place]
    assert not is_positive
    assert click_into_error(truth, truth, [], 0.0, generator) is None
