"""`latentseg finetune`, `evaluate` and `export`: from masks to weights to figures."""

import json

import numpy as np
import pytest
from PIL import Image

from model.weights.checkpoint import load


def test_fine_tuned_weights_are_better_and_say_where_they_come_from(latentseg, weights, folders, tmp_path):
    images, masks = folders
    tuned = tmp_path / "new" / "tuned.safetensors"
    before = tmp_path / "before.json"
    after = tmp_path / "after.json"
    latentseg("evaluate", "--images", images, "--masks", masks, "--weights", weights, "--json", before)
    code, out, err = latentseg(
        "finetune", "--images", images, "--masks", masks, "--seconds", 3, "-o", tuned, "--weights", weights
    )
    assert code == 0, err
    assert "held-out mean IoU" in out
    code, out, _ = latentseg(
        "evaluate", "--images", images, "--masks", masks, "--weights", tuned, "--json", after
    )
    assert code == 0
    assert "thing" in out
    old, new = (json.loads(path.read_text())["mean_iou"] for path in (before, after))
    assert new > max(old, 0.6)
    _, meta = load(tuned)
    assert meta.class_names == ("background", "thing")
    assert meta.expert_names == {2: "edges"}
    assert meta.provenance["images"] == 3
    assert meta.provenance["started_from"] == "small.safetensors"


def test_new_classes_come_from_the_masks(latentseg, weights, folders, tmp_path):
    images, masks = folders
    with Image.open(masks / "scene 0.png") as mask:
        labels = np.asarray(mask).copy()
    labels[:3] = 2
    labels[-3:] = 255
    Image.fromarray(labels).save(masks / "scene 0.png")
    tuned = tmp_path / "tuned.safetensors"
    code, _, err = latentseg(
        "finetune", "--images", images, "--masks", masks, "--seconds", 1, "-o", tuned, "--weights", weights,
        "--speed", "live",
    )  # fmt: skip
    assert code == 0, err
    network, meta = load(tuned)
    assert len(meta.class_names) == 3
    assert network.config.num_classes == 3
    code, _, err = latentseg("evaluate", "--images", images, "--masks", masks, "--weights", weights)
    assert code == 1
    assert "has “class 2”; the classes of the weights are background, thing" in err


