"""`latentseg import`: masks of other tools become a project, and what did not come in is said."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.io.project.opening import open_project

SHAPE = (40, 60)
IDS = np.zeros(SHAPE, np.uint8)
IDS[5:15, 5:25] = 1
IDS[20:35, 30:50] = 2
SQUARE = [[5, 5], [15, 5], [15, 15], [5, 15]]


@pytest.fixture
def images(tmp_path):
    """Two pictures in a folder."""
    folder = tmp_path / "images"
    folder.mkdir()
    (tmp_path / "masks").mkdir()
    for name in ("a.png", "b.png"):
        pixels = np.random.default_rng(1).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def imported(folder):
    """Class names, and the labels by image name, of a project."""
    opened = open_project(folder)
    document = opened.document
    labels = {
        document.images.path(each).name: np.array(document.masks.labels(each))
        for each in document.masks.labelled_ids()
    }
    names = document.classes.names
    opened.session.close()
    return names, labels


def labelme(*shapes, name="a.png"):
    return json.dumps({"shapes": list(shapes), "imagePath": name, "imageHeight": 40, "imageWidth": 60})


def test_small_numbers_are_told_and_can_be_said(latentseg, images, tmp_path):
    Image.fromarray(IDS.astype(np.uint16)).save(tmp_path / "masks" / "a.png")
    common = ("import", "--images", images, "--masks", tmp_path / "masks", "-o")
    code, _, err = latentseg(*common, tmp_path / "one")
    assert code == 0, err
    assert "could be those of classes or of objects; they are taken as classes" in err
    assert "--numbers objects" in err
    names, labels = imported(tmp_path / "one")
    assert names == ("background", "class 1", "class 2")
    assert np.array_equal(labels["a.png"], IDS)
    code, _, err = latentseg(*common, tmp_path / "two", "--numbers", "objects")
    assert code == 0, err
    assert "could be" not in err
    names, labels = imported(tmp_path / "two")
    assert names == ("background", "object")
    assert np.array_equal(labels["a.png"], IDS > 0)


def test_it_ends_with_how_many_objects_of_how_many_came_in(latentseg, images, tmp_path):
    good = {"label": "leaf", "points": SQUARE}
    bad = {"label": "stem", "points": [[30, 10], [40, 20]], "shape_type": "linestrip"}
    (tmp_path / "masks" / "a.json").write_text(labelme(good, bad, good | {"points": [[1, None]]}))
    (tmp_path / "masks" / "b.json").write_text("")
    code, out, err = latentseg(
        "import", "--images", images, "--masks", tmp_path / "masks", "-o", tmp_path / "work"
    )
    assert code == 1, "one file could not be read"
    assert "shape #2 (“stem”)" in out
    assert "shape #3 (“leaf”)" in out
    assert "1 of 3 objects were imported." in out
    assert "1 of 2 masks could not be read." in out
    assert "“b.json” is empty" in err
    names, labels = imported(tmp_path / "work")
    assert names == ("background", "leaf")
    assert set(np.unique(labels["a.png"])) == {1, UNLABELLED}


def test_yolo_goes_in_and_out_with_the_numbers_that_it_had(latentseg, images, tmp_path):
    (tmp_path / "masks" / "classes.txt").write_text("leaf\nstem\n")
    words = [value / side for point in SQUARE for value, side in zip(point, (60, 40), strict=True)]
    (tmp_path / "masks" / "a.txt").write_text(f"1 {' '.join(map(str, words))}\n")
    code, out, err = latentseg(
        "import", "--images", images, "--masks", tmp_path / "masks", "-o", tmp_path / "work"
    )
    assert code == 0, err
    assert "1 of 1 objects were imported." in out
    assert imported(tmp_path / "work")[0] == ("background", "leaf", "stem")
    code, _, err = latentseg(
        "export", "--project", tmp_path / "work", "-o", tmp_path / "out", "--format", "yolo"
    )
    assert code == 0, err
    (file,) = (tmp_path / "out").rglob("a.txt")
    assert file.read_text().startswith("1 ")


def test_two_masks_of_one_image_are_named_as_the_reason(latentseg, images, tmp_path):
    Image.fromarray(IDS).save(tmp_path / "masks" / "a.png")
    Image.fromarray(IDS).save(tmp_path / "masks" / "a.tif")
    code, _, err = latentseg(
        "import", "--images", images, "--masks", tmp_path / "masks", "-o", tmp_path / "work"
    )
    assert code == 2
    assert "could belong to a.png or a.tif" in err
    assert "of the same name" not in err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_nothing_in_the_folder_ends_or_holds_up_the_others(latentseg, images, tmp_path):
    masks = tmp_path / "masks"
    Image.fromarray(IDS).save(masks / "a.png")
    os.mkfifo(masks / "b.png")
    np.savez(masks / "b.npz", labels=IDS, instances=IDS[:5], provenance=IDS[:3], class_names=["x", "y", "z"])
    (masks / "c.json").write_bytes(b"\xff\xfe{")
    (masks / "d.tif").write_bytes(b"II*\0rubbish")
    code, out, err = latentseg("import", "--images", images, "--masks", masks, "-o", tmp_path / "work")
    assert code == 0, err
    assert "not regular files" in err
    assert "2 masks of 2 images" in out
    assert "object numbers have another size" in out
    _, labels = imported(tmp_path / "work")
    assert np.array_equal(labels["a.png"], IDS)


@pytest.mark.parametrize("orientation", [3, 6])
def test_masks_from_before_the_images_were_turned(latentseg, images, tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    with Image.open(images / "a.png") as image:
        image.save(images / "a.png", exif=exif)
    (images / "b.png").unlink()
    Image.fromarray(np.minimum(IDS, 1) * np.uint8(255)).save(tmp_path / "masks" / "a.png")
    more = ["--turn-masks"] if orientation == 3 else []
    common = ("import", "--images", images, "--masks", tmp_path / "masks", "-o")
    code, out, err = latentseg(*common, tmp_path / "work", *more)
    assert code == 0, err
    assert "was turned, too" in out
    turned = np.rot90(IDS > 0, 2 if orientation == 3 else -1)
    assert np.array_equal(imported(tmp_path / "work")[1]["a.png"], turned)
    if orientation == 3:
        code, _, err = latentseg(*common, tmp_path / "other")
        assert code == 0
        assert "--turn-masks" in err, "the size does not tell, so it is said"


def test_a_project_that_is_there_is_told_before_the_masks_are_read(latentseg, images, tmp_path):
    (tmp_path / "masks" / "a.png").write_bytes(b"no picture: reading it would be said")
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "project.json").write_text('{"tool": "another"}')
    code, out, err = latentseg(
        "import", "--images", images, "--masks", tmp_path / "masks", "-o", tmp_path / "one"
    )
    assert code == 2
    assert "already a project" in err
    assert "cannot be read" not in out + err
    assert (tmp_path / "one" / "project.json").read_text() == '{"tool": "another"}'


def test_a_project_whose_classes_were_moved_is_exported_in_their_order(latentseg, tmp_path):
    sample = Path(__file__).parents[1] / "io/samples/project-schema-2"
    shutil.copytree(sample, tmp_path / "work")
    code, _, err = latentseg(
        "export", "--project", tmp_path / "work", "-o", tmp_path / "out", "--format", "npz"
    )
    assert code == 0, err
    (file,) = (tmp_path / "out").glob("*.npz")
    with np.load(file) as arrays:
        assert arrays["class_names"].tolist() == ["background", "root", "leaf", "flower"]
        labels = arrays["labels"]
    assert (labels[1:3, 1:4] == 2).all(), "leaf"
    assert (labels[4, 5:7] == 1).all(), "root"
    assert (labels[0, 0:2] == 3).all(), "flower"
