"""A probe beside the context path: learned apart, mixed by what was left out, and kept with the weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from model.networks.config import DetailConfig
from model.networks.detail_network import DetailNetwork, build_detail, detail_from_json
from model.networks.votes import counted_words
from model.prediction.even_mix import with_even_mix
from model.prediction.predictor import Predictor
from model.training.finetune import finetune
from model.training.pixels import at_pixels, some_of_each
from model.training.prepare import count_votes, encode_pictures, order_pictures, set_statistics
from model.training.probing import USUAL_SHARE, Probing
from model.training.reserve import CELLS, Reserve
from model.training.types import IGNORED
from model.weights.checkpoint import CheckpointMeta, load, save
from tests.model.finetuning import QUICK, StepClock, labelled, run
from tests.tiny import disks, tiny_network

ALL = replace(QUICK, held_out=0.0, seconds=1e6)


def encoded(samples, config=ALL, **changes):
    """The session of a run that has encoded its pictures."""
    session = finetune(tiny_network(**changes), samples, config)._session
    order_pictures(session)
    list(encode_pictures(session, None))
    set_statistics(session)
    return session


def image_of(seed):
    return torch.from_numpy(disks(seed)[0]).permute(2, 0, 1)[None].float() / 255


def test_experts_say_what_those_are_that_ask_them():
    counts = torch.tensor([[90.0, 10.0, 0.0], [10.0, 90.0, 0.0], [50.0, 50.0, 0.0]])
    words = counted_words(counts)
    assert words.argmax(0).tolist()[:2] == [0, 1]
    assert abs(float(words[0, 2] - words[1, 2])) < 1e-5, "who is asked by both has nothing to say"
    assert not bool(words[2].any()), "nobody speaks of a class that nobody has labelled"
    assert bool(torch.isfinite(counted_words(torch.zeros(3, 2))).all())


def test_votes_reach_the_answer_and_vanish_with_the_experts():
    session = encoded([labelled(0), labelled(1)], evidence_dim=8)
    network = session.network.eval()
    image = image_of(0)
    with torch.inference_mode():
        before = network(image)
        count_votes(session)
        if not bool(network.votes.words.weight.any()):
            network.votes.take(torch.ones(2, 4) * torch.tensor([[1.0], [-1.0]]))
        assert not torch.equal(network(image), before)
        encoding = network.encode(image)
        silent = network.classify(encoding, expert_gains=torch.zeros(4)).logits
        network.votes.take(torch.zeros(2, 4))
        assert torch.equal(network.classify(encoding, expert_gains=torch.zeros(4)).logits, silent)


def test_votes_that_tell_other_pictures_nothing_are_not_raised():
    """Labels at random: whatever is counted in one picture does not hold in the next."""
    chance = np.random.default_rng(0)
    samples = [
        replace(labelled(seed), labels=chance.integers(0, 2, (64, 80)).astype(np.uint8)) for seed in range(3)
    ]
    session = encoded(samples, evidence_dim=8)
    count_votes(session)
    assert float(session.network.votes.words.weight.detach().abs().max()) < 0.2


def test_the_probe_learns_from_the_features_that_it_predicts_from():
    session = encoded([labelled(0)])
    probe, view = session.network.probe.eval(), session.views[0]
    with torch.no_grad():
        for parameter in probe.path.last.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(1))
        maps = probe.maps_of(view.features.levels.encoded, view.features.levels.fine)
        rows, cols = torch.tensor([0, 17, 63, 40]), torch.tensor([5, 79, 0, 33])
        whole = probe(maps)[0][:, rows, cols].T
        single = probe.on_pixels(probe.standardise(at_pixels(maps, rows, cols)))
    assert torch.allclose(whole, single, atol=1e-4)


def test_the_answer_is_the_mean_of_both_paths_however_often_it_is_asked_for():
    session = encoded([labelled(0), labelled(1)])
    network, image = session.network.eval(), image_of(2)
    with torch.no_grad():
        for part in (network.head.context.last, network.probe.path.last):
            for parameter in part.parameters():
                parameter.normal_(generator=torch.Generator().manual_seed(2))
        both = network(image)
        probing = Probing(session)
        probing.set_aside()
        context = network(image)
        probing.join()
        probing.join()
        mean = (1 - USUAL_SHARE) * context + USUAL_SHARE * (both - context)
        assert torch.allclose(network(image), mean, atol=1e-4)
    assert not torch.allclose(context, mean, atol=1e-2)


def test_classes_are_drawn_by_the_root_of_their_pixels_and_none_is_left_out():
    labels = torch.zeros(100, 101, dtype=torch.uint8)
    labels[:, 0] = 1
    labels[7, 7:9] = 2
    labels[50:] = torch.where(labels[50:] == 0, IGNORED, labels[50:])
    drawn = [
        torch.bincount(
            labels[tuple(some_of_each(labels, 400, torch.Generator(), commonness=power).unbind(1))].long()
        ).tolist()
        for power in (0.0, 0.5)
    ]
    assert drawn[0] == [133, 100, 2], "all classes alike, as far as they go"
    assert drawn[1] == [344, 48, 2], "5000, 100 and 2 pixels: as 71 to 10 to 1.4"
    few = some_of_each(labels, 2, torch.Generator(), commonness=0.5)
    assert sorted(labels[tuple(few.unbind(1))].tolist()) == [0, 1, 2]


def test_strokes_do_not_say_how_common_a_class_is():
    session = encoded([labelled(0), labelled(1)])
    view = session.views[0]
    labels = torch.full_like(view.train, IGNORED)
    labels[10:30, 10:70], labels[40:42, 10:13] = 0, 1
    counts = []
    for session.is_sparse in (True, False):
        sample = Probing(session)._of_view(view, labels, 12)
        counts.append(torch.bincount(sample.labels).tolist())
    assert counts[0] == [6, 6]
    assert counts[1][0] >= 10
    assert counts[1][1] == 1


@pytest.mark.parametrize("is_right", [True, False])
def test_whoever_is_right_where_nothing_was_learned_counts_more(is_right):
    """The probe knows the classes of labels that were left out, or the opposite of them."""
    session = encoded([labelled(0), labelled(1), labelled(2)])
    network, fold, probing = session.network.eval(), Reserve(session), Probing(session)
    fold.leave_out()
    list(_items(probing.learn(1.0), 150))
    with torch.no_grad():
        network.probe.scale(1.0 if is_right else -1.0)
    probing.set_aside()
    probing.weigh()
    assert (probing._share > 0.5) == is_right


def _items(iterator, count):
    for _, item in zip(range(count), iterator, strict=False):
        yield item


@pytest.mark.parametrize("count", [1, 2, 3])
def test_labels_are_left_out_for_a_while_and_all_come_back(count):
    session = encoded([labelled(seed) for seed in range(count)])
    before = [view.train.clone() for view in session.views]
    fold = Reserve(session)
    fold.leave_out()
    assert fold.is_out
    left = [(view.held != IGNORED) for view in session.views]
    assert not any(
        bool((view.train[out] != IGNORED).any()) for view, out in zip(session.views, left, strict=True)
    )
    assert {0, 1} <= set(torch.cat([view.train.flatten() for view in session.views]).tolist())
    if count >= 3:
        assert sum(bool(out.any()) for out in left) == 1, "a whole image"
    else:
        assert 0 < sum(int(out.sum()) for out in left) < 2 * CELLS * sum(out.numel() for out in left)
    session.views.append(session.views[0])
    fold.take_in()
    fold.take_in()
    assert all(torch.equal(view.train, was) for view, was in zip(session.views, before, strict=False))
    assert torch.equal(session.views[-1].train, before[0]), "of variations as well"
    assert all(bool((view.held == IGNORED).all()) for view in session.views)
    assert all(bool((picture.held == IGNORED).all()) for picture in session.pictures)


def test_labels_that_are_held_back_to_measure_with_choose_as_well():
    session = encoded([labelled(seed) for seed in range(3)], replace(ALL, held_out=0.2))
    fold = Reserve(session)
    fold.leave_out()
    assert not fold.is_out


def test_a_run_teaches_the_probe_and_its_weights_hold_it(tmp_path):
    job, _ = run(tiny_network(evidence_dim=8), [labelled(seed) for seed in range(3)], ALL, steps=80)
    network = job.network
    assert not network.probe.is_silent
    assert np.isnan(job.metric_after), "what was left out for a while is learned from in the end"
    save(tmp_path / "mine.safetensors", network, CheckpointMeta(class_names=("a", "b")))
    known, _ = load(tmp_path / "mine.safetensors")
    with torch.inference_mode():
        assert torch.allclose(known(image_of(5)), network(image_of(5)), atol=0.05)
        silent = known.with_classes([0, 1])
        silent.probe.path.silence()
        assert not torch.allclose(silent(image_of(5)), known(image_of(5)), atol=1e-3)


def test_a_run_that_is_finished_early_hands_out_both_paths():
    job = finetune(tiny_network(), [labelled(seed) for seed in range(3)], replace(ALL, seconds=30.0))
    job.clock = clock = StepClock(200)
    for progress in job:
        clock.ticks += 1
        if progress.phase == "learning shapes":
            job.finish()
    assert not job.network.probe.is_silent
    assert np.isnan(job.metric_after)


def test_tiles_see_what_the_whole_picture_sees_of_the_probe():
    job, _ = run(tiny_network(evidence_dim=8), [labelled(seed) for seed in range(2)], ALL, steps=60)
    predictor = Predictor(job.network, "cpu", dtype=torch.float32)
    image = np.tile(disks(7, size=(64, 64))[0], (3, 3, 1))
    predictor.set_image(image)
    whole = predictor.predict_classes().labels
    with torch.inference_mode():
        logits = job.network(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255)
    assert np.array_equal(whole, logits[0].argmax(0).numpy())


def test_files_from_before_have_neither_probe_nor_votes():
    network = DetailNetwork.of(tiny_network(evidence_dim=8), [0, 1])
    values = {key: value for key, value in network.to_json().items() if key not in ("probe", "votes")}
    former = detail_from_json(values)
    assert former.probe is None
    assert former.votes is None
    state = {
        name: value
        for name, value in network.state_dict().items()
        if not name.startswith(("probe.", "votes."))
    }
    former.load_state_dict(state)
    image = image_of(3)
    with torch.inference_mode():
        assert torch.allclose(former.eval()(image), network.eval()(image), atol=1e-5)
        assert "probe" not in former.to_json()
        assert F.softmax(former.with_classes([1, 0, None])(image), 1).shape[1] == 3


def test_a_place_that_has_not_chosen_among_experts_is_told_nothing_by_any_path():
    """Whoever takes the choice away takes the answer away, of weights that one run has taught."""
    job, _ = run(tiny_network(evidence_dim=8), [labelled(seed) for seed in range(3)], ALL, steps=60)
    even = with_even_mix(job.network)
    with torch.inference_mode():
        learned, left = (network(image_of(5))[0].argmax(0) for network in (job.network, even))
    assert len(torch.unique(learned)) == 2
    assert len(torch.unique(left)) == 1


def test_weights_whose_probe_ends_at_stride_16_are_read_as_they_were_written(tmp_path):
    network = build_detail(tiny_network(evidence_dim=8).config, DetailConfig(probe=1, votes=1)).eval()
    with torch.no_grad():
        for parameter in network.probe.path.last.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(3))
    save(tmp_path / "old.safetensors", network, CheckpointMeta(class_names=("a", "b")))
    known, _ = load(tmp_path / "old.safetensors")
    with torch.inference_mode():
        assert torch.allclose(known(image_of(5)), network(image_of(5)), atol=0.05)


def test_at_times_a_pixel_must_do_without_the_coarsest_map_and_the_rest_is_as_loud_on_average():
    probe = encoded([labelled(0)]).network.probe.train()
    torch.manual_seed(0)
    thinned = probe._thinned(torch.ones(4096, sum(probe.dims)))
    coarse, rest = thinned.split((probe.dims[0], sum(probe.dims[1:])), dim=1)
    assert 0.3 < float((coarse == 0).all(1).float().mean()) < 0.7
    assert not bool((rest == 0).all(1).any())
    assert abs(float(rest.mean()) - 1) < 0.1
    assert abs(float(coarse.mean()) - 1) < 0.35