def test_a_broken_mask_is_left_out_and_listed(latentseg, weights, folders, tmp_path):
    images, masks = folders
    (masks / "scene 1.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(masks / "scene 2.png")
    code, out, err = latentseg("evaluate", "--images", images, "--masks", masks, "--weights", weights)
    assert code == 1
    assert "scene 1.png" in err
    assert "scene 2.png" in err
    assert "mean IoU" in out


def test_masks_that_say_nothing_or_one_thing_only_are_refused(latentseg, weights, folders, tmp_path):
    images, masks = folders
    for path in masks.iterdir():
        Image.fromarray(np.ones((48, 64), np.uint8)).save(path)
    where = "--images", images, "--masks", masks, "--weights", weights
    code, _, err = latentseg("finetune", *where, "--seconds", 1, "-o", tmp_path / "x.safetensors")
    assert code == 2
    assert "All labelled pixels are “thing”" in err
    assert not (tmp_path / "x.safetensors").exists()
    Image.fromarray(np.full((48, 64), 255, np.uint8)).save(masks / "scene 0.png")
    code, out, err = latentseg("evaluate", *where)
    assert code == 1
    assert '"scene 0.png" has no labelled pixel' in err
    assert "nan" not in out


def test_white_is_the_object_where_masks_are_black_and_white(latentseg, weights, folders, tmp_path):
    images, masks = folders
    where = "--images", images, "--weights", weights
    _, numbers, _ = latentseg("evaluate", *where, "--masks", masks)
    for path in masks.iterdir():
        with Image.open(path) as mask:
            Image.fromarray(np.asarray(mask) * np.uint8(255)).save(path)
    code, out, err = latentseg("evaluate", *where, "--masks", masks)
    assert (code, out) == (0, numbers), err
    tuned = "--seconds", 0.5, "--speed", "live", "-o", tmp_path / "tuned.safetensors"
    code, out, err = latentseg("finetune", *where, "--masks", masks, *tuned)
    assert code == 0, err
    assert "classes: 0 background, 1 thing" in out


def test_what_cannot_be_written_is_said_before_anything_is_learned(latentseg, weights, folders, tmp_path):
    images, masks = folders
    (tmp_path / "a folder.safetensors").mkdir()
    (tmp_path / "a file").write_bytes(b"")
    for name, reason in (
        ("tuned.pth", "does not end in .safetensors. Try -o"),
        ("a folder.safetensors", "is a folder"),
        ("a file/tuned.safetensors", "a file"),
    ):
        code, out, err = latentseg(
            "finetune", "--images", images, "--masks", masks, "--seconds", 60, "-o", tmp_path / name,
            "--weights", weights,
        )  # fmt: skip
        assert code == 2
        assert reason in err
        assert "step" not in out, "nothing was learned in vain"
    assert not list(tmp_path.rglob("*.probe"))


def test_an_image_given_as_its_mask_is_named(latentseg, weights, folders, tmp_path):
    images, masks = folders
    with Image.open(images / "scene 1.png") as picture:
        picture.save(masks / "scene 1.png")
    code, _, err = latentseg("evaluate", "--images", images, "--masks", masks, "--weights", weights)
    assert code == 1
    assert "scene 1.png”: It is a coloured picture" in err


@pytest.mark.parametrize("seconds", ["0", "-1", "nan"])
def test_impossible_times_are_refused(latentseg, weights, folders, tmp_path, seconds):
    images, masks = folders
    code, _, err = latentseg(
        "finetune", "--images", images, "--masks", masks, "--seconds", seconds, "-o", tmp_path / "x.safetensors",
        "--weights", weights,
    )  # fmt: skip
    assert (code, "--seconds" in err) == (2, True)


def test_folders_without_pairs_are_refused(latentseg, weights, folders, tmp_path):
    images, masks = folders
    for path in masks.iterdir():
        path.rename(path.with_name(f"other {path.name}"))
    code, _, err = latentseg("evaluate", "--images", images, "--masks", masks, "--weights", weights)
    assert (code, "same name" in err) == (2, True)
    code, _, err = latentseg("evaluate", "--images", images, "--masks", tmp_path / "no", "--weights", weights)
    assert (code, "cannot be read" in err) == (2, True)


def test_masks_go_to_another_format_and_back(latentseg, folders, tmp_path):
    images, masks = folders
    common = ("--images", images, "--classes", "background,square")
    code, _, err = latentseg("export", *common, "--masks", masks, "-o", tmp_path / "npz", "--format", "npz")
    assert code == 0, err
    code, _, err = latentseg(
        "export", *common, "--masks", tmp_path / "npz", "-o", tmp_path / "png", "--format", "png"
    )
    assert code == 0, err
    for index in range(3):
        name = f"scene {index}.png"
        with Image.open(masks / name) as one, Image.open(tmp_path / "png" / name) as other:
            assert np.array_equal(np.asarray(one), np.asarray(other))


def test_one_coco_file_is_a_folder_of_masks(latentseg, weights, folders, tmp_path):
    """Objects stay apart on the way from one format to another, and every subcommand takes the file."""
    images, masks = folders
    common = ("--images", images, "--classes", "background,thing")
    latentseg("export", *common, "--masks", masks, "-o", tmp_path / "coco", "--format", "coco")
    file = tmp_path / "coco" / "annotations.json"
    content = json.loads(file.read_text("utf-8"))
    touching = (
        {"size": [48, 64], "counts": [0, 48 * 10, 48 * 54]},
        {"size": [48, 64], "counts": [480, 480, 2112]},
    )
    content["annotations"] = [
        {"image_id": 2, "category_id": 1, "segmentation": code, "id": index}
        for index, code in enumerate(touching)
    ]
    for image in content["images"]:
        del image["latentseg"]
    content["images"].append({"id": 9, "file_name": "nobody.png", "width": 4, "height": 4})
    file.write_text(json.dumps(content))
    code, out, err = latentseg(
        "export", *common, "--masks", file, "-o", tmp_path / "yolo", "--format", "yolo"
    )
    assert code == 0, err
    assert "1 masks belong to none of the images: nobody.png" in err
    assert "Pixels outside all objects are taken as background." in out
    assert len((tmp_path / "yolo" / "labels" / "scene 1.txt").read_text().splitlines()) == 2
    assert (tmp_path / "yolo" / "labels" / "scene 0.txt").read_text() == ""
    code, out, err = latentseg("evaluate", "--images", images, "--masks", file, "--weights", weights)
    assert code == 0, err
    assert out.count("mean IoU") == 4


def test_labels_beside_the_images_are_paired(latentseg, folders, tmp_path):
    images, masks = folders
    common = ("--images", images, "--classes", "background,square")
    latentseg("export", *common, "--masks", masks, "-o", images, "--format", "labelme")
    code, _, err = latentseg("export", *common, "--masks", images, "-o", tmp_path / "npy", "--format", "npy")
    assert code == 0, err
    for index in range(3):
        with Image.open(masks / f"scene {index}.png") as mask:
            assert np.array_equal(np.load(tmp_path / "npy" / f"scene {index}.npy"), np.asarray(mask))


def test_a_project_goes_to_another_format(latentseg, folders, tmp_path):
    from latentseg_gui.document.document import Document
    from latentseg_gui.io.project.saving import save_project

    document = Document()
    ids = document.images.add_paths(sorted(folders[0].iterdir()))
    labels = np.full((48, 64), 255, np.uint8)
    labels[5:20, 5:30] = 1
    for image_id in ids[:2]:
        document.masks.load(image_id, labels, np.where(labels == 1, 3, 0).astype(np.uint8))
    save_project(document, tmp_path / "work").close()
    before = files_of(tmp_path / "work")
    arguments = ("export", "--project", tmp_path / "work", "-o", tmp_path / "out", "--format")
    code, _, err = latentseg(*arguments, "npy")
    assert code == 0, err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["scene 0.npy", "scene 1.npy"]
    assert (np.load(tmp_path / "out" / "scene 0.npy") == labels).all()
    code, _, err = latentseg(*arguments, "overlay")
    assert code == 0, err
    assert files_of(tmp_path / "work") == before, "the project is left as it is"


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def test_masks_of_another_tool_become_a_project(latentseg, folders, tmp_path):
    from latentseg_gui.io.project.opening import open_project

    images, masks = folders
    common = ("--images", images, "--classes", "background,square")
    latentseg("export", *common, "--masks", masks, "-o", tmp_path / "coco", "--format", "coco-polygons")
    (masks / "scene 2.png").write_bytes(b"broken")
    file = tmp_path / "coco" / "annotations.json"
    code, out, err = latentseg("import", *common, "--masks", file, "-o", tmp_path / "work")
    assert code == 0, err
    assert "3 masks of 3 images are in" in out
    opened = open_project(tmp_path / "work")
    assert opened.document.classes.names == ("background", "square")
    for image_id in opened.document.images.ids[:2]:
        with Image.open(masks / opened.document.images.path(image_id).name) as mask:
            assert np.array_equal(opened.document.masks.labels(image_id), np.asarray(mask))
    opened.session.close()
    code, _, err = latentseg("import", *common, "--masks", masks, "-o", tmp_path / "other")
    assert (code, "scene 2.png" in err) == (1, True), "the others are there all the same"
    opened = open_project(tmp_path / "other")
    assert len(list(opened.document.masks.labelled_ids())) == 2
    opened.session.close()
    code, _, err = latentseg("import", *common, "--masks", masks, "-o", tmp_path / "work")
    assert code == 2, "never over another project"


def test_what_to_export_must_be_said(latentseg, tmp_path):
    code, _, err = latentseg("export", "-o", tmp_path, "--format", "png")
    assert (code, "--project" in err) == (2, True)
