"""`latentseg finetune --clicks`: weights whose clicks have learned, or a sentence why there are none."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from latentseg_gui.headless.training import finetune_clicks
from model.training import click_measure
from model.training.click_measure import ClickFigures
from model.weights.checkpoint import load


@pytest.fixture
def objects(tmp_path):
    """Two images with five squares each, and masks in which each has a class of its own or the same."""
    images, masks = tmp_path / "many", tmp_path / "many masks"
    for folder in (images, masks):
        folder.mkdir()
    for index in range(2):
        generator = np.random.default_rng(index)
        pixels = generator.integers(0, 60, (48, 96, 3), dtype=np.uint8)
        truth = np.zeros((48, 96), np.uint8)
        for number in range(5):
            row, col = 4 + 24 * (number % 2), 4 + 18 * number
            truth[row : row + 14, col : col + 12] = 1
        pixels[truth == 1] += 150
        Image.fromarray(pixels).save(images / f"{index}.png")
        Image.fromarray(truth).save(masks / f"{index}.png")
    return images, masks


@pytest.fixture
def learn(latentseg, weights, objects, tmp_path, monkeypatch):
    """Run it on the objects: (exit code, stdout, stderr), and where the new weights would be."""
    monkeypatch.setattr(click_measure, "MOST_CLICKS", 2)  # random weights never get there
    tuned = tmp_path / "taught.safetensors"

    def run(*more):
        arguments = "--images", objects[0], "--masks", objects[1], "--weights", weights, "-o", tuned
        return (*latentseg("finetune", "--clicks", "--seconds", 1, *arguments, *more), tuned)

    return run


def test_the_weights_have_the_classes_of_before_and_say_what_was_learned(learn, monkeypatch):
    monkeypatch.setattr(finetune_clicks, "REPORT_EVERY", 0.0)
    code, out, err, tuned = learn("--keep-worse")
    assert code == 0, err
    assert "of 10 objects" in out
    assert all(f", {phase}\n" in out for phase in ("measuring", "preparing", "learning"))
    network, meta = load(tuned)
    assert meta.class_names == ("background", "thing")
    assert meta.expert_names == {2: "edges"}
    assert network.taught is not None
    (run,) = meta.provenance["fine_tuning"]
    assert run["learned"] == "clicks"
    assert run["objects"] + run["held_out_objects"] == 10
    assert run["images"] == 2


def test_what_is_no_better_is_not_written(learn, monkeypatch):
    monkeypatch.setattr(ClickFigures, "clicks", property(lambda self: 3.0))
    monkeypatch.setattr(ClickFigures, "iou_after", lambda self, clicks: 0.5)
    code, _, err, tuned = learn()
    assert code == 1
    assert "no better than before" in err
    assert "--keep-worse" in err
    assert not tuned.exists()


@pytest.mark.parametrize(
    "more",
    [("--rest-is-background",), ("--classes", "a,b"), ("--network", "unet"), ("--without-background",)],
)
def test_options_about_classes_are_refused(learn, more):
    code, _, err, tuned = learn(*more)
    assert code == 2
    assert f"{more[0]} and --clicks contradict each other" in err
    assert not tuned.exists()


def test_too_few_objects_are_told(learn, objects):
    for path in objects[1].iterdir():
        Image.fromarray(np.pad(np.ones((14, 12), np.uint8), ((4, 30), (4, 80)))).save(path)
    code, _, err, tuned = learn()
    assert code == 2
    assert "Clicks cannot learn from 2 objects" in err
    assert "Accept at least 4 objects" in err
    assert not tuned.exists()
