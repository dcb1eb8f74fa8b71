"""What classes are called after `latentseg finetune`, and what its options say of themselves."""

import argparse

import numpy as np
import pytest
from PIL import Image

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.headless.training.finetune import add_arguments
from latentseg_gui.headless.transfer.naming import UNNAMED, occurring
from model.weights import checkpoint
from model.weights.checkpoint import load


@pytest.fixture
def shipped(weights, monkeypatch):
    """Small weights in place of those that come with the program, whose classes say nothing."""
    network, _ = load(weights)
    checkpoint.save(weights, network, checkpoint.CheckpointMeta(("background", "foreground"), (), {}))
    monkeypatch.setattr(checkpoint, "default_weights_path", lambda: weights)


def numbered(masks, **numbers):
    """Give the square of each scene another class number."""
    for path in sorted(masks.iterdir()):
        with Image.open(path) as mask:
            labels = np.asarray(mask).copy()
        labels[labels == 1] = numbers[path.stem.replace(" ", "")]
        Image.fromarray(labels).save(path)


def learned_names(latentseg, images, masks, output, *more):
    code, out, err = latentseg(
        "finetune", "--images", images, "--masks", masks, "--seconds", 0.5, "--speed", "live", "-o", output, *more
    )  # fmt: skip
    assert code == 0, err
    network, meta = load(output)
    assert network.config.num_classes == len(meta.class_names)
    return meta.class_names, out


@pytest.mark.usefixtures("shipped")
def test_masks_without_names_keep_their_numbers_and_it_is_said(latentseg, folders, tmp_path):
    images, masks = folders
    numbered(masks, scene0=2, scene1=1, scene2=2)
    tuned = tmp_path / "tuned.safetensors"
    names, out = learned_names(latentseg, images, masks, tuned)
    assert names == ("background", "class 1", "class 2")
    assert "classes: 0 background, 1 class 1, 2 class 2 (--classes gives names" in out
    code, out, err = latentseg("evaluate", "--images", images, "--masks", masks, "--weights", tuned)
    assert code == 0, err
    assert "class 2" in out
    latentseg("predict", images / "scene 0.png", "--weights", tuned, "-o", tmp_path, "--format", "png")
    with Image.open(tmp_path / "scene 0.png") as mask:
        assert np.asarray(mask).max() <= 2, "numbers of the masks, not others"


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("format_name", ["coco", "labelme", "png"])
def test_masks_with_names_bring_these_and_no_others(latentseg, folders, tmp_path, format_name):
    images, masks = folders
    numbered(masks, scene0=2, scene1=1, scene2=2)
    written = "--classes", "background,nucleus,cell", "--format", format_name
    latentseg("export", "--images", images, "--masks", masks, "-o", tmp_path / "named", *written)
    names, out = learned_names(latentseg, images, tmp_path / "named", tmp_path / "tuned.safetensors")
    assert (names[0], set(names[1:])) == ("background", {"nucleus", "cell"})
    assert "--classes" not in out


@pytest.mark.usefixtures("shipped")
def test_names_that_were_given_are_taken(latentseg, folders, tmp_path):
    names, out = learned_names(
        latentseg, *folders, tmp_path / "tuned.safetensors", "--classes", "background, cell"
    )
    assert names == ("background", "cell")
    assert "classes: 0 background, 1 cell\n" in out


def test_weights_of_somebody_go_on_with_their_names(latentseg, weights, folders, tmp_path):
    names, _ = learned_names(latentseg, *folders, tmp_path / "tuned.safetensors", "--weights", weights)
    assert names == ("background", "thing")


@pytest.mark.parametrize(
    ("read", "present", "after"),
    [
        ("class 1", [1], "class 1"),
        ("class 1, class 3", [2], "class 3"),
        ("class 1, class 3, class 2", [2, 3], "class 1, class 2, class 3"),
        ("class 1, class 2", [2], "class 1, class 2"),
        ("class 1, class 7, class 3", [2, 3], "class 3, class 7"),
        ("class 1, cat", [2], "cat"),
        ("class 1, cat, class 3", [1, 2, 3], "class 1, cat, class 3"),
        ("class 1, cat", [], ""),
    ],
)
def test_classes_that_nothing_shows_go_and_numbers_are_in_order(read, present, after):
    classes = ClassTable.from_names(["background", *read.split(", ")])
    assert classes.names[: len(UNNAMED)] == UNNAMED.names
    labels = np.array([[0, 255, *present]], np.uint8)
    settled_classes, table = occurring(classes, [labels])
    assert settled_classes.names == ("background", *filter(None, after.split(", ")))
    assert [settled_classes.names[table[value]] for value in (0, *present)] == [
        classes.names[value] for value in (0, *present)
    ]
    assert table[255] == 255


def test_every_option_says_what_holds_without_it():
    parser = argparse.ArgumentParser(prog="finetune")
    add_arguments(parser)
    for action in parser._actions:
        assert action.help, action.option_strings
        is_told = "default" in action.help or action.required or action.nargs == 0
        assert is_told, action.option_strings
        if action.default not in (None, False, argparse.SUPPRESS):
            said = parser._get_formatter()._expand_help(action)
            value = f"{action.default:g}" if isinstance(action.default, float) else str(action.default)
            assert f"(default: {value}" in said, said
