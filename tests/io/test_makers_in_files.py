"""Whose click model made an object goes along into every file that lists objects."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import Provenance
from latentseg_gui.io.masks import MaskItem, export_folder

CLASSES = ClassTable.from_names(("background", "cell"))
TITLE = "mobile_sam (Segment Anything)"


@pytest.fixture
def item() -> MaskItem:
    """Two objects: the first by a click model of others, the second by hand."""
    numbers = np.zeros((20, 40), np.uint32)
    numbers[3:9, 3:9], numbers[3:9, 20:30] = 1, 2
    labels = (numbers > 0).astype(np.uint8)
    provenance = np.where(numbers == 1, Provenance.CLICKED, Provenance.PAINTED).astype(np.uint8)
    return MaskItem("a", labels, numbers, provenance, image_name="a.png", makers={1: TITLE})


def written(folder: Path, item: MaskItem, name: str) -> dict[str, Path]:
    list(export_folder(folder, [item], CLASSES, name))
    return {path.suffix: path for path in sorted(folder.iterdir())}


def content(folder: Path, item: MaskItem, name: str) -> Any:
    (path,) = written(folder, item, name).values()
    return json.loads(path.read_text(encoding="utf-8"))


def test_coco_geojson_and_labelme_name_it_with_the_object(tmp_path: Path, item: MaskItem) -> None:
    told = [each["latentseg"] for each in content(tmp_path / "coco", item, "coco")["annotations"]]
    assert told == [{"object": 1, "click_model": TITLE}, {"object": 2}]
    features = content(tmp_path / "geojson", item, "geojson")["features"]
    assert [each["properties"]["latentseg"].get("click_model") for each in features] == [TITLE, None]
    shapes = content(tmp_path / "labelme", item, "labelme")["shapes"]
    assert [each["description"] for each in shapes] == [TITLE, ""]


def objects_in(folder: Path, item: MaskItem) -> list[dict[str, str]]:
    list(export_folder(folder, [item], CLASSES, "csv"))
    return list(csv.DictReader((folder / "objects.csv").read_text("utf-8").splitlines()))


def test_a_table_has_a_column_for_it_only_where_there_is_one(tmp_path: Path, item: MaskItem) -> None:
    rows = objects_in(tmp_path / "with", item)
    assert [row["click_model"] for row in rows] == [TITLE, ""]
    (row, _) = objects_in(tmp_path / "without", replace(item, makers={}))
    assert "click_model" not in row


def test_what_was_painted_over_is_no_longer_its_work(tmp_path: Path, item: MaskItem) -> None:
    painted = replace(item, provenance=np.full(item.shape, Provenance.PAINTED, np.uint8))
    assert "click_model" not in objects_in(tmp_path, painted)[0]
