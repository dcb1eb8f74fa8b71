"""Pictures that have an up are not turned when they are varied."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.training.crops import draw
from model.training.finetune import FineTuneConfig, LabelledImage, finetune
from model.training.orientation import FEWEST, are_upright, random_turn, rows_of
from model.training.preview import preview_crops
from model.training.types import IGNORED
from tests.tiny import disks, tiny_network

SCENES = 12


def scene(seed, turns=0):
    """Labels of a sky above a ground whose height differs from picture to picture, and turned."""
    labels = np.ones((64, 64), np.uint8)
    labels[: np.random.default_rng(seed).integers(16, 48)] = 0
    return np.rot90(labels, turns).copy()


def is_upright(*labels):
    return are_upright([rows_of(each) for each in labels])


def test_sky_above_ground_is_upright_and_what_lies_anyhow_is_not():
    assert is_upright(*(scene(seed) for seed in range(SCENES)))
    assert not is_upright(*(scene(seed, turns=seed) for seed in range(SCENES)))
    assert not is_upright(*(disks(seed)[1] for seed in range(40)))


def test_a_few_images_prove_nothing():
    assert not is_upright(*(scene(seed) for seed in range(FEWEST - 1)))


def test_an_image_that_is_learned_in_many_windows_is_still_one():
    large = np.kron(scene(0), np.ones((64, 64), np.uint8))  # 16 windows, and the border goes through them
    sample = LabelledImage(np.zeros((*large.shape, 3), np.uint8), large)
    job = finetune(tiny_network(), [sample], FineTuneConfig(num_classes=2, device="cpu", held_out=0.0))
    assert len(job._session.pictures) >= FEWEST
    assert not job._session.is_upright


def test_strokes_tell_as_whole_masks_do():
    drawn = []
    for seed in range(SCENES):
        is_drawn = np.random.default_rng(seed).random((64, 64)) < 0.05
        drawn.append(np.where(is_drawn, scene(seed), IGNORED).astype(np.uint8))
    assert is_upright(*drawn)


def test_a_class_alone_and_images_without_labels_are_no_obstacle():
    empty = np.full((64, 64), IGNORED, np.uint8)
    assert not is_upright(*[empty] * SCENES)
    assert not is_upright(*[np.zeros((64, 64), np.uint8)] * SCENES)


def test_upright_tensors_are_mirrored_and_others_turned_as_well():
    grid = torch.arange(6).view(1, 2, 3)
    generator = torch.Generator().manual_seed(0)
    for upright, count in ((True, 2), (False, 8)):
        turned = [random_turn(generator, is_upright=upright)(grid) for _ in range(100)]
        assert len({(each.shape, tuple(each.flatten().tolist())) for each in turned}) == count


@pytest.mark.parametrize("turns_of", [lambda seed: 0, lambda seed: seed])
def test_learning_turns_only_what_has_no_up(turns_of):
    """The first class is above the second in everything that is learned from, or it is not."""
    samples = [
        LabelledImage(np.zeros((64, 64, 3), np.uint8), scene(seed, turns_of(seed))) for seed in range(SCENES)
    ]
    config = FineTuneConfig(num_classes=2, device="cpu", classes_kept=(None, None), held_out=0.0)
    seen = [
        labels for _, labels in preview_crops(samples, config, 40, scarcity=1.0, is_upright=turns_of(1) == 0)
    ]
    job = finetune(tiny_network(), samples, config)
    next(iter(job))  # a picture is encoded then
    seen += [labels.numpy() for _ in range(10) for labels in draw(job._session, 4)[1]]
    seen += [job._session.varied(job._session.pictures[0]).train.numpy() for _ in range(20)]
    is_above = [bool((np.diff(labels.astype(int), axis=0) >= 0).all()) for labels in seen]
    assert all(is_above) == (turns_of(1) == 0)
