"""`latentseg finetune` says what it cannot know, writes nothing that has learned nothing, and keeps the history."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from latentseg_gui.document.training.learning import SPEEDS
from latentseg_gui.headless.training.finetune_samples import read_samples, with_background_decided
from model.training.types import SPEEDS as KNOWN_SPEEDS
from model.weights.checkpoint import load, save

LIVE = "--seconds", 0.5, "--speed", "live"


@pytest.fixture
def finetune(latentseg, weights, folders, tmp_path):
    """Run the subcommand on the scenes: (exit code, stdout, stderr), and where the new weights would be."""
    images, masks = folders
    tuned = tmp_path / "tuned.safetensors"

    def run(*more):
        arguments = "--images", images, "--masks", masks, "--weights", weights, "-o", tuned
        return (*latentseg("finetune", *arguments, *more), tuned)

    return run


def only_objects(masks, classes=(1, 2)):
    """Masks that label objects, one class in each, and nothing else."""
    for index, path in enumerate(sorted(masks.iterdir())):
        with Image.open(path) as mask:
            truth = np.asarray(mask)
        nobodys = 255 if any(classes) else 0
        labels = np.where(truth == 1, classes[index % len(classes)], nobodys).astype(np.uint8)
        labels[0, 0] = classes[0]  # not black and white, so 255 is what nobody labelled
        Image.fromarray(labels).save(path)


def test_objects_alone_do_not_say_what_background_is(finetune, folders):
    only_objects(folders[1])
    code, _, err, tuned = finetune(*LIVE)
    assert code == 2
    assert "No pixel is labelled “background”, so nothing says where “thing”, “class 2” end" in err
    assert "--rest-is-background" in err
    assert not tuned.exists()
    code, out, err, tuned = finetune("--seconds", 2, "--rest-is-background")
    assert code == 0, err
    assert "held-out pixels of 3 images" in out
    (run,) = load(tuned)[1].provenance["fine_tuning"]
    assert run["rest_is_background"]
    assert run["labelled_pixels"] == 3 * 48 * 64


def test_classes_may_be_all_there_is(finetune, folders):
    only_objects(folders[1])
    code, _, err, tuned = finetune(*LIVE, "--without-background")
    assert code == 0, err
    assert tuned.exists()
    code, _, err, _ = finetune(*LIVE, "--without-background", "--rest-is-background")
    assert code == 2
    assert "contradict each other" in err


@pytest.mark.parametrize(
    ("classes", "words"),
    [((1,), "Label some background too (255 is not learned), or add --rest-is-background"),
     ((0,), "Label some pixels of an object too")],
)  # fmt: skip
def test_one_class_asks_for_the_other(finetune, folders, classes, words):
    only_objects(folders[1], classes)
    code, _, err, tuned = finetune(*LIVE)
    assert code == 2
    assert words in err
    assert not tuned.exists()
    code, _, err, tuned = finetune(*LIVE, "--rest-is-background")
    assert code == (0 if classes == (1,) else 2), err


def test_masks_that_label_every_pixel_need_no_background(folders):
    from latentseg_gui.document.masks.classes import ClassTable
    from model.training.finetune import LabelledImage

    labels = np.ones((8, 8), np.uint8)
    labels[:4] = 2
    samples = [LabelledImage(np.zeros((8, 8, 3), np.uint8), labels)]
    classes = ClassTable.from_names(("background", "sky", "ground"))
    assert with_background_decided(samples, classes, is_rest=False, is_none=False) == samples


def test_the_rest_is_background_but_not_up_to_the_rim_of_a_stroke(folders):
    from latentseg_gui.document.masks.classes import ClassTable
    from model.training.finetune import LabelledImage

    image = np.full((40, 40, 3), 200, np.uint8)
    image[12:16] = 40
    labels = np.full((40, 40), 255, np.uint8)
    labels[10:18] = 1
    classes = ClassTable.from_names(("background", "crack"))
    for origin, left in ((3, 4), (4, 8), (2, 8)):
        samples = [LabelledImage(image, labels, origin=np.full_like(labels, origin))]
        (made,) = with_background_decided(samples, classes, is_rest=True, is_none=False)
        assert (made.labels == 1).sum() == left * 40
        assert (made.labels == 0).sum() == 32 * 40


def test_a_run_without_a_step_is_an_error_and_writes_nothing(finetune):
    code, _, err, tuned = finetune("--seconds", 0.001)
    assert code == 2
    assert "Nothing was learned" in err
    assert "Give it more time" in err
    assert not tuned.exists()


def test_worse_weights_are_kept_back_unless_they_are_asked_for(finetune, monkeypatch):
    monkeypatch.setattr("model.training.outcome.is_worse", lambda job: True)
    code, _, err, tuned = finetune(*LIVE)
    assert code == 1
    assert "worse than those they started from" in err
    assert "--keep-worse" in err
    assert not tuned.exists()
    code, _, err, tuned = finetune(*LIVE, "--keep-worse")
    assert code == 0, err
    assert tuned.exists()


@pytest.mark.parametrize("known", [None, {"a": 1}, 3, [{"version": "v1"}]])
def test_every_run_is_added_to_what_weights_tell_of_earlier_ones(finetune, weights, known):
    network, meta = load(weights)
    if known is not None:
        save(weights, network, replace(meta, provenance={"fine_tuning": known, "data": "mine"}))
    code, _, err, tuned = finetune(*LIVE)
    assert code == 0, err
    provenance = load(tuned)[1].provenance
    *before, run = provenance["fine_tuning"]
    assert before == ([] if known is None else known if isinstance(known, list) else [known])
    assert provenance.get("data") == (None if known is None else "mine")
    assert (run["started_from"], run["images"], run["speed"]) == ("small.safetensors", 3, "live")
    assert run["steps"] > 0
    tuned.replace(weights)
    finetune(*LIVE)
    assert len(load(tuned)[1].provenance["fine_tuning"]) == len(before) + 2


def test_the_time_follows_from_the_speed(finetune, monkeypatch):
    assert tuple(SPEEDS) == KNOWN_SPEEDS
    module, asked = sys.modules["model.training.finetune"], []

    def told(**values):
        asked.append(values["seconds"])
        return config(**{**values, "seconds": 0.3})

    config = module.FineTuneConfig
    monkeypatch.setattr(module, "FineTuneConfig", told)
    for speed in SPEEDS.values():
        finetune("--speed", speed.name)
    assert asked == [speed.seconds for speed in SPEEDS.values()]


def test_what_a_mask_took_over_from_a_prediction_is_not_measured(latentseg, weights, folders, tmp_path):
    images, masks = folders
    npz = tmp_path / "npz"
    latentseg("export", "--images", images, "--masks", masks, "-o", npz, "--format", "npz",
              "--classes", "background,thing")  # fmt: skip
    for path in npz.iterdir():
        with np.load(path) as arrays:
            content = dict(arrays)
        content["provenance"] = np.ones_like(content["labels"])
        np.savez(path, **content)
    code, out, err = latentseg(
        "finetune", "--images", images, "--masks", npz, "--weights", weights, *LIVE,
        "-o", tmp_path / "tuned.safetensors",
    )  # fmt: skip
    assert code == 0, err
    assert "nothing could be held out to measure with" in out


def test_numbered_objects_are_whole_and_do_not_grow(folders):
    from latentseg_gui.document.masks.classes import ClassTable
    from latentseg_gui.headless.subcommand import Failures
    from latentseg_gui.headless.transfer.masks import Pair
    from latentseg_gui.io.masks import ImportedMask

    labels = np.full((48, 64), 255, np.uint8)
    labels[:20] = 1
    labels[40:] = 0
    classes = ClassTable.from_names(("background", "thing"))

    class Mask:
        label = "mask"
        path = folders[1] / "scene 0.png"

        def read(self, context):
            return ImportedMask(labels, classes, (labels == 1).astype(np.uint32))

    pair = Pair(folders[0] / "scene 0.png", Mask())
    (sample,), _ = read_samples([pair], classes, Failures())
    assert set(np.unique(sample.origin[labels == 1])) == {2}
    assert set(np.unique(sample.origin[labels == 0])) == {4}


def test_classes_that_no_mask_has_are_named_by_evaluate(latentseg, weights, folders):
    images, masks = folders
    for path in masks.iterdir():
        Image.fromarray(np.zeros((48, 64), np.uint8)).save(path)
    code, out, _ = latentseg("evaluate", "--images", images, "--masks", masks, "--weights", weights)
    assert code == 0
    assert "not counted, for no pixel of these masks is labelled so: thing" in out
