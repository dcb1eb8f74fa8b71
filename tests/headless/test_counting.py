"""Objects on the command line: touching ones come apart, with the sliders of the window as options."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from latentseg_gui import cli
from model.weights.checkpoint import CheckpointMeta, save
from tests.discs import learned, touching

ROW = ((30, 20), (30, 42), (30, 64))


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """Weights that tell discs apart."""
    path = tmp_path_factory.mktemp("weights") / "discs.safetensors"
    network = learned([touching(0), touching(1)], steps=250).network
    save(path, network, CheckpointMeta(("background", "disc"), ("#000000", "#E69F00")))
    return path


@pytest.fixture
def picture(tmp_path):
    (tmp_path / "images").mkdir()
    path = tmp_path / "images" / "row.png"
    Image.fromarray(touching(5, places=ROW).image).save(path)
    return path


def annotations(folder):
    (file,) = folder.rglob("*.json")
    return json.loads(file.read_text())


def predict(picture, folder, taught, *more):
    arguments = ["predict", str(picture), "-o", str(folder), "--weights", str(taught), "--format", "coco"]
    assert cli.main([*arguments, "--device", "cpu", *more]) == 0
    return annotations(folder)


def test_touching_objects_are_exported_as_objects_of_their_own(taught, picture, tmp_path, capsys):
    found = predict(picture, tmp_path / "a", taught)
    assert len(found["annotations"]) == 3
    assert found["categories"][0]["isthing"] == 1
    assert "3 objects" in capsys.readouterr().out


def test_options_are_those_of_the_sliders(taught, picture, tmp_path):
    assert len(predict(picture, tmp_path / "a", taught, "--separation", "0")["annotations"]) == 1
    assert not predict(picture, tmp_path / "b", taught, "--smallest", "5000")["annotations"]
    stuff = predict(picture, tmp_path / "c", taught, "--stuff", "disc")
    assert stuff["categories"][0]["isthing"] == 0
    assert len(stuff["annotations"]) == 1, "an area, and no objects"


def test_other_settings_are_another_run(taught, picture, tmp_path):
    predict(picture, tmp_path / "a", taught)
    code = cli.main(
        ["predict", str(picture), "-o", str(tmp_path / "a"), "--weights", str(taught), "--format", "coco",
         "--device", "cpu", "--separation", "0", "--overwrite"]
    )  # fmt: skip
    assert code == 0
    assert len(annotations(tmp_path / "a")["annotations"]) == 1


def test_evaluate_counts_and_finds_objects(taught, picture, tmp_path, capsys):
    truth = np.where(touching(5, places=ROW).objects > 0, 1, 0).astype(np.uint8)
    assert truth.any()
    predict(picture, tmp_path / "a", taught)
    (masks,) = (tmp_path / "a").rglob("*.json")
    out = tmp_path / "figures.json"
    arguments = ["evaluate", "--images", str(picture.parent), "--masks", str(masks), "--json", str(out)]
    assert cli.main([*arguments, "--weights", str(taught), "--device", "cpu"]) == 0
    figures = json.loads(out.read_text())["objects"]
    assert figures["true"] == figures["predicted"] == 3
    assert figures["f1_at_0.75"] == 1.0
    assert figures["count_off"] == 0.0
    assert "objects: F1 1.000 at IoU 0.5" in capsys.readouterr().out
    other = tmp_path / "joined.json"
    assert (
        cli.main(
            [*arguments[:-1], str(other), "--weights", str(taught), "--device", "cpu", "--separation", "0"]
        )
        == 0
    )
    assert json.loads(other.read_text())["objects"]["predicted"] == 1


@pytest.mark.parametrize("option", [("--threshold", "2"), ("--separation", "x"), ("--smallest", "-1")])
def test_nonsense_is_refused(taught, picture, tmp_path, option, capsys):
    with pytest.raises(SystemExit):
        cli.main(["predict", str(picture), "-o", str(tmp_path / "a"), "--weights", str(taught), *option])
    assert option[0] in capsys.readouterr().err


def test_a_class_that_nobody_knows_is_no_stuff(taught, picture, tmp_path, capsys):
    code = cli.main(
        ["predict", str(picture), "-o", str(tmp_path / "a"), "--weights", str(taught), "--stuff", "sky"]
    )
    assert code != 0
    assert "sky" in capsys.readouterr().err
