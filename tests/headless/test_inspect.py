"""`latentseg inspect`: maps, tables and figures that agree with each other."""

import csv
import io
import itertools
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from PIL import Image

from latentseg_gui.io.experts.figures import (
    MAGMA,
    VIRIDIS,
    categories,
    gallery,
    gradient_colours,
    heatmap,
    matrix,
    single,
)
from latentseg_gui.io.experts.sheet import text_width


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_everything_is_written(latentseg, weights, folders, tmp_path):
    code, _, err = latentseg(
        "inspect", folders[0] / "scene 0.png", "-o", tmp_path / "out", "--weights", weights
    )
    assert code == 0, err
    folder = tmp_path / "out" / "scene 0"
    with np.load(folder / "maps.npz") as maps:
        assert maps["look"].shape == maps["mix"].shape == (4, 5, 12, 16)
        assert np.allclose(maps["mix"].sum(1), 1, atol=1e-5)
        assert maps["image_shape"].tolist() == [48, 64]
        assert np.array_equal(maps["territory"], maps["mix"].mean(0).argmax(0))
    influence, experts = read_csv(folder / "influence.csv"), read_csv(folder / "experts.csv")
    assert sorted(int(row["expert"]) for row in influence) == list(range(5))
    changed = [float(row["changed_pixels"]) for row in influence]
    assert changed == sorted(changed, reverse=True)
    assert {"area_change_background", "area_change_thing"} <= set(influence[0])
    assert experts[2]["name"] == "edges"
    assert sum(float(row["mass"]) for row in experts) == pytest.approx(1, abs=1e-4)
    for name in ("look", "mix"):
        assert tifffile.imread(folder / f"{name}.tiff").shape == (5, 12, 16)
    galleries = ("look", "look_each", "mix", "mix_each")
    figures = (*galleries, "territory", "mix_entropy", "affinity", "similarity", "similarity_vectors")
    for name in figures:
        assert ElementTree.fromstring((folder / f"{name}.svg").read_bytes()).tag.endswith("svg")
        with Image.open(folder / f"{name}.png") as figure:
            assert figure.width > 100
            assert figure.convert("L").getextrema()[0] < 100


def test_what_excites_each_expert_is_written_for_all_images_together(latentseg, weights, folders, tmp_path):
    images = sorted(folders[0].glob("*.png"))[:2]
    code, _, err = latentseg("inspect", *images, "-o", tmp_path / "out", "--weights", weights)
    assert code == 0, err
    rows = read_csv(tmp_path / "out" / "patches.csv")
    assert {row["image"] for row in rows} == {image.stem for image in images}
    for expert in range(5):
        own = [row for row in rows if int(row["expert"]) == expert]
        shares = [float(row["share"]) for row in own]
        assert [int(row["rank"]) for row in own] == list(range(1, len(own) + 1))
        assert shares == sorted(shares, reverse=True)
        assert 1 <= len(own) <= 12
    assert rows[-1]["name"] == "expert 4"
    with np.load(tmp_path / "out" / rows[0]["image"] / "maps.npz") as maps:
        mix = maps["mix"].mean(0)[0]
    row0, col0, row1, col1 = (int(rows[0][edge]) // 4 for edge in ("row0", "col0", "row1", "col1"))
    assert float(rows[0]["share"]) == pytest.approx(mix[row0:row1, col0:col1].mean(), abs=0.02)
    with Image.open(tmp_path / "out" / "patches.png") as sheet:
        assert sheet.width > 700
    assert ElementTree.fromstring((tmp_path / "out" / "patches.svg").read_bytes()).tag.endswith("svg")


def test_one_head_or_the_largest(latentseg, weights, folders, tmp_path):
    image = folders[0] / "scene 0.png"
    for heads in ("max", "3"):
        code, _, err = latentseg(
            "inspect", image, "-o", tmp_path / heads, "--weights", weights, "--heads", heads
        )
        assert code == 0, err
    code, _, err = latentseg("inspect", image, "-o", tmp_path / "x", "--weights", weights, "--heads", "9")
    assert code == 1
    assert "no head 9" in err


@pytest.mark.parametrize("stops", [MAGMA, VIRIDIS])
def test_colours_become_steadily_brighter(stops):
    table = gradient_colours(stops).astype(float)
    light = table @ [0.2126, 0.7152, 0.0722]
    assert table.shape == (256, 3)
    assert (np.diff(light) >= -1.0).all()
    assert light[-1] - light[0] > 150


def test_heatmaps_keep_to_their_range():
    picture = heatmap(np.array([[-5.0, 0.0, 1.0, 9.0]]), 0, 1)
    assert np.array_equal(picture[0, 0], picture[0, 1])
    assert np.array_equal(picture[0, 2], picture[0, 3])
    assert heatmap(np.zeros((2, 2)), 0, 0).shape == (2, 2, 3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 9)])
