"""How sure a network says it is: fitted on held-out labels, kept with the weights, and no class changes for it."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.analysis.calibration import (
    LARGEST,
    calibration_error,
    cut_off,
    fitted_temperature,
    with_temperature,
)
from model.prediction.predictor import Predictor
from model.training.calibrating import CALIBRATION, calibrated, temperature_of
from model.training.types import TAKEN_OVER, FineTuneConfig, LabelledImage
from tests.tiny import disks, tiny_network


def overconfident(temperature, count=20_000, classes=3, seed=0):
    """Probabilities [C, N] of somebody who is surer than right, and what is true."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (classes, count))
    honest = np.exp(logits) / np.exp(logits).sum(0)
    truth = (rng.random(count) > honest.cumsum(0)).sum(0).clip(0, classes - 1).astype(np.uint8)
    loud = np.exp(logits * temperature) / np.exp(logits * temperature).sum(0)
    return loud.astype(np.float32), truth


@pytest.mark.parametrize("temperature", [1.5, 3.0])
def test_what_is_too_sure_is_made_as_sure_as_it_is_right(temperature):
    shares, truth = overconfident(temperature)
    found = fitted_temperature(shares, truth)
    assert found == pytest.approx(temperature, rel=0.05)
    after = with_temperature(shares, found)
    assert calibration_error(after, truth) < 0.02 < calibration_error(shares, truth)
    wrong = shares.argmax(0) != truth
    assert (after.max(0)[wrong] < 0.8).mean() > (shares.max(0)[wrong] < 0.8).mean() + 0.1


def test_a_rare_class_that_is_missed_is_not_drowned_by_the_rest(monkeypatch):
    rng = np.random.default_rng(0)
    many, few = rng.uniform(0.9, 0.999, 20_000), rng.uniform(0.75, 0.97, 300)  # sure of background, of both
    first = np.concatenate((many, few)).astype(np.float32)
    shares, truth = np.stack((first, 1 - first)), np.repeat(np.array([0, 1], np.uint8), (20_000, 300))
    monkeypatch.setattr("model.training.calibrating._held_out", lambda *_: (shares, truth))
    job, samples, config = job_with_held_out()
    found = temperature_of(calibrated(job, samples, config))
    alone = fitted_temperature(shares, truth)
    assert found > alone + 0.2
    missed = [(with_temperature(shares, each).max(0)[truth == 1] < 0.8).mean() for each in (alone, found)]
    assert missed[1] > missed[0] + 0.1
    # A few pixels prove nothing: a class that is hardly held out does not count by itself.
    monkeypatch.setattr(
        "model.training.calibrating._held_out", lambda *_: (shares[:, :20_050], truth[:20_050])
    )
    assert temperature_of(calibrated(job, samples, config)) < found


def test_nobody_is_made_surer_and_nothing_is_fitted_to_nothing():
    shares, truth = overconfident(0.5)
    assert fitted_temperature(shares, truth) == pytest.approx(1.0, abs=1e-3)
    right = np.array([[0.9, 0.2], [0.1, 0.8]], np.float32)
    assert fitted_temperature(right, np.array([0, 1], np.uint8)) == pytest.approx(1.0, abs=1e-3)
    nothing = np.zeros((2, 0), np.float32), np.zeros(0, np.uint8)
    assert fitted_temperature(*nothing) == 1.0
    assert math.isnan(calibration_error(*nothing))


@given(st.integers(0, 1000), st.floats(1, 16))
def test_a_temperature_changes_no_class(seed, temperature):
    shares, _ = overconfident(2.0, count=50, seed=seed)
    cooled = with_temperature(shares, temperature)
    np.testing.assert_allclose(cooled.sum(0), 1, rtol=1e-5)
    assert (cooled.max(0) <= shares.max(0) + 1e-5).all()
    chosen = np.take_along_axis(cooled, shares.argmax(0)[None], 0)[0]
    assert (chosen >= cooled.max(0) - 1e-6).all()


@given(st.floats(0, 1), st.floats(1, 16), st.integers(0, 100))
def test_a_cut_off_takes_the_same_pixels_before_and_after(share, temperature, seed):
    chances = np.random.default_rng(seed).random(200).astype(np.float32) * 0.98 + 0.01
    after = with_temperature(np.stack((1 - chances, chances)), temperature)[1]
    is_clear = np.abs(chances - share) > 1e-3
    np.testing.assert_array_equal(
        (chances >= share)[is_clear], (after >= cut_off(share, temperature))[is_clear]
    )


@pytest.mark.parametrize(
    "entry", [None, 3, [], {}, {"temperature": "hot"}, {"temperature": math.nan}, {"temperature": True}]
)
def test_anything_may_stand_in_a_file(entry):
    assert temperature_of({CALIBRATION: entry}) == 1.0
    assert temperature_of({}) == 1.0


def test_temperatures_out_of_range_are_brought_into_it():
    assert temperature_of({CALIBRATION: {"temperature": 0.2}}) == 1.0
    assert temperature_of({CALIBRATION: {"temperature": 1e9}}) == LARGEST


def test_a_predictor_is_less_sure_of_the_same_classes():
    torch.set_num_threads(1)
    image, _ = disks(0)
    plain, warm = Predictor(tiny_network(), "cpu"), Predictor(tiny_network(), "cpu", temperature=2.0)
    for predictor in (plain, warm):
        predictor.set_image(image)
    before, after = plain.predict_classes(), warm.predict_classes()
    np.testing.assert_array_equal(before.labels, after.labels)
    shares = plain.predict_probabilities(out=np.zeros((2, *image.shape[:2]), np.float32))
    expected = with_temperature(shares.reshape(2, -1), 2.0).max(0)
    np.testing.assert_allclose(after.confidence.ravel(), expected, atol=1e-4)
    np.testing.assert_allclose(
        warm.predict_probabilities(out=np.zeros_like(shares)).max(0).ravel(), expected, atol=1e-4
    )
    np.testing.assert_allclose(warm.predict_overview().max(0).ravel(), expected, atol=1e-4)


def job_with_held_out(seed=0, **changes):
    samples = [LabelledImage(*disks(number)) for number in range(2)]
    config = FineTuneConfig(num_classes=2, device="cpu", seed=seed, **changes)
    return SimpleNamespace(network=tiny_network(seed)), samples, config


def test_a_run_is_calibrated_on_what_was_held_back_and_json_holds_it():
    torch.set_num_threads(1)
    entry = calibrated(*job_with_held_out())[CALIBRATION]
    assert json.loads(json.dumps(entry)) == entry
    assert entry["pixels"] >= 100
    assert temperature_of({CALIBRATION: entry}) == pytest.approx(entry["temperature"])
    assert entry["error_after"] <= entry["error_before"] + 0.01


def test_refits_keep_a_temperature_and_where_nothing_is_held_back_there_is_none():
    job, samples, config = job_with_held_out(speed="live")
    assert calibrated(job, samples, config) == {}
    job, samples, config = job_with_held_out(validation="cross")
    assert calibrated(job, samples, config) == {CALIBRATION: {}}
    job, samples, config = job_with_held_out(held_out=0.0)
    assert calibrated(job, samples, config) == {CALIBRATION: {}}
    job, samples, config = job_with_held_out()
    taken = [
        LabelledImage(each.image, each.labels, origin=np.full(each.labels.shape, TAKEN_OVER, np.uint8))
        for each in samples
    ]
    assert calibrated(job, taken, config) == {CALIBRATION: {}}, (
        "a prediction that was taken over proves nothing"
    )
