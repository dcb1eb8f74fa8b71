"""A comparison for the window: a row and a file for each network, and no file of one that was cancelled."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from latentseg_gui.document.training.compared_networks import NetworkOutcome, NetworkProgress, best_first
from latentseg_gui.document.training.runs import TrainingSample
from latentseg_gui.inference.training.comparing import compare_networks
from latentseg_gui.inference.training.messages import CompareNetworks
from model.errors import ModelError
from model.weights.checkpoint import load
from tests.tiny import disks


class Context:
    """A `JobContext` whose user cancels once something is so."""

    def __init__(self, is_enough=lambda reports: False):
        self.reports, self.is_enough = [], is_enough

    def report(self, progress):
        self.reports.append(progress)

    def is_cancelled(self):
        return self.is_enough(self.reports)

    def told(self):
        return []


@pytest.fixture
def question(tmp_path):
    torch.set_num_threads(1)
    image, labels = disks(0)
    return CompareNetworks(
        networks=("fcn", "unet"),
        samples=(TrainingSample("a", image, labels),),
        class_names=("background", "disk"),
        class_colours=("#000000", "#ffcc00"),
        folder=tmp_path,
        prefix="compared-1-",
        seconds=1.0,
    )


def test_every_network_has_a_row_and_a_file_with_the_classes(question, tmp_path):
    context = Context()
    answer = compare_networks(question, context)
    assert [each.name for each in answer.outcomes] == ["fcn", "unet"]
    assert "held" in answer.measured_on
    for outcome in answer.outcomes:
        assert 0 <= outcome.mean_iou <= 1
        assert len(outcome.per_class) == 2
        assert outcome.parameters > 1000
        _, meta = load(outcome.weights)
        assert meta.class_names == ("background", "disk")
        assert meta.provenance["calibration"]["temperature"] >= 1, "as sure as those of a fine-tuning"
    assert sorted(tmp_path.iterdir()) == sorted(each.weights for each in answer.outcomes)
    assert all(isinstance(each, NetworkProgress) for each in context.reports)
    fractions = [each.fraction for each in context.reports]
    assert fractions == sorted(fractions)
    assert {each.number for each in context.reports} == {1, 2}
    assert [each.name for each in context.reports[-1].outcomes] == ["fcn"], "rows of those that are done"


def test_nothing_is_left_of_one_that_was_cancelled_in_the_second_network(question, tmp_path):
    context = Context(lambda reports: bool(reports) and reports[-1].number == 2)
    assert compare_networks(question, context) is None
    assert list(tmp_path.iterdir()) == []


def test_too_little_to_measure_with_is_said(question):
    (sample,) = question.samples
    labels = np.full_like(sample.labels, 255)
    labels[5, 5] = 1
    few = replace(question, samples=(replace(sample, labels=labels),))
    with pytest.raises(ModelError, match="held back"):
        compare_networks(few, Context())


def test_the_best_stands_first_and_what_was_not_measured_last():
    rows = [NetworkOutcome(name, name, score) for name, score in (("a", math.nan), ("b", 0.2), ("c", 0.7))]
    assert [each.name for each in best_first(rows)] == ["c", "b", "a"]