def test_figures_of_any_form(shape):
    values = np.random.default_rng(0).random((3, *shape))
    names = ["a", "a very long name of an expert", "ü"]
    pictures = [
        gallery(values, names, "caption " * 40, unit="share"),
        gallery(values, names, "caption", unit="share", is_shared=False),
        single(values[0], "caption", unit="entropy", high=1.0),
        categories(values.argmax(0), names, "caption"),
        matrix(values.mean((1, 2))[:, None], names, ["one"], "caption", unit="share"),
    ]
    for sheet in pictures:
        with Image.open(io.BytesIO(sheet.png())) as figure:
            assert figure.height < 4000
            assert figure.width < 2000
        drawing = ElementTree.fromstring(sheet.svg())
        assert (int(drawing.get("width")), int(drawing.get("height"))) == (sheet.width, sheet.height)
        texts = [each.text for each in drawing.iter("{http://www.w3.org/2000/svg}text")]
        assert any("caption" in text for text in texts)
        assert drawing.findall("{http://www.w3.org/2000/svg}image"), "the colour bar at least"


@pytest.mark.parametrize("shape", [(1, 300), (300, 1), (3, 4), (40, 56)])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_no_text_of_a_figure_stands_on_another(shape, count):
    values = np.random.default_rng(0).random((count, *shape)) * 1e-4
    names = [f"attention {number}" for number in range(count)]
    for sheet in (
        gallery(values, names, "What the place attends to, mean of the heads; each map over its own range.",
                unit="share", is_shared=False),
        gallery(values, names, "caption " * 20, unit="a share of all"),
        single(values[0], "caption " * 20, unit="entropy, in bits", high=1.0),
    ):  # fmt: skip
        places = [
            (int(each.get("x")), int(each.get("y")), text_width(each.text or ""))
            for each in ElementTree.fromstring(sheet.svg()).iter("{http://www.w3.org/2000/svg}text")
        ]
        assert all(x + width <= sheet.width for x, _, width in places)
        for (x, y, width), (other_x, other_y, other_width) in itertools.combinations(places, 2):
            is_beside = x + width <= other_x or other_x + other_width <= x
            assert is_beside or abs(y - other_y) >= 13


def test_ranges_are_told_where_each_map_has_its_own():
    values = np.stack([np.full((4, 4), 6.0), np.linspace(10, 30, 16).reshape(4, 4)])
    own = gallery(values, ["a", "b"], "caption", unit="%", is_shared=False).svg().decode()
    assert "b  10.1 - 29.9" in own
    assert "its highest" in own
    shared = gallery(values, ["a", "b"], "caption", unit="%").svg().decode()
    assert "its highest" not in shared
    assert "6 - 6" not in shared


def test_a_name_can_be_anything_and_the_figure_stays_well_formed():
    names = ["<b>&amp;", 'quote " and \x00 and \n', "ü"]
    sheet = matrix(np.eye(3), names, names, "a < b & c", unit="share")
    texts = [
        each.text for each in ElementTree.fromstring(sheet.svg()).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert names[0] in texts
    assert "a < b & c" in texts
    assert sheet.png()


def test_several_images_add_up_to_one_matrix(latentseg, weights, folders, tmp_path):
    code, _, err = latentseg("inspect", folders[0], "-o", tmp_path / "out", "--weights", weights)
    assert code == 0, err
    rows = read_csv(tmp_path / "out" / "affinity.csv")
    whole = np.array([[float(row["affinity_background"]), float(row["affinity_thing"])] for row in rows])
    assert np.allclose(whole.sum(1), 1, atol=1e-4)
    parts = [read_csv(tmp_path / "out" / f"scene {index}" / "experts.csv") for index in range(3)]
    each = np.array([[[float(r["mass"]), float(r["affinity_thing"])] for r in part] for part in parts])
    assert np.allclose(whole[:, 1], (each[..., 0] * each[..., 1]).sum(0) / each[..., 0].sum(0), atol=1e-4)
    assert (tmp_path / "out" / "affinity.svg").is_file()
