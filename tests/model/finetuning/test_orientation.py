"""Pictures that have an up are not turned when they are varied."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.finetune import FineTuneConfig, LabelledImage, finetune
from model.finetuning.crops import draw
from model.finetuning.orientation import FEWEST, are_upright
from model.finetuning.preview import preview_crops
from model.finetuning.types import IGNORED
from model.finetuning.views import Picture
from tests.tiny import disks, tiny_network

SCENES = 12


def scene(seed, turns=0):
    """Labels of a sky above a ground whose height differs from picture to picture, and turned."""
    labels = np.ones((64, 64), np.uint8)
    labels[: np.random.default_rng(seed).integers(16, 48)] = 0
    return np.rot90(labels, turns).copy()


def picture(labels):
    train = torch.from_numpy(labels)
    return Picture(torch.zeros(3, *labels.shape), train, torch.full_like(train, IGNORED))


def test_sky_above_ground_is_upright_and_what_lies_anyhow_is_not():
    assert are_upright([picture(scene(seed)) for seed in range(SCENES)])
    assert not are_upright([picture(scene(seed, turns=seed)) for seed in range(SCENES)])
    assert not are_upright([picture(disks(seed)[1]) for seed in range(40)])


def test_a_few_pictures_prove_nothing():
    assert not are_upright([picture(scene(seed)) for seed in range(FEWEST - 1)])


def test_strokes_tell_as_whole_masks_do():
    pictures = []
    for seed in range(SCENES):
        labels, drawn = scene(seed), np.random.default_rng(seed).random((64, 64)) < 0.05
        pictures.append(picture(np.where(drawn, labels, IGNORED).astype(np.uint8)))
    assert are_upright(pictures)


def test_a_class_alone_and_pictures_without_labels_are_no_obstacle():
    empty = np.full((64, 64), IGNORED, np.uint8)
    assert not are_upright([picture(empty)] * SCENES)
    assert not are_upright([picture(np.zeros((64, 64), np.uint8))] * SCENES)


@pytest.mark.parametrize("turns_of", [lambda seed: 0, lambda seed: seed])
def test_learning_turns_only_what_has_no_up(turns_of):
    """The first class is above the second in everything that is learned from, or it is not."""
    samples = [
        LabelledImage(np.zeros((64, 64, 3), np.uint8), scene(seed, turns_of(seed))) for seed in range(SCENES)
    ]
    config = FineTuneConfig(num_classes=2, device="cpu", classes_kept=(None, None), held_out=0.0)
    seen = [labels for _, labels in preview_crops(samples, config, 40)]
    job = finetune(tiny_network(), samples, config)
    next(iter(job))  # a picture is encoded then
    seen += [labels.numpy() for _ in range(10) for labels in draw(job._session, 4)[1]]
    seen += [job._session.varied(job._session.pictures[0]).train.numpy() for _ in range(20)]
    is_above = [bool((np.diff(labels.astype(int), axis=0) >= 0).all()) for labels in seen]
    assert all(is_above) == (turns_of(1) == 0)
