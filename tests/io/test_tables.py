"""Tables of objects: the file's own numbers, the unit that it states, all images together."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.io.images.reading import read_image
from latentseg_gui.io.masks import MaskItem, export_folder
from latentseg_gui.io.masks.measuring import pixel_size, stored_values

CLASSES = ClassTable.from_names(("background", "cell", "nucleus"))
SHAPE = (40, 60)
PLACE = (slice(5, 15), slice(10, 30))


def labels():
    values = np.zeros(SHAPE, np.uint8)
    values[PLACE] = 1
    return values


def item(path, values=None):
    stored = stored_values(read_image(path))
    return MaskItem(path.stem, labels() if values is None else values, stored=stored, image_name=path.name)


def tables(folder, items):
    list(export_folder(folder, items, CLASSES, "csv"))
    return [
        list(csv.DictReader((folder / name).read_text("utf-8").splitlines()))
        for name in ("objects.csv", "counts.csv")
    ]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.uint32, np.float32])
def test_grey_values_are_those_of_the_file_in_one_set_of_columns(tmp_path, dtype):
    values = np.random.default_rng(0).integers(0, 120, SHAPE).astype(dtype)
    if np.dtype(dtype).itemsize > 1:
        values = (values * 250).astype(dtype)
    tifffile.imwrite(tmp_path / "grey.tif", values)
    ((row,), _) = tables(tmp_path / "out", [item(tmp_path / "grey.tif")])
    inside = values[PLACE].astype(float)
    assert float(row["mean"]) == pytest.approx(inside.mean(), rel=1e-6)
    assert [float(row[name]) for name in ("min", "max", "sum")] == pytest.approx(
        [inside.min(), inside.max(), inside.sum()]
    )
    assert not [name for name in row if "red" in name]


def test_values_that_are_none_are_left_out_and_large_sums_stay_whole(tmp_path):
    values = np.full(SHAPE, 2.5, np.float32)
    values[6, 12:20] = np.nan
    tifffile.imwrite(tmp_path / "holes.tif", values)
    big = np.full(SHAPE, 2**63, np.uint64)
    holes = item(tmp_path / "holes.tif")
    ((row,), _) = tables(tmp_path / "out", [holes])
    assert (row["mean"], row["sum"]) == ("2.5", f"{2.5 * 192:g}")
    ((row,), _) = tables(tmp_path / "big", [replace(holes, stored=replace(holes.stored, values=big))])
    assert row["sum"] == str(200 * 2**63)


def test_images_of_other_channels_stand_in_one_table_and_classes_are_counted(tmp_path):
    Image.new("RGB", SHAPE[::-1], (10, 20, 30)).save(tmp_path / "colour.png")
    Image.new("RGBA", SHAPE[::-1], (10, 20, 30, 40)).save(tmp_path / "alpha.png")
    tifffile.imwrite(tmp_path / "grey.tif", np.full(SHAPE, 7000, np.uint16))
    five = np.full((*SHAPE, 5), 9, np.uint16)
    tifffile.imwrite(tmp_path / "five.tif", five, photometric="minisblack", planarconfig="contig")
    two = labels()
    two[20:24, 5:9] = 1
    two[30:33, 40:50] = 2
    names = ("colour.png", "alpha.png", "grey.tif", "five.tif")
    objects, counts = tables(
        tmp_path / "out", [item(tmp_path / name, two if name == "grey.tif" else None) for name in names]
    )
    assert [row["image"] for row in objects] == ["colour.png", "alpha.png", *3 * ["grey.tif"], "five.tif"]
    assert [objects[0][f"mean_{name}"] for name in ("red", "green", "blue")] == ["10", "20", "30"]
    assert (objects[1]["mean_alpha"], objects[1]["mean"]) == ("40", "")
    assert (objects[2]["max"], objects[2]["mean_red"]) == ("7000", "")
    assert objects[5]["sum_channel_5"] == "1800"
    of_grey = [(row["class"], row["objects"], row["area"]) for row in counts if row["image"] == "grey.tif"]
    assert of_grey == [("cell", "2", "216"), ("nucleus", "1", "30")]


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"resolution": (4, 4), "resolutionunit": "CENTIMETER"}, (0.25, 0.25, "cm")),
        ({"resolution": (300, 150), "resolutionunit": "INCH"}, (1 / 300, 1 / 150, "inch")),
        ({"imagej": True, "resolution": (2, 2), "metadata": {"unit": "micron"}}, (0.5, 0.5, "µm")),
        ({"imagej": True, "resolution": (5, 5), "metadata": {"unit": "nm"}}, (0.2, 0.2, "nm")),
        (
            {"ome": True, "metadata": {"axes": "YX", "PhysicalSizeX": 0.325, "PhysicalSizeY": 0.65}},
            (0.325, 0.65, "µm"),
        ),
        ({"resolution": (1, 1), "resolutionunit": "NONE"}, None),
        ({}, None),
    ],
)
def test_lengths_are_in_the_unit_that_the_file_states(tmp_path, options, size):
    path = tmp_path / "scaled.tif"
    tifffile.imwrite(path, np.full(SHAPE, 3, np.uint16), **options)
    ((row,), counts) = tables(tmp_path / "out", [item(path)])
    assert row["area"] == "200"
    if size is None:
        assert (row["unit"], row["area_in_unit"], pixel_size(path)) == ("", "", None)
        return
    wide, high, unit = size
    assert row["unit"] == unit
    assert float(row["pixel_width"]) == pytest.approx(wide, rel=1e-6)
    assert float(row["pixel_height"]) == pytest.approx(high, rel=1e-6)
    assert float(row["area_in_unit"]) == pytest.approx(200 * wide * high, rel=1e-6)
    assert float(counts[0]["area_in_unit"]) == pytest.approx(200 * wide * high, rel=1e-6)
    across = float(row["major_axis_in_unit"]) if wide * 20 >= high * 10 else float(row["minor_axis_in_unit"])
    assert across == pytest.approx(float(row["major_axis"]) * wide, rel=1e-4)
    assert bool(row["perimeter_in_unit"]) == (wide == high)


@pytest.mark.parametrize(("step", "degrees"), [(1, 45), (-1, -45)])
def test_the_sign_of_the_orientation_says_which_way_an_object_leans(tmp_path, step, degrees):
    values = np.zeros(SHAPE, np.uint8)
    for row in range(5, 35):
        col = 5 + row if step > 0 else 45 - row
        values[row, col : col + 3] = 1
    ((found,), _) = tables(tmp_path / "out", [MaskItem("leaning", values)])
    assert float(found["orientation_degrees"]) == pytest.approx(degrees, abs=6)
