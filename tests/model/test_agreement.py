"""Strokes alone are enough: what looks alike and is near agrees, up to the edges of things."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from model.networks.detail_network import DetailNetwork
from model.training import pseudo_labels as growth
from model.training import session
from model.training.crf_loss import is_sparse, potts_energy, trust
from model.training.finetune import FineTuneConfig, LabelledImage, finetune
from model.training.pseudo_labels import grow_strokes
from model.training.types import IGNORED
from model.training.views import pictures_of
from tests.model.finetuning import QUICK, accuracy, run
from tests.model.strokes import stroked
from tests.tiny import disks, tiny_network

STROKES = replace(QUICK, held_out=0.0, seconds=30.0)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def halves(at):
    """Logits [1, 2, 16, 16] of a picture whose classes change at a column."""
    logits = torch.zeros(1, 2, 16, 16)
    logits[:, 1, :, at:] = 40.0
    logits[:, 0, :, :at] = 40.0
    return logits


def generator():
    return torch.Generator().manual_seed(0)


def test_one_class_everywhere_disagrees_nowhere():
    colours = torch.randn(1, 3, 16, 16, generator=generator())
    assert float(potts_energy(halves(0), colours, generator())) == pytest.approx(0, abs=1e-6)


def test_a_boundary_along_an_edge_costs_nothing_and_beside_it_much():
    colours = torch.zeros(1, 3, 16, 16)
    colours[..., 9:] = 5.0
    along, beside = (float(potts_energy(halves(at), colours, generator())) for at in (9, 5))
    assert along == pytest.approx(0, abs=1e-4)
    assert 0.05 < beside <= 1


def test_a_picture_narrower_than_the_reach_has_neighbours_all_the_same():
    colours = torch.zeros(1, 3, 2, 3)
    assert torch.isfinite(potts_energy(torch.zeros(1, 2, 2, 3), colours, generator()))


def test_who_knows_no_more_than_chance_is_not_trusted():
    labels = torch.zeros(1, 16, 16, dtype=torch.int64)
    labels[..., 8:] = 1
    assert trust(torch.zeros(1, 2, 16, 16), labels) == 0
    assert trust(halves(0), labels) == pytest.approx(0)  # all of one class
    assert trust(halves(8), labels) == pytest.approx(1)
    assert trust(halves(10), labels) == pytest.approx(
        0.75
    )  # a quarter of the second class is taken for the first
    assert trust(halves(14), labels) == pytest.approx(0.25 * 0.5)


@pytest.mark.parametrize("steps", [50, 70, 80])
def test_strokes_do_not_fall_into_one_class(steps):
    job, _ = run(tiny_network(), [stroked(0), stroked(1)], STROKES, steps=steps)
    assert accuracy(job.network) > 0.9


def test_strokes_are_sparse_and_whole_masks_are_not():
    image, truth = disks(0)
    for sample, answer in ((stroked(0), True), (LabelledImage(image, truth), False)):
        held = [np.zeros(truth.shape, bool)]
        assert is_sparse(pictures_of([sample], held)) == answer


def test_pixels_held_back_do_not_make_a_mask_sparse():
    image, truth = disks(0)
    most = np.ones(truth.shape, bool)
    most[:8] = False
    assert not is_sparse(pictures_of([LabelledImage(image, truth)], [most]))


def test_strokes_do_nearly_as_well_as_whole_masks():
    samples = [stroked(0), stroked(1)]
    assert np.mean([(sample.labels != IGNORED).mean() for sample in samples]) < 0.2
    job, reports = run(tiny_network(), samples, STROKES, steps=100)
    assert any(report.phase == "growing strokes" for report in reports)
    whole, _ = run(tiny_network(), [LabelledImage(*disks(seed)) for seed in (0, 1)], STROKES, steps=100)
    assert accuracy(job.network) > 0.9 * accuracy(whole.network)


def test_whole_masks_are_learned_as_before(monkeypatch):
    samples = [LabelledImage(*disks(0))]
    states = []
    for strength in (40.0, 0.0):
        monkeypatch.setattr(session, "STRENGTH", strength)
        job, _ = run(tiny_network(), samples, STROKES, steps=20)
        states.append(job.network.state_dict())
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_the_encoder_learns_from_strokes_too():
    config = replace(STROKES, speed="thorough")
    job, reports = run(tiny_network(), [stroked(0), stroked(1)], config, steps=120)
    assert any(report.phase == "learning to see" for report in reports)
    assert isinstance(job.network, DetailNetwork)
    assert accuracy(job.network) > 0.8


def test_a_live_refit_goes_by_labels_alone():
    config: FineTuneConfig = replace(STROKES, speed="live")
    job = finetune(tiny_network(), [stroked(0)], config)
    assert not job._session.is_sparse


def in_session(samples, held=0.0):
    """The session of a job that has yet to begin."""
    return finetune(tiny_network(), samples, replace(STROKES, held_out=held))._session


def test_what_grows_is_mostly_right_and_no_stroke_is_changed():
    sample, (_, truth) = stroked(0), disks(0)
    state = in_session([sample])
    list(grow_strokes(state))
    grown = state.pictures[0].train.numpy()
    drawn = sample.labels != IGNORED
    np.testing.assert_array_equal(grown[drawn], sample.labels[drawn])
    known = grown != IGNORED
    assert known.mean() > 2 * drawn.mean()
    assert (grown[known] == truth[known]).mean() > 0.95


def test_nothing_grows_where_pixels_are_held_back():
    state = in_session([stroked(0), stroked(1)], held=0.3)
    held = [picture.held != IGNORED for picture in state.pictures]
    assert any(bool(where.any()) for where in held)
    list(grow_strokes(state))
    for picture, where in zip(state.pictures, held, strict=True):
        assert bool((picture.train[where] == IGNORED).all())


def test_strokes_of_one_class_alone_do_not_grow():
    image, _ = disks(0)
    labels = np.full(image.shape[:2], IGNORED, np.uint8)
    labels[4:6, 4:20] = 1
    state = in_session([LabelledImage(image, labels)])
    list(grow_strokes(state))
    assert int((state.pictures[0].train != IGNORED).sum()) == 32


def test_a_large_picture_is_asked_about_in_part(monkeypatch):
    monkeypatch.setattr(growth, "GROWN", 100)
    state = in_session([stroked(0)])
    before = int((state.pictures[0].train != IGNORED).sum())
    list(grow_strokes(state))
    assert before < int((state.pictures[0].train != IGNORED).sum()) <= before + 100


def test_a_run_of_a_few_seconds_learns_from_strokes_as_they_are():
    job, reports = run(tiny_network(), [stroked(0)], replace(STROKES, seconds=4.0), steps=4)
    assert not any(report.phase == "growing strokes" for report in reports)
    assert job.step > 0
