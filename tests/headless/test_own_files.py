"""Subcommands keep their hands off files of others, names belong to one image, and no item ends the others."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentseg_gui.headless import subcommand as common
from latentseg_gui.headless.prediction import predict as predict_module
from latentseg_gui.headless.prediction.overlap import Overlapped
from tests.headless.conftest import paint


@pytest.fixture
def by_hand(folders):
    """The masks that somebody drew, as they are."""
    return {path: path.read_bytes() for path in folders[1].iterdir()}


@pytest.mark.parametrize("name", ["png", "png16", "png,coco"])
def test_predicting_into_a_folder_of_hand_made_masks_is_refused(
    latentseg, weights, folders, by_hand, tmp_path, name
):
    if "," in name:
        (folders[1] / "png").mkdir()
        for path in list(by_hand):
            by_hand[path.rename(folders[1] / "png" / path.name)] = by_hand.pop(path)
    common = ("predict", folders[0], "-o", folders[1], "--weights", weights, "--format", name)
    code, _, err = latentseg(*common)
    assert code == 2
    assert "scene 0.png" in err
    assert "--overwrite" in err
    assert {path: path.read_bytes() for path in by_hand} == by_hand
    assert not [path for path in folders[1].rglob("*") if path.is_file() and path not in by_hand]
    code, _, err = latentseg(*common, "--overwrite")
    assert code == 0, err
    assert all(path.read_bytes() != data for path, data in by_hand.items())


def test_one_edited_result_stops_a_second_run_before_it_begins(latentseg, weights, folders, tmp_path):
    common = ("predict", folders[0], "-o", tmp_path / "out", "--weights", weights)
    assert latentseg(*common)[0] == 0
    assert latentseg(*common)[0] == 0, "what was written here may be written again"
    Image.new("L", (64, 48), 1).save(tmp_path / "out" / "scene 1.png")
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    code, _, err = latentseg(*common)
    assert code == 2
    assert "scene 1.png" in err
    assert "scene 0.png" not in err
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


@pytest.mark.parametrize("name", ["png", "yolo", "csv", "coco"])
def test_exporting_over_files_of_others_is_refused(latentseg, folders, by_hand, tmp_path, name):
    out = tmp_path / "out"
    taken = {
        "png": "scene 1.png",
        "yolo": "labels/scene 1.txt",
        "csv": "objects.csv",
        "coco": "annotations.json",
    }
    (out / taken[name]).parent.mkdir(parents=True)
    (out / taken[name]).write_text("mine")
    common = ("export", "--images", folders[0], "--masks", folders[1], "-o", out, "--format", name)
    code, _, err = latentseg(*common)
    assert (code, taken[name].split("/")[-1] in err) == (2, True)
    assert [path for path in out.rglob("*") if path.is_file()] == [out / taken[name]]
    assert latentseg(*common, "--overwrite")[0] == 0
    assert (out / taken[name]).read_text(errors="replace") != "mine"


def test_maps_of_the_experts_do_not_replace_files_of_others(latentseg, weights, folders, tmp_path):
    (tmp_path / "out" / "scene 0").mkdir(parents=True)
    (tmp_path / "out" / "scene 0" / "experts.csv").write_text("mine")
    common = ("inspect", folders[0] / "scene 0.png", "-o", tmp_path / "out", "--weights", weights)
    code, _, err = latentseg(*common)
    assert (code, "experts.csv" in err) == (2, True)
    assert len(list((tmp_path / "out" / "scene 0").iterdir())) == 1
    assert latentseg(*common, "--overwrite")[0] == 0
    assert latentseg(*common)[0] == 0


def test_results_below_the_images_are_no_images_and_a_run_goes_on(latentseg, weights, folders):
    images, out = folders[0], folders[0] / "out"
    common = ("predict", images, "-o", out, "--weights", weights)
    broken = images / "a broken one.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    assert latentseg(*common)[0] == 1
    broken.unlink()
    code, said, err = latentseg(*common)
    assert code == 0, err
    assert "3 of 3 images were done by an earlier run" in said
    assert latentseg(*common)[0] == 0
    assert len(list(out.glob("*.png"))) == 3


def test_results_of_images_that_share_a_name_find_their_images_again(latentseg, weights, tmp_path):
    truths = {}
    images = tmp_path / "images"
    for number, name in enumerate(("img.png", "img.jpg", "sub/img.png", "other/deep/img.png", "single.png")):
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        truths[name] = paint(images / name, seed=number)
        mask = tmp_path / "masks" / f"{name}.png"
        mask.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(truths[name]).save(mask)
    for way in ("png", "npz", "coco", "yolo", "voc", "labelme", "geojson"):
        common = ("export", "--images", images, "--format")
        code, _, err = latentseg(*common, way, "--masks", tmp_path / "masks", "-o", tmp_path / way)
        assert code == 0, err
        back = tmp_path / f"{way} back"
        code, _, err = latentseg(*common, "npy", "--masks", tmp_path / way, "-o", back)
        assert (code, err) == (0, ""), way
        for name in truths:
            place = {"single.png": "single", "sub/img.png": "sub/img", "other/deep/img.png": "other/deep/img"}
            labels = np.load(back / f"{place.get(name, name)}.npy")
            assert np.array_equal(labels == 1, truths[name] == 1), (way, name)


def test_a_file_that_cannot_be_read_after_it_was_opened_does_not_end_the_others(
    latentseg, weights, folders, tmp_path, monkeypatch
):
    original = common.read_image

    def fails(path, **more):
        if path.name == "scene 1.png":
            raise RuntimeError("the disk sings")
        return original(path, **more)

    monkeypatch.setattr(common, "read_image", fails)
    for arguments in (
        ("predict", folders[0], "--weights", weights),
        ("inspect", folders[0], "--weights", weights),
        ("export", "--images", folders[0], "--masks", folders[1], "--format", "overlay"),
    ):
        out = tmp_path / arguments[0]
        code, _, err = latentseg(*arguments, "-o", out)
        assert code == 1, err
        assert "scene 1.png" in err
        assert "the disk sings" in err
        assert {path.name.partition(".")[0] for path in out.iterdir()} >= {"scene 0", "scene 2"}


def test_an_unexpected_error_of_one_step_is_that_items_alone():
    def work(item, source):
        return 1 // source

    def write(item, answer):
        if item == 3:
            raise ValueError("no ink")
        return answer

    stages = Overlapped(int, work, write, threads=2)
    outcomes = list(stages.run([1, "x", 0, 3, -1]))
    assert [outcome.written for outcome in outcomes] == [1, None, None, None, -1]
    assert ["“x”" in str(outcomes[1].error), "“0”" in str(outcomes[2].error)] == [True, True]
    assert "no ink" in str(outcomes[3].error)


def test_a_pipe_among_the_images_is_left_alone_and_a_header_may_lie_about_its_pages(
    latentseg, weights, folders, tmp_path, monkeypatch
):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    code, _, err = latentseg("predict", folders[0], pipe, "-o", tmp_path / "out", "--weights", weights)
    assert code == 1
    assert "pipe.png" in err
    assert len(list((tmp_path / "out").glob("*.png"))) == 3
    honest = predict_module.probe(folders[0] / "scene 0.png")
    monkeypatch.setattr(
        predict_module, "probe", lambda path: type(honest)(64, 48, 2**31, honest.bytes, honest.format)
    )
    assert len(predict_module.all_pages([folders[0] / "scene 0.png"])) == 1


def read_data_set(file):
    """A data set as its documentation describes it: (class, polygon of shares [n, 2]) by image and the names."""
    entries = dict(line.split(": ", 1) for line in file.read_text().splitlines() if ": " in line)
    root = file.parent / entries.get("path", ".")
    names = {int(key): json.loads(value) for key, value in entries.items() if key.strip().isdigit()}
    found = {}
    for part in ("train", "val"):
        images = sorted((root / entries[part]).rglob("*.*"))
        assert images, f"{part} has no images"
        for image in images:
            with Image.open(image) as picture:
                picture.load()
            place = str(image.with_suffix(".txt")).rsplit("/images/", 1)
            found[image.name] = [
                (int(line.split()[0]), np.array(line.split()[1:], float).reshape(-1, 2))
                for line in Path("/labels/".join(place)).read_text().splitlines()
            ]
    assert int(entries["nc"]) == len(names)
    return found, names


@pytest.mark.parametrize("how", ["copy", "link"])
def test_a_yolo_data_set_can_be_trained_from_wherever_it_is(latentseg, folders, tmp_path, how):
    masks = tmp_path / "numbered"
    masks.mkdir()
    for index in range(3):
        truth = np.zeros((48, 64), np.uint8)
        labels = np.zeros((48, 64), np.uint32)
        truth[4:20, 5:25], labels[4:20, 5:25] = 1, 1
        truth[30:40, 40:60], labels[30:40, 40:60] = 1, 1  # one object in two parts
        truth[25:28, 2:6], labels[25:28, 2:6] = 2, 2
        np.savez(
            masks / f"scene {index}.npz",
            labels=truth,
            instances=labels,
            provenance=np.zeros_like(truth),
            class_names=np.array(["background", "cell", "nucleus"]),
            class_colours=np.array(["#000000", "#E69F00", "#56B4E9"]),
            weights=np.array(""),
        )
    Image.open(folders[0] / "scene 2.png").save(folders[0] / "scene 2.tif")
    (folders[0] / "scene 2.png").unlink()
    code, _, err = latentseg(
        *("export", "--images", folders[0], "--masks", masks, "-o", tmp_path / "made"),
        *("--format", "yolo", "--yolo-images", how),
    )
    assert code == 0, err
    assert (tmp_path / "made" / "images" / "scene 0.png").is_symlink() == (how == "link")
    if how == "copy":
        (tmp_path / "made").rename(tmp_path / "moved")
    found, names = read_data_set(tmp_path / ("moved" if how == "copy" else "made") / "data.yaml")
    assert names == {0: "cell", 1: "nucleus"}
    assert sorted(found) == ["scene 0.png", "scene 1.png", "scene 2.png"]
    for objects in found.values():
        assert [class_id for class_id, _ in objects] == [0, 1], "a line for every object"
        assert len(objects[0][1]) <= 12, "corners, not stairs"
        assert all(((corners >= 0) & (corners <= 1)).all() for _, corners in objects)


def test_class_numbers_stay_as_they_came(latentseg, folders, tmp_path):
    yolo = tmp_path / "yolo"
    yolo.mkdir()
    (yolo / "classes.txt").write_text("leaf\n")
    for index in range(3):
        (yolo / f"scene {index}.txt").write_text("0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n")
    common = ("export", "--images", folders[0], "--masks", yolo, "--format")
    assert latentseg(*common, "yolo", "-o", tmp_path / "again")[0] == 0
    assert (tmp_path / "again" / "classes.txt").read_text() == "leaf\n"
    assert (tmp_path / "again" / "labels" / "scene 0.txt").read_text().startswith("0 ")
    assert latentseg(*common, "coco", "-o", tmp_path / "coco")[0] == 0
    categories = json.loads((tmp_path / "coco" / "annotations.json").read_text())["categories"]
    assert [(each["id"], each["name"]) for each in categories] == [(1, "leaf")]


def test_one_table_for_all_images(latentseg, folders, tmp_path):
    common = ("export", "--images", folders[0], "--masks", folders[1], "--format", "csv")
    assert latentseg(*common, "-o", tmp_path / "out")[0] == 0
    with open(tmp_path / "out" / "objects.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == [f"scene {index}.png" for index in range(3)]
    for row in rows:
        pixels = np.asarray(Image.open(folders[0] / row["image"]))
        truth = np.asarray(Image.open(folders[1] / row["image"])) == 1
        assert int(row["sum_green"]) == pixels[truth][:, 1].sum()
        assert int(row["max_red"]) == pixels[truth][:, 0].max()
    with open(tmp_path / "out" / "counts.csv", newline="") as file:
        counts = list(csv.DictReader(file))
    assert [(row["image"], row["objects"], row["area"]) for row in counts] == [
        (f"scene {index}.png", "1", "400") for index in range(3)
    ]


def test_weights_and_figures_of_others_stay(latentseg, weights, folders, tmp_path):
    pairs = ("--images", folders[0], "--masks", folders[1], "--weights", weights)
    mine = tmp_path / "mine.safetensors"
    mine.write_bytes(b"weeks of work")
    code, _, err = latentseg("finetune", *pairs, "-o", mine, "--seconds", "1")
    assert (code, "--overwrite" in err, mine.read_bytes()) == (2, True, b"weeks of work")
    figures = tmp_path / "figures.json"
    figures.write_text("mine")
    code, _, err = latentseg("evaluate", *pairs, "--json", figures)
    assert (code, "figures.json" in err, figures.read_text()) == (2, True, "mine")
    for options in (("--overwrite",), ()):
        assert latentseg("evaluate", *pairs, "--json", figures, *options)[0] == 0
    assert "mean" in figures.read_text()
