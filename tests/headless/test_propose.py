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
    assert "no name for a class of objects" in capsys.readouterr().err
    assert not (tmp_path / "p").exists()
    assert not (tmp_path / "b").exists()
