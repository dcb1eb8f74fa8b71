"""`latentseg propose`: every object that is found, numbered, in formats that know objects."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from latentseg_gui import cli


@pytest.fixture
def picture(tmp_path):
    pixels = np.full((150, 200, 3), (60, 130, 70), np.float64)
    rows, cols = np.mgrid[:150, :200]
    for row, col in ((40, 50), (40, 140), (110, 95)):
        pixels[np.hypot(rows - row, cols - col) < 26] = (205, 60, 50)
    pixels += np.random.default_rng(1).normal(0, 4, pixels.shape)
    (tmp_path / "images").mkdir()
    path = tmp_path / "images" / "balls.png"
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return path


def propose(picture, folder, *more):
    return cli.main(["propose", str(picture), "-o", str(folder), "--device", "cpu", *more])


def test_objects_are_written_with_a_number_each(picture, tmp_path, capsys):
    assert propose(picture, tmp_path / "all", "--name", "ball") == 0
    (file,) = (tmp_path / "all").rglob("*.json")
    found = json.loads(file.read_text())
    assert [each["name"] for each in found["categories"]] == ["ball"]
    assert len(found["annotations"]) >= 3
    assert f"{len(found['annotations'])} objects" in capsys.readouterr().out
    assert propose(picture, tmp_path / "large", "--smallest", "20000") == 0
    (file,) = (tmp_path / "large").rglob("*.json")
    assert len(json.loads(file.read_text())["annotations"]) < len(found["annotations"])


def test_formats_and_names_that_make_no_sense_are_refused_before_any_work(picture, tmp_path, capsys):
    assert propose(picture, tmp_path / "p", "--format", "probabilities") == cli.FAILED
    assert "objects have none here" in capsys.readouterr().err
    assert propose(picture, tmp_path / "b", "--name", " Background ") == cli.FAILED
    assert "cannot be the name of a class of objects" in capsys.readouterr().err
    assert not (tmp_path / "p").exists()
    assert not (tmp_path / "b").exists()


def boxes_of(folder):
    (file,) = folder.rglob("*.json")
    return [each["bbox"] for each in json.loads(file.read_text())["annotations"]]


def marked(picture, name):
    """A mask of the first ball alone."""
    rows, cols = np.mgrid[:150, :200]
    mask = np.where(np.hypot(rows - 40, cols - 50) < 26, 7, 0)
    path = picture.parent.parent / name
    Image.fromarray(mask.astype(np.uint8)).save(path)
    return path


def test_what_is_like_a_marked_object_is_found(picture, tmp_path):
    mask = marked(picture, "one.png")
    like = ("--like", str(picture), str(mask))
    assert propose(picture, tmp_path / "like", *like) == 0
    boxes = boxes_of(tmp_path / "like")
    for row, col in ((40, 50), (40, 140), (110, 95)):
        assert any(abs(x + w / 2 - col) < 6 and abs(y + h / 2 - row) < 6 for x, y, w, h in boxes), (row, col)
    assert all(30 < w < 70 and 30 < h < 70 for _, _, w, h in boxes), "nothing of another size"


def test_another_question_in_the_same_folder_is_answered_anew(picture, tmp_path):
    like = ("--like", str(picture), str(marked(picture, "one.png")))
    assert propose(picture, tmp_path / "out", *like) == 0
    before = len(boxes_of(tmp_path / "out"))
    assert propose(picture, tmp_path / "out", *like, "--least-similarity", "0.99") == 0
    assert len(boxes_of(tmp_path / "out")) < before, "hardly anything is so alike"
    other = np.zeros((150, 200), np.uint8)
    other[100:104, 20:24] = 1
    Image.fromarray(other).save(tmp_path / "other.png")
    assert propose(picture, tmp_path / "out", "--like", str(picture), str(tmp_path / "other.png")) == 0
    assert len(boxes_of(tmp_path / "out")) != before, "other examples, another answer"


def test_examples_without_an_object_and_files_that_are_not_there_are_said(picture, tmp_path, capsys):
    empty = tmp_path / "empty.png"
    Image.fromarray(np.zeros((150, 200), np.uint8)).save(empty)
    assert propose(picture, tmp_path / "a", "--like", str(picture), str(empty)) == cli.FAILED
    assert "no object in the masks" in capsys.readouterr().err
    assert propose(picture, tmp_path / "b", "--like", str(picture), str(tmp_path / "none.png")) == cli.FAILED
    assert "none.png" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()
