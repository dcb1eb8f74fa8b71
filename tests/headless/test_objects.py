"""Objects from the command line: learned from numbered masks, predicted with numbers, measured one by one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from model.weights import catalogue
from model.weights.checkpoint import CheckpointMeta, load, save
from model.zoo.objects import network_of
from model.zoo.presets import DENSE_KINDS
from tests.model.zoo.tiny_networks import TINY

KINDS = {kind.name: kind for kind in DENSE_KINDS}


@pytest.fixture
def numbered(tmp_path):
    """Three pictures of squares that touch, with masks that number them."""
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    for index in range(3):
        numbers = np.zeros((64, 64), np.uint16)
        for number in range(6):
            row, col = 8 + 16 * (number // 3), 8 + 16 * (number % 3) + index
            numbers[row : row + 16, col : col + 16] = number + 1
        rng = np.random.default_rng(index)
        grey = np.where(numbers > 0, 200 - 8 * (numbers % 3), 60)[..., None] + rng.normal(0, 5, (64, 64, 3))
        Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(images / f"{index}.png")
        Image.fromarray(numbers).save(masks / f"{index}.png")
    return images, masks


@pytest.fixture
def _tiny(monkeypatch):
    built = catalogue._built

    def small(name, num_classes):
        kind = KINDS.get(name)
        return built(name, num_classes) if kind is None else network_of(kind, num_classes, TINY[name])

    monkeypatch.setattr(catalogue, "_built", small)


@pytest.mark.usefixtures("_tiny")
@pytest.mark.parametrize("name", ["mask-rcnn", "panoptic-fpn"])
def test_objects_are_learned_predicted_and_measured(latentseg, numbered, tmp_path, name):
    images, masks = numbered
    tuned, out, figures = tmp_path / "net.safetensors", tmp_path / "out", tmp_path / "figures.json"
    pairs = "--images", images, "--masks", masks, "--numbers", "objects"
    arguments = "--network", name, "--seconds", 2, "--keep-worse", "-o", tuned
    code, said, err = latentseg("finetune", *pairs, *arguments)
    assert code == 0, err
    network, meta = load(tuned)
    assert network.things == {1}
    assert meta.provenance["fine_tuning"][0]["steps"] > 0
    code, said, err = latentseg("predict", images, "-o", out, "--weights", tuned, "--format", "coco")
    assert code == 0, err
    assert list(out.rglob("*.json"))
    code, said, err = latentseg("evaluate", *pairs, "--weights", tuned, "--json", figures)
    assert code == 0, err
    assert "AP50" in said
    assert "PQ" in said
    objects = json.loads(figures.read_text(encoding="utf-8"))["objects"]
    assert [row["kind"] for row in objects["classes"]] == ["stuff", "thing"]
    assert objects["classes"][1]["objects"] == 18
    for value in (*objects["average_precision"].values(), *objects["panoptic_quality"]["all"].values()):
        assert value is None or 0 <= value <= 1


def test_the_figures_are_those_of_the_objects_that_are_predicted(latentseg, numbered, tmp_path, monkeypatch):
    """With the truth for an answer everything is perfect; with one object for all, nothing but areas is."""
    images, masks = numbered
    weights, figures = tmp_path / "net.safetensors", tmp_path / "figures.json"
    network = network_of(KINDS["mask-rcnn"], 2, TINY["mask-rcnn"])
    save(weights, network, CheckpointMeta(("background", "object")))
    from model.prediction import predictor

    truths = {path.stem: np.asarray(Image.open(path)).astype(np.uint32) for path in masks.iterdir()}
    order = iter(sorted(truths) * 2)
    joined = [False] * 3 + [True] * 3

    def known(answer, *_):
        numbers = truths[next(order)]
        answer.labels[:], answer.confidence[:] = numbers > 0, 0.9
        found = (numbers > 0).astype(np.uint32) if joined.pop(0) else numbers
        return type(answer)(answer.labels, answer.confidence, found)

    monkeypatch.setattr(predictor, "with_instances", known)
    arguments = "--images", images, "--masks", masks, "--numbers", "objects", "--weights", weights
    for perfect in (True, False):
        code, said, err = latentseg("evaluate", *arguments, "--json", figures, "--overwrite")
        assert code == 0, err
        read = json.loads(figures.read_text(encoding="utf-8"))
        thing = read["objects"]["classes"][1]
        assert read["mean_iou"] == 1
        assert thing["pq"] == thing["ap"] == (1 if perfect else 0)
        assert read["objects"]["panoptic_quality"]["stuff"]["pq"] == 1
        assert ("1.000" in said) is True


def test_masks_without_numbers_say_nothing_of_objects(latentseg, folders, weights, tmp_path):
    images, masks = folders
    figures = tmp_path / "figures.json"
    code, said, err = latentseg(
        "evaluate", "--images", images, "--masks", masks, "--weights", weights, "--json", figures
    )
    assert code == 0, err
    assert "AP50" not in said
    assert "objects" not in json.loads(figures.read_text(encoding="utf-8"))
