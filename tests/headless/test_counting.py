"""Objects on the command line: touching ones come apart, with the sliders of the window as options."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from latentseg_gui import cli
from model.errors import WeightsError
from model.weights.checkpoint import CheckpointMeta, load, save
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


def test_weights_say_what_is_counted_unless_somebody_says_otherwise(taught, picture, tmp_path):
    network, meta = load(taught)
    stuff, large = tmp_path / "stuff.safetensors", tmp_path / "large.safetensors"
    save(stuff, network, replace(meta, smallest=(20, -1)))
    save(large, network, replace(meta, smallest=(20, 5000)))
    found = predict(picture, tmp_path / "a", stuff)
    assert found["categories"][0]["isthing"] == 0
    assert len(found["annotations"]) == 1, "an area, and no objects"
    assert len(predict(picture, tmp_path / "b", stuff, "--stuff", "")["annotations"]) == 3
    assert not predict(picture, tmp_path / "c", large)["annotations"]
    assert len(predict(picture, tmp_path / "d", large, "--smallest", "20")["annotations"]) == 3


@pytest.mark.parametrize("sizes", [[20], [20, -2], [20, 1.5], [20, True], "20", [20, 1 << 40]])
def test_sizes_of_objects_that_make_no_sense_are_refused(taught, tmp_path, sizes):
    network, meta = load(taught)
    bad = tmp_path / "bad.safetensors"
    save(bad, network, replace(meta, smallest=sizes))
    with pytest.raises(WeightsError, match="broken"):
        load(bad)


@pytest.fixture
def numbered(tmp_path):
    """Pictures of touching discs, each with a number, beside a field of another class."""
    images, masks = tmp_path / "pictures", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    for seed in range(2):
        sample = touching(seed)
        labels = sample.labels.copy()
        labels[:4, :20] = labels[:4, 60:80] = 2
        Image.fromarray(sample.image).save(images / f"{seed}.png")
        names = np.array(["background", "disc", "sky"])
        objects = sample.objects.astype(np.uint32)
        np.savez(masks / f"{seed}.npz", labels=labels, instances=objects, class_names=names)
    return images, masks


def test_fine_tuning_keeps_what_is_counted(numbered, tmp_path, capsys):
    images, masks = numbered
    plain, tuned = tmp_path / "plain.safetensors", tmp_path / "tuned.safetensors"
    arguments = ["finetune", "--images", str(images), "--masks", str(masks), "--device", "cpu"]
    arguments += ["--seconds", "1", "--keep-worse"]
    assert cli.main([*arguments, "-o", str(tuned), "--stuff", "disc,sky"]) == 0
    network, meta = load(tuned)
    assert meta.smallest == (20, -1, -1)
    assert not network.separates, "no objects were learned"
    assert cli.main([*arguments, "-o", str(plain), "--stuff", "sky"]) == 0
    network, meta = load(plain)
    assert meta.smallest == (20, 20, -1)
    assert network.separates
    again = tmp_path / "again.safetensors"
    assert cli.main([*arguments, "-o", str(again), "--weights", str(plain)]) == 0
    assert load(again)[1].smallest == (20, 20, -1), "it goes on as it was"
    assert cli.main([*arguments, "-o", str(again), "--stuff", "cloud"]) == 2
    assert "cloud" in capsys.readouterr().err


def test_what_is_not_counted_is_exported_as_one_area(numbered, tmp_path):
    images, masks = numbered
    arguments = ["export", "--images", str(images), "--masks", str(masks), "--format", "coco"]
    assert cli.main([*arguments, "-o", str(tmp_path / "all")]) == 0
    assert cli.main([*arguments, "-o", str(tmp_path / "sky"), "--stuff", "sky"]) == 0
    assert cli.main([*arguments, "-o", str(tmp_path / "both"), "--stuff", "sky,disc"]) == 0
    counts = [len(annotations(tmp_path / each)["annotations"]) for each in ("all", "sky", "both")]
    assert counts == [2 * (4 + 2), 2 * (4 + 1), 2 * 2]
    areas = [
        sum(each["area"] for each in annotations(tmp_path / name)["annotations"]) for name in ("all", "both")
    ]
    assert areas[0] == areas[1], "nothing is lost"
    things = [each["isthing"] for each in annotations(tmp_path / "sky")["categories"]]
    assert things == [1, 0]
