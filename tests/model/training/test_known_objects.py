"""Where objects of one class are numbered, what is known of any object has a say; elsewhere nothing changes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from model.networks.detail_head import Levels
from model.networks.detail_network import DetailNetwork, hear_known_objects
from model.networks.filters import COLOURS, filter_bank
from model.networks.known_objects import SHARE, KnownObjects
from model.prediction.predictor import Predictor
from model.training import acquaintance
from model.training.acquaintance import LEAST_FOUND, MOST_OFF
from model.training.types import LabelledImage
from model.weights.checkpoint import load, save
from tests.discs import CONFIG, learned, touching
from tests.tiny import disks, tiny_network


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def heard_in_any_case(monkeypatch):
    """However little it knows of these objects, as far as a test says nothing else."""
    monkeypatch.setattr(acquaintance, "LEAST_FOUND", 0.0)
    monkeypatch.setattr(acquaintance, "MOST_OFF", math.inf)


def knowing(seed=0):
    """A network that has something to say of objects, though nothing sensible."""
    network = tiny_network(seed, knows_objects=1)
    with torch.no_grad():
        for parameter in network.known_objects.parameters():
            parameter.normal_(0, 0.3, generator=torch.Generator().manual_seed(seed))
    return network


def with_same_weights(network):
    """The same network, to which nothing is known of objects."""
    made = tiny_network(0)
    state = {name: t for name, t in network.state_dict().items() if not name.startswith("known_objects.")}
    made.load_state_dict(state, strict=True)
    return made


@pytest.mark.parametrize("thing", [0, 1])
def test_what_is_known_is_added_to_what_was_learned(thing):
    network = DetailNetwork.of(knowing(), (None, None)).give_separation(20)
    with torch.no_grad():
        for part in (network.head.context.last, network.head.separation.last):
            part.weight.normal_(0, 0.2, generator=torch.Generator().manual_seed(5))
    image = torch.rand(1, 3, 32, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        encoding = network.encode(image)
        alone = network.classify(encoding)
        hear_known_objects(network, thing)
        joined = network.classify(encoding)
        logit, depth = network.known_objects(levels_of(network, encoding))
    assert min(float(logit.std()), float(depth.std())) > 0.01
    odds, learned_odds = (each.logits[:, thing] - each.logits[:, 1 - thing] for each in (joined, alone))
    assert_close(odds - learned_odds, SHARE * logit[:, 0], rtol=1e-3, atol=1e-4)
    assert_close(joined.depth - alone.depth, depth, rtol=1e-3, atol=1e-4)


def levels_of(network, encoding):
    maps = encoding.deep, encoding.mid, encoding.class_tokens, encoding.class_detail
    known = Levels.of((*maps, filter_bank(encoding.image)))
    return network.answered(known, encoding.class_experts)[0]


NUMBERED = [touching(0), touching(1)]


def test_it_has_a_say_where_objects_of_one_class_are_numbered_and_nowhere_else():
    network = knowing()
    tuned = learned(NUMBERED, network=network, steps=30).network
    assert tuned.detail_config.known_objects == 2
    plain = [replace(sample, objects=None) for sample in NUMBERED]
    assert learned(plain, network=network, steps=30).network.detail_config.known_objects == 0
    three = replace(CONFIG, num_classes=3, classes_kept=(None, None, None))
    assert learned(NUMBERED, three, network=network, steps=30).network.detail_config.known_objects == 0
    without = learned(NUMBERED, network=with_same_weights(network), steps=30)
    assert without.network.detail_config.known_objects == 0
    onwards = replace(CONFIG, classes_kept=(0, 1))
    assert learned(NUMBERED, onwards, network=tuned, steps=30).network.detail_config.known_objects == 2
    assert learned(plain, onwards, network=tuned, steps=30).network.detail_config.known_objects == 0


class Telling:
    """What is known of objects: that they are brighter than the rest, and brightest in the middle."""

    def __init__(self, contrast=1.0):
        self.contrast, self.sizes = contrast, []

    def __call__(self, known, levels):
        light = levels.fine[:, COLOURS].float().mean(1, keepdim=True)
        share = (light - light.amin()) / (light.amax() - light.amin())
        self.sizes.append(tuple(light.shape[-2:]))
        return self.contrast * (share - 0.3) * 40, (share - 0.6) * 8


def heard(monkeypatch, samples, telling):
    monkeypatch.setattr(acquaintance, "LEAST_FOUND", LEAST_FOUND)
    monkeypatch.setattr(acquaintance, "MOST_OFF", MOST_OFF)
    monkeypatch.setattr(KnownObjects, "forward", lambda known, levels: telling(known, levels))
    return learned(samples, network=knowing(), steps=30).network.detail_config.known_objects == 2


def test_it_has_a_say_where_it_finds_the_numbered_objects_and_none_where_it_does_not(monkeypatch):
    assert heard(monkeypatch, NUMBERED, Telling())
    assert not heard(monkeypatch, NUMBERED, Telling(contrast=-1.0))
    swapped = [replace(sample, labels=1 - sample.labels) for sample in NUMBERED]
    assert not heard(monkeypatch, swapped, Telling())


def test_what_nobody_labelled_is_not_held_against_it(monkeypatch):
    """Of the four discs one is labelled; the others are right of it."""
    hidden = [replace(each, labels=each.labels.copy(), objects=each.objects.copy()) for each in NUMBERED]
    for sample in hidden:
        sample.labels[:, 29:], sample.objects[:, 29:] = 255, 0
    assert heard(monkeypatch, hidden, Telling())
    for sample in hidden:
        sample.labels[:, 29:] = 0  # now somebody says that there is nothing
    assert not heard(monkeypatch, hidden, Telling())


def test_finding_them_is_not_enough_where_it_finds_much_else(monkeypatch):
    """Four discs for three objects will do; four for two are right half of the time, and twice as many."""
    three = [_without(sample, 4) for sample in NUMBERED]
    assert heard(monkeypatch, three, Telling())
    two = [_without(_without(sample, 4), 3) for sample in NUMBERED]
    assert not heard(monkeypatch, two, Telling())


def _without(sample, number):
    gone = sample.objects == number
    return replace(
        sample,
        labels=np.where(gone, 0, sample.labels).astype(np.uint8),
        objects=np.where(gone, 0, sample.objects),
    )


def test_of_a_large_picture_it_is_asked_about_a_part_with_objects(monkeypatch):
    places = [(row, col) for row in (560, 600) for col in (500, 530, 560)]
    telling = Telling()
    assert heard(monkeypatch, [touching(0, places, shape=(640, 608))], telling)
    assert telling.sizes[0] == (512, 512)


def test_late_it_is_not_asked_and_what_held_before_goes_on(monkeypatch):
    monkeypatch.setattr(acquaintance, "LATEST", -1.0)
    assert not heard(monkeypatch, NUMBERED, Telling())
    monkeypatch.setattr(acquaintance, "LATEST", 0.3)
    monkeypatch.setattr(KnownObjects, "forward", lambda known, levels: Telling()(known, levels))
    tuned = learned(NUMBERED, network=knowing(), steps=30).network
    monkeypatch.setattr(acquaintance, "LATEST", -1.0)
    onwards = replace(CONFIG, classes_kept=(0, 1))
    assert learned(NUMBERED, onwards, network=tuned, steps=30).network.detail_config.known_objects == 2


def test_it_falls_silent_with_other_classes_and_with_a_backbone_of_their_own():
    tuned = learned(NUMBERED, network=knowing(), steps=30).network
    assert tuned.with_classes((0, 1)).detail_config.known_objects == 2
    assert tuned.with_classes((0, 1, None)).detail_config.known_objects == 0
    assert tuned.with_classes((1, 0)).detail_config.known_objects == 0
    assert tuned.give_classes_a_backbone().detail_config.known_objects == 0


LOUDNESS = ("class_head.pixels.", "head.context.last.", "votes.", "probe.path.last.")


@pytest.mark.parametrize("is_numbered", [False, True])
def test_learning_is_the_same_bit_for_bit_whatever_is_known_of_objects(is_numbered):
    """It does not learn with the few pictures, and they do not learn with it; heard, it takes half of the voice."""
    network = knowing()
    samples = NUMBERED if is_numbered else [LabelledImage(*disks(seed)) for seed in range(3)]
    networks = [
        learned(samples, network=each, steps=20).network for each in (network, with_same_weights(network))
    ]
    known, plain = (each.state_dict() for each in networks)
    for name, value in plain.items():
        share = 1 - SHARE if is_numbered and name.startswith(LOUDNESS) else 1.0
        assert torch.equal(known[name], value * share), name
    told = network.known_objects.state_dict()
    assert {name for name in known if name not in plain} == {f"known_objects.{name}" for name in told}
    assert all(torch.equal(value, known[f"known_objects.{name}"]) for name, value in told.items())
    assert np.array_equal(*(shown(each).labels for each in networks)) == (not is_numbered)


@pytest.mark.parametrize("is_numbered", [False, True])
def test_so_is_learning_that_goes_on_from_numbered_objects(is_numbered):
    network, onwards = knowing(), replace(CONFIG, classes_kept=(0, 1))
    later = NUMBERED if is_numbered else [replace(sample, objects=None) for sample in NUMBERED]
    known, plain = (
        learned(later, onwards, network=learned(NUMBERED, network=each, steps=20).network, steps=20).network
        for each in (network, with_same_weights(network))
    )
    told = known.state_dict()
    for name, value in plain.state_dict().items():
        share = 1 - SHARE if is_numbered and name.startswith(LOUDNESS) else 1.0
        assert torch.equal(told[name], value * share), name


def shown(network):
    predictor = Predictor(network, "cpu")
    predictor.set_image(disks(9)[0], for_clicks=False)
    return predictor.predict_classes()


def test_a_correction_shows_at_once_beside_what_is_known():
    """What is painted while looking is not averaged away: a live refit learns on top of both."""
    network = knowing()
    with torch.no_grad():
        network.known_objects.context.last.weight.zero_()
        network.known_objects.context.last.bias.fill_(8.0)  # everything is an object, it says
    tuned = learned(NUMBERED, network=network, steps=20).network
    image, labels = NUMBERED[0].image, NUMBERED[0].labels
    assert told(tuned, image, labels) < 0.6
    live = replace(CONFIG, speed="live", classes_kept=(0, 1))
    job = learned([replace(NUMBERED[0], objects=None)], live, network=tuned, steps=100)
    assert job.network.detail_config.known_objects == 2
    assert told(job.network, image, labels) > 0.95


def told(network, image, labels):
    predictor = Predictor(network, "cpu")
    predictor.set_image(image, for_clicks=False)
    return float((predictor.predict_classes().labels == labels).mean())


def test_clicks_are_the_same_with_it():
    network = knowing()
    plain = with_same_weights(network)
    assert network.encoding_state().keys() == plain.encoding_state().keys()
    assert network.attention_state().keys() == plain.attention_state().keys()
    image, _ = disks()
    masks = []
    for each in (network, plain):
        predictor = Predictor(each, "cpu")
        predictor.set_image(image)
        masks.append(predictor.predict([[30, 30]], [1])[2])
    assert np.array_equal(*masks)


def test_it_is_kept_in_files_and_files_without_it_load(tmp_path):
    network = knowing()
    for each, name in ((network, "with"), (with_same_weights(network), "without")):
        save(tmp_path / name, each)
        again, meta = load(tmp_path / name)
        assert ("knows_objects" in meta.config) == (name == "with")
        assert_close(again.state_dict(), each.state_dict())
    tuned = learned([touching(0), touching(1)], network=network, steps=3).network
    save(tmp_path / "tuned", tuned)
    again, _ = load(tmp_path / "tuned")
    assert again.detail_config == tuned.detail_config
    assert_close(again.known_objects.state_dict(), network.known_objects.state_dict())


def test_nothing_else_draws_other_first_weights_because_of_it():
    plain, knows = tiny_network(3), tiny_network(3, knows_objects=1)
    assert isinstance(knows.known_objects, KnownObjects)
    state = knows.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in plain.state_dict().items())
