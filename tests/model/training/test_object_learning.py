"""Networks that find objects learn them from numbered objects, one by one, and keep off what nobody labelled."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.errors import ModelError
from model.prediction.outputs import ClassPrediction
from model.training.finetune import LabelledImage, finetune
from model.training.measurement import Measurement, _panoptic_quality, _segments
from model.training.object_loss import _says_something, region_loss
from model.training.object_targets import (
    marked,
    numbered_things,
    smallest_of,
    targets_of_square,
    with_object_numbers,
)
from model.training.types import IGNORED
from model.training.views import LabelledWindow
from tests.model.finetuning import run
from tests.model.training.object_scenes import FRESH, found_in, fresh, scene


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def test_panoptic_fpn_learns_areas_alone_where_nothing_is_numbered():
    areas = [replace(scene(0), objects=None)]
    job = finetune(fresh("panoptic-fpn"), areas, FRESH)
    assert job.network.regions is None
    assert found_in(job.network, areas[0]).instances is None
    job = finetune(fresh("mask-rcnn"), areas, FRESH)
    assert job.network.things == {1, 2}  # each connected area is an object


def test_background_alone_is_nothing_for_a_network_of_objects():
    empty = replace(scene(0), labels=np.zeros((64, 64), np.uint8), objects=None)
    with pytest.raises(ModelError, match="no objects to learn"):
        finetune(fresh("mask-rcnn"), [empty], FRESH)


def test_areas_become_objects_and_numbers_stay():
    labels = np.uint8([[1, 1, 0, 2], [0, 0, 0, 2], [1, 0, 255, 0]])
    image = np.zeros((3, 4, 3), np.uint8)
    (plain,) = with_object_numbers([LabelledImage(image, labels)], frozenset({1, 2}))
    assert plain.objects.tolist() == [[1, 1, 0, 3], [0, 0, 0, 3], [2, 0, 0, 0]]
    given = LabelledImage(image, labels, objects=np.int32([[9, 9, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]))
    (kept,) = with_object_numbers([given], frozenset({1, 2}))
    assert kept.objects[0, 0] == 9
    assert len(np.unique(kept.objects)) == 4
    assert numbered_things([given]) == {1}


def test_of_an_object_of_which_a_part_is_held_back_only_that_is_learned_which_is_known():
    train = torch.zeros(8, 20, dtype=torch.uint8)
    train[2:6, 2:6], train[2:6, 8:11], train[2:6, 14:18] = 1, 1, 1
    objects = (train > 0).int()
    objects[:, 8:] *= 2
    objects[:, 14:] *= 2
    train[2:4, 4:6] = IGNORED  # a corner of the first object
    train[2:5, 14:18] = IGNORED  # most of the last one
    held = torch.full_like(train, IGNORED)
    picture = marked(LabelledWindow(torch.zeros(3, 8, 20), train, held, objects=objects))
    targets = targets_of_square(picture.train.long(), picture.objects)
    found = dict(zip(map(tuple, targets.boxes.tolist()), targets.is_whole.tolist(), strict=True))
    assert found == {(8, 2, 11, 6): True, (2, 2, 6, 6): False}
    assert targets.masks.sum((1, 2)).tolist() == [12, 12]
    assert targets.unclear.tolist() == [[14, 5, 18, 6]]
    assert not bool((picture.objects[train == IGNORED]).any())  # nothing of what is held back is seen


def test_where_nobody_labelled_nothing_is_said_about_boxes():
    labels = torch.full((32, 64), IGNORED, dtype=torch.long)
    labels[:, :32] = 0
    targets = targets_of_square(labels, torch.zeros(32, 64, dtype=torch.int32))
    boxes = torch.tensor([[4.0, 4, 20, 20], [36, 4, 60, 28], [20, 4, 60, 28]])
    assert _says_something(boxes, targets).tolist() == [True, False, False]


def test_another_truth_under_hidden_pixels_teaches_the_same():
    network = fresh("mask-rcnn")
    train = torch.zeros(64, 64, dtype=torch.uint8)
    train[16:48, 16:48] = 1
    train[:, :8] = IGNORED
    losses = []
    for hidden in (0, 5):
        objects = (train == 1).int()
        objects[:, :8] = hidden
        picture = marked(LabelledWindow(torch.zeros(3, 64, 64), train, train, objects=objects))
        targets = targets_of_square(train.long(), picture.objects)
        torch.manual_seed(0)
        levels, _ = network.levels_and_areas(network.padded(torch.zeros(1, 3, 64, 64)))
        losses.append(float(region_loss(network.regions, levels, [targets], (64, 64)).detach()))
    assert losses[0] == losses[1] > 0


def test_a_picture_without_objects_teaches_that_there_are_none():
    network = fresh("mask-rcnn").train()
    targets = targets_of_square(torch.zeros(64, 64, dtype=torch.long), torch.zeros(64, 64, dtype=torch.int32))
    levels, _ = network.levels_and_areas(network.padded(torch.rand(1, 3, 64, 64)))
    loss = region_loss(network.regions, levels, [targets], (64, 64))
    loss.backward()
    assert bool(loss.isfinite())
    assert network.regions.box.classes.bias.grad[0] < 0  # more background
    unknown = targets_of_square(torch.full((64, 64), IGNORED), torch.zeros(64, 64, dtype=torch.int32))
    levels, _ = network.levels_and_areas(network.padded(torch.rand(1, 3, 64, 64)))
    assert float(region_loss(network.regions, levels, [unknown], (64, 64)).detach()) == 0


def test_the_smallest_object_follows_from_those_that_were_numbered_and_whole():
    labels, objects = np.zeros((60, 80), np.uint8), np.zeros((60, 80), np.int32)
    for number, (row, col, side) in enumerate(((5, 5, 10), (5, 30, 12), (30, 30, 20), (58, 70, 2)), start=1):
        objects[row : row + side, col : col + side] = number
        labels[row : row + side, col : col + side] = 1
    sample = LabelledImage(np.zeros((60, 80, 3), np.uint8), labels, objects=objects)
    assert 30 < smallest_of([sample], frozenset({1})) < 60, "the one at the border is cut off"
    assert smallest_of([sample], frozenset({2})) == 0
    assert smallest_of([LabelledImage(sample.image, labels)], frozenset({1})) == 0


def test_the_checkpoint_of_the_highest_panoptic_quality_is_kept(monkeypatch):
    qualities = iter([0.2, 0.6, 0.4])
    real = Measurement.confusion

    def measured(self, network, clock, **options):
        confusion = real(self, network, clock, **options)
        self.quality = next(qualities)
        return confusion

    monkeypatch.setattr(Measurement, "confusion", measured)
    config = replace(FRESH, held_out=0.3)
    job, reports = run(fresh("panoptic-fpn"), [scene(seed, count=8) for seed in range(2)], config, steps=8)
    best = [each.metric for each in reports if not math.isnan(each.metric)][1]
    assert job.metric_after == best


def test_panoptic_quality_is_measured_on_what_is_held_back_only():
    sample = scene(0)
    held = np.full(sample.labels.shape, IGNORED, np.uint8)
    held[:, 32:] = sample.labels[:, 32:]
    picture = LabelledWindow(
        torch.zeros(3, 64, 64),
        torch.from_numpy(sample.labels.copy()),
        torch.from_numpy(held),
        true_objects=torch.from_numpy(sample.objects),
    )

    class Perfect:
        things = frozenset({1, 2})

    right = ClassPrediction(sample.labels, sample.labels, sample.objects.astype(np.uint32))
    assert _panoptic_quality(_segments(picture, right, 3, Perfect)) == 1
    wrong_elsewhere = sample.objects.astype(np.uint32)
    wrong_elsewhere[:, :20] = 0
    other = ClassPrediction(sample.labels, sample.labels, wrong_elsewhere)
    assert _panoptic_quality(_segments(picture, other, 3, Perfect)) == 1
    joined = ClassPrediction(
        sample.labels, sample.labels, np.where(sample.labels > 0, np.uint32(1), np.uint32(0))
    )
    assert _panoptic_quality(_segments(picture, joined, 3, Perfect)) < 0.9
    assert math.isnan(_panoptic_quality(np.zeros((3, 4))))
