"""Masks out and in again: the identity, or the loss is reported; and read by those who own the formats."""

import csv
import io
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from skimage.measure import grid_points_in_poly

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED, Provenance
from latentseg_gui.io.ledger import Ledger
from latentseg_gui.io.masks import (
    FORMATS,
    ImportContext,
    MaskError,
    MaskItem,
    StoredValues,
    export_folder,
    export_mask,
    import_mask,
    losses,
    planned_files,
    rle,
)
from latentseg_gui.io.masks.finding import find_masks
from latentseg_gui.io.storage import StorageError
from tests.class_names import WORDS
from tests.io.made_masks import BACK, CLASSES, SHAPE, made


def back(path, item, classes=CLASSES, **context):
    return import_mask(path, ImportContext(item.shape, classes, item.image_name, **context))


@settings(max_examples=6, deadline=None)
@pytest.mark.parametrize("name", BACK)
@given(seed=st.integers(0, 10_000))
def test_out_and_in_again_is_the_identity_or_the_loss_is_said(tmp_path_factory, name, seed):
    item = made(seed)
    path = tmp_path_factory.mktemp("out") / f"image{FORMATS[name].suffix}"
    written = export_mask(path, item, CLASSES, name)
    read = back(written[0], item)
    lost = FORMATS[name].loses
    assert read.classes == CLASSES
    if "unlabelled" in lost:
        assert any("background" in sentence for sentence in losses(item, FORMATS[name]))
        assert np.array_equal(read.labels, np.where(item.labels == UNLABELLED, 0, item.labels))
        assert any("background" in note for note in read.notes)
    else:
        assert np.array_equal(read.labels, item.labels)
    if "instances" in lost:
        assert any("numbers" in sentence for sentence in losses(item, FORMATS[name]))
    elif name in ("png16", "tiff"):
        numbered = item.instances > 0
        assert np.array_equal(read.instances[numbered], item.instances[numbered])
    else:
        assert np.array_equal(read.instances, item.instances)
    if name == "npz":
        assert np.array_equal(read.provenance, item.provenance)
    else:
        assert any("Who labelled" in sentence for sentence in losses(item, FORMATS[name]))


@pytest.mark.parametrize("name", sorted({*BACK} - {"npy"}))
def test_names_of_every_script_go_out_and_in(tmp_path, name):
    classes = ClassTable.from_names(("background", *WORDS))
    labels = np.repeat(np.arange(len(classes), dtype=np.uint8), 4)[:, None].repeat(10, 1)
    item = MaskItem("image", labels, image_name="image.png")
    list(export_folder(tmp_path, [item], classes, name))
    bare = ClassTable.from_names(("background",))
    (found,) = find_masks([tmp_path]).candidates
    read = found.read(ImportContext(labels.shape, bare, item.image_name))
    assert set(WORDS) <= set(read.classes.names)
    places = [read.classes.id_of(word) for word in classes.names]
    assert np.array_equal(read.labels, np.array(places, np.uint8)[labels])


@pytest.mark.parametrize("name", BACK)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_the_thinnest_masks_go_out_and_in(tmp_path, name, shape):
    labels = np.zeros(shape, np.uint8)
    labels[0, 0] = 2
    item = MaskItem("image", labels, image_name="image.png")
    (path, *_) = export_mask(tmp_path / f"image{FORMATS[name].suffix}", item, CLASSES, name)
    assert np.array_equal(back(path, item).labels, labels)


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_mask_can_be_exported(tmp_path, name):
    item = made()
    empty = replace(item, labels=np.full(SHAPE, UNLABELLED, np.uint8), instances=None, provenance=None)
    (path, *_) = export_mask(tmp_path / f"image{FORMATS[name].suffix}", empty, CLASSES, name)
    if name in BACK:
        expected = 0 if "unlabelled" in FORMATS[name].loses else UNLABELLED
        assert (back(path, empty).labels == expected).all()


def test_probability_maps_come_back_from_those_who_own_the_formats(tmp_path):
    item = made()
    (tiff,) = export_mask(tmp_path / "p.tif", item, CLASSES, "probabilities")
    (npz,) = export_mask(tmp_path / "p.npz", item, CLASSES, "probabilities-npz")
    with tifffile.TiffFile(tiff) as file:
        assert len(file.pages) == len(CLASSES)
        assert np.array_equal(np.stack([page.asarray() for page in file.pages]), item.probabilities)
        about = json.loads(file.pages[0].description)
    assert [entry["name"] for entry in about["classes"]] == list(CLASSES.names)
    assert about["full"] == 65535
    with np.load(npz, allow_pickle=False) as arrays:
        assert arrays["probabilities"].dtype == np.float16
        assert np.abs(arrays["probabilities"].sum(0) - 1).max() < 0.003
        assert np.abs(arrays["probabilities"].astype(float) * 65535 - item.probabilities).max() < 20
        assert list(arrays["class_names"]) == list(CLASSES.names)
    _, pages = cv2.imreadmulti(str(tiff), flags=cv2.IMREAD_UNCHANGED)
    assert np.array_equal(np.stack(pages), item.probabilities)


def test_probability_maps_need_a_prediction(tmp_path):
    for name in ("probabilities", "probabilities-npz"):
        with pytest.raises(MaskError, match="no prediction"):
            export_mask(tmp_path / "x", replace(made(), probabilities=None), CLASSES, name)


def test_opencv_and_pillow_read_the_indexed_png(tmp_path):
    item = made()
    export_mask(tmp_path / "mask.png", item, CLASSES, "png")
    with Image.open(tmp_path / "mask.png") as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image), item.labels)
    colours = cv2.cvtColor(cv2.imread(str(tmp_path / "mask.png"), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    for class_id, colour in enumerate(CLASSES.rgb):
        assert (colours[item.labels == class_id] == colour).all()


def test_opencv_and_tifffile_read_the_object_numbers(tmp_path):
    item = made(with_unlabelled=False)
    export_mask(tmp_path / "mask.png", item, CLASSES, "png16")
    export_mask(tmp_path / "mask.tif", item, CLASSES, "tiff")
    by_opencv = cv2.imread(str(tmp_path / "mask.png"), cv2.IMREAD_UNCHANGED)
    by_tifffile = tifffile.imread(tmp_path / "mask.tif")
    assert by_opencv.dtype == by_tifffile.dtype == np.uint16
    assert np.array_equal(by_opencv, by_tifffile)
    numbered = item.instances > 0
    assert np.array_equal(by_opencv[numbered], item.instances[numbered])
    assert np.array_equal(by_opencv > 0, item.labels > 0)
    for number in np.unique(by_opencv)[1:]:
        assert len(np.unique(item.labels[by_opencv == number])) == 1


def test_an_object_of_two_classes_becomes_two_where_numbers_are_all(tmp_path):
    labels = np.ones(SHAPE, np.uint8)
    labels[10:] = 2
    item = MaskItem("image", labels, np.full(SHAPE, 5, np.uint32), image_name="image.jpg")
    assert any("several classes" in sentence for sentence in losses(item, FORMATS["tiff"]))
    assert losses(item, FORMATS["coco"]) == ()
    read = back(export_mask(tmp_path / "a.tif", item, CLASSES, "tiff")[0], item)
    assert np.array_equal(read.labels, labels)
    assert set(np.unique(read.instances)) == {5, 6}


def test_many_objects_need_tiff(tmp_path):
    instances = np.arange(30 * 41, dtype=np.uint32).reshape(SHAPE) + 70_000
    item = MaskItem("image", np.ones(SHAPE, np.uint8), instances)
    with pytest.raises(MaskError, match="65535"):
        export_mask(tmp_path / "mask.png", item, CLASSES, "png16")
    with pytest.raises(MaskError, match="254"):
        export_mask(tmp_path / "mask.png", item, CLASSES, "voc")
    assert list(tmp_path.iterdir()) == []
    export_mask(tmp_path / "mask.tif", item, CLASSES, "tiff")
    assert np.array_equal(tifffile.imread(tmp_path / "mask.tif"), instances)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("name", ["coco", "coco-polygons"])
def test_pycocotools_reads_coco(tmp_path, name, capsys):
    items = [made(seed) for seed in range(3)]
    named = [
        MaskItem(f"image {n}", item.labels, item.instances, image_name=f"{n}.jpg")
        for n, item in enumerate(items)
    ]
    steps = list(export_folder(tmp_path, named, CLASSES, name))
    assert steps[-1].written == (tmp_path / "annotations.json",)
    coco = COCO(tmp_path / "annotations.json")
    capsys.readouterr()
    assert [coco.cats[key]["name"] for key in sorted(coco.cats)] == list(CLASSES.names[1:])
    for key, item in zip(sorted(coco.imgs), named, strict=True):
        labels = np.zeros(SHAPE, np.uint8)
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=key)):
            area = coco.annToMask(annotation).astype(bool)
            labels[area] = annotation["category_id"]
            if name == "coco":
                assert annotation["area"] == area.sum()
                assert annotation["bbox"] == coco_mask.toBbox(annotation["segmentation"]).tolist()
        expected = np.where(item.labels == UNLABELLED, 0, item.labels)
        if name == "coco":
            assert np.array_equal(labels, expected)
        else:
            # pycocotools rounds polygons its own way along edges and in the cuts to holes.
            assert np.mean(labels == expected) > 0.9
        assert np.array_equal(back(tmp_path / "annotations.json", item).labels, item.labels)


def test_coco_of_other_tools_is_read_with_a_report(tmp_path):
    content = {
        "images": [{"id": 7, "file_name": "a/b/image.jpg", "width": 41, "height": 30}],
        "categories": [{"id": 90, "name": "flower"}, {"id": 3, "name": "leaf"}],
        "annotations": [
            {"image_id": 7, "category_id": 90, "segmentation": [[2, 2, 12, 2, 12, 8, 2, 8]], "iscrowd": 0},
            {"image_id": 7, "category_id": 3, "segmentation": [[8, 2, 20, 2, 20, 8, 8, 8]], "iscrowd": 0},
            {"image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4]},
            {"image_id": 8, "category_id": 3, "segmentation": [[0, 0, 9, 0, 9, 9]]},
        ],
    }
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps(content))
    read = back(path, made())
    assert read.classes.names == (*CLASSES.names, "flower")
    assert (read.labels[2:8, 2:12] == 4).all()  # the smaller one, whichever comes first
    assert (read.labels[2:8, 12:20] == 1).all()
    assert (read.labels[2:6, 1] == UNLABELLED).all()  # a box is no area, and no background either
    assert (read.labels[20:] == 0).all()
    assert read.instances.max() == 2
    assert len(read.notes) == 3
    assert any("overlap in 24 pixels" in note for note in read.notes)
    outside = back(path, made(), outside=UNLABELLED)
    assert (outside.labels[20:] == UNLABELLED).all()


def test_coco_of_many_images_needs_the_name(tmp_path):
    items = [MaskItem(str(n), made(n).labels, image_name=f"{n}.jpg") for n in range(2)]
    list(export_folder(tmp_path, items, CLASSES, "coco"))
    with pytest.raises(MaskError, match="which of its 2 images"):
        import_mask(tmp_path / "annotations.json", ImportContext(SHAPE, CLASSES, "other.jpg"))


def test_images_of_one_name_are_told_apart_by_their_folders(tmp_path):
    items = [replace(made(seed), stem=f"{seed}", image_name=f"day {seed}/x.png") for seed in range(3)]
    list(export_folder(tmp_path, items, CLASSES, "coco"))
    for item in items:
        context = ImportContext(SHAPE, CLASSES, f"/photos/{item.image_name}")
        assert np.array_equal(import_mask(tmp_path / "annotations.json", context).labels, item.labels)
    with pytest.raises(MaskError, match="does not say which"):
        import_mask(tmp_path / "annotations.json", ImportContext(SHAPE, CLASSES, "x.png"))


def test_yolo_lines_are_as_its_trainers_expect(tmp_path):
    item = made()
    list(export_folder(tmp_path, [item], CLASSES, "yolo"))
    assert (tmp_path / "classes.txt").read_text("utf-8").split("\n")[:3] == ["leaf", "stem", "Wurzel ü"]
    assert "nc: 3" in (tmp_path / "data.yaml").read_text("utf-8")
    labels = np.zeros(SHAPE, np.uint8)
    for line in (tmp_path / "labels" / "image.txt").read_text().splitlines():
        words = line.split()
        corners = np.array(words[1:], float).reshape(-1, 2)
        assert corners.min() >= 0
        assert corners.max() <= 1
        corners = np.rint(corners * (SHAPE[1], SHAPE[0]) * 16 - 8).astype(np.int32)
        cv2.fillPoly(labels, [corners], int(words[0]) + 1, shift=4)
    # OpenCV also fills the pixels that the outline runs through, so that edges differ.
    assert np.mean(labels == np.where(item.labels == UNLABELLED, 0, item.labels)) > 0.7


def test_yolo_of_other_tools_is_read_with_their_names(tmp_path):
    (tmp_path / "classes.txt").write_text("flower\nleaf\n")
    (tmp_path / "image.txt").write_text(
        "1 0 0 0.5 0 0.5 0.5 0 0.5\n\n0 0.5 0.5 1 0.5 1 1 0.5 1\n0 0.5 0.5 0.1 0.1\n"
    )
    read = import_mask(tmp_path / "image.txt", ImportContext((10, 10), CLASSES))
    assert (read.labels[:5, :5] == 1).all()
    assert (read.labels[5:, 5:] == 4).all()
    assert read.classes.names[4] == "flower"
    assert any("line #4 (“flower”): it holds a box, not an outline" in note for note in read.notes)
    (tmp_path / "classes.txt").unlink()
    assert import_mask(tmp_path / "image.txt", ImportContext((10, 10), CLASSES)).labels[0, 0] == 2


def test_voc_folders_are_those_of_the_dataset(tmp_path):
    item = made()
    list(export_folder(tmp_path, [item], CLASSES, "voc"))
    classes = cv2.imread(str(tmp_path / "SegmentationClass" / "image.png"), cv2.IMREAD_COLOR)
    assert classes.shape == (*SHAPE, 3)
    with Image.open(tmp_path / "SegmentationObject" / "image.png") as image:
        objects = np.asarray(image)
        palette = np.array(image.getpalette()).reshape(-1, 3)
    assert palette[1].tolist() == [128, 0, 0]
    assert palette[15].tolist() == [192, 128, 128]
    assert ((objects == 255) == (item.labels == UNLABELLED)).all()
    assert ((objects > 0) == (item.labels > 0)).all()
    lines = (tmp_path / "labelmap.txt").read_text("utf-8").splitlines()
    assert lines[2].startswith("leaf:86,180,233")


def test_labelme_shapes_are_of_kinds_that_it_knows(tmp_path):
    item = made()
    export_mask(tmp_path / "image.json", item, CLASSES, "labelme")
    content = json.loads((tmp_path / "image.json").read_text())
    assert {"version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth"} <= set(
        content
    )
    kinds = {shape["shape_type"] for shape in content["shapes"]}
    assert kinds == {"polygon", "mask"}
    for shape in content["shapes"]:
        assert {"label", "points", "group_id", "shape_type", "flags", "description", "mask"} == set(shape)
        if shape["shape_type"] == "mask":
            (x0, y0), (x1, y1) = shape["points"]
            with Image.open(io.BytesIO(__import__("base64").b64decode(shape["mask"]))) as image:
                assert image.size == (x1 - x0 + 1, y1 - y0 + 1)


def test_labelme_of_its_own_hand_is_read(tmp_path):
    content = {
        "imageHeight": 30,
        "imageWidth": 41,
        "shapes": [
            {"label": "leaf", "shape_type": "rectangle", "points": [[2, 2], [10, 6]], "group_id": None},
            {"label": "stem", "shape_type": "circle", "points": [[30, 15], [30, 20]], "group_id": 4},
            {"label": "stem", "shape_type": "line", "points": [[0, 0], [5, 5]]},
            {"label": "_background_", "shape_type": "polygon", "points": [[0, 20], [5, 20], [5, 25]]},
        ],
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    read = back(path, made(), outside=UNLABELLED)
    assert (read.labels[2:6, 2:10] == 1).all()
    assert read.labels[15, 30] == 2
    assert read.instances[15, 30] == 4
    assert read.labels[21, 4] == 0
    assert read.labels[29, 40] == UNLABELLED
    assert any("line" in note for note in read.notes)


def test_geojson_keeps_holes_and_closes_rings(tmp_path):
    item = made()
    export_mask(tmp_path / "image.geojson", item, CLASSES, "geojson")
    content = json.loads((tmp_path / "image.geojson").read_text())
    rings = []
    for feature in content["features"]:
        geometry = feature["geometry"]
        assert feature["properties"]["objectType"] == "annotation"
        assert feature["properties"]["classification"]["name"] in CLASSES.names
        polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
        rings += [ring for polygon in polygons for ring in polygon]
        assert all(ring[0] == ring[-1] for polygon in polygons for ring in polygon)
    assert len(rings) > len(content["features"])
    content["features"].append({"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}})
    (tmp_path / "image.geojson").write_text(json.dumps(content))
    read = back(tmp_path / "image.geojson", item)
    assert np.array_equal(read.labels[3:], item.labels[3:])
    assert any("a Point has no area" in note for note in read.notes)


def test_the_table_measures_every_object(tmp_path):
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:6, 10:20] = 1
    labels[20, 5] = 2
    pixels = np.full((*SHAPE, 3), (10, 20, 30), np.uint8)
    stored = StoredValues(pixels, ("red", "green", "blue"))
    item = MaskItem("image", labels, stored=stored, image_name="a,b.png")
    export_mask(tmp_path / "image.csv", item, CLASSES, "csv")
    one, other = csv.DictReader((tmp_path / "image.csv").read_text("utf-8").splitlines())
    assert (one["image"], one["class"], one["area"]) == ("a,b.png", "leaf", "40")
    assert (float(one["centroid_x"]), float(one["centroid_y"])) == (15, 4)
    assert [one[key] for key in ("left", "top", "width", "height")] == ["10", "2", "10", "4"]
    assert float(one["solidity"]) == 1
    assert float(one["mean_green"]) == 20
    assert (other["area"], other["solidity"]) == ("1", "1")


def test_overlay_and_confidence_are_pictures_of_the_size(tmp_path):
    item = made()
    export_mask(tmp_path / "over.png", item, CLASSES, "overlay")
    export_mask(tmp_path / "sure.png", item, CLASSES, "confidence")
    over = np.asarray(Image.open(tmp_path / "over.png"))
    hidden = (item.labels == 0) | (item.labels == UNLABELLED)
    assert np.array_equal(over[hidden], item.pixels[hidden])
    assert (over[~hidden] != item.pixels[~hidden]).any()
    assert np.array_equal(np.asarray(Image.open(tmp_path / "sure.png")), item.confidence)
    bare = MaskItem("image", item.labels)
    for name in ("overlay", "confidence"):
        with pytest.raises(MaskError):
            export_mask(tmp_path / "x.png", bare, CLASSES, name)


@pytest.mark.parametrize("name", FORMATS)
def test_the_preview_names_what_is_written(tmp_path, name):
    items = [made(0), replace(made(1), stem="other ü", instances=None, provenance=None)]
    steps = list(export_folder(tmp_path / "out", items, CLASSES, name))
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert found == sorted(planned_files(["image", "other ü"], CLASSES, name))
    assert all(step.error is None for step in steps)


def test_what_cannot_be_written_is_reported_and_the_rest_is_done(tmp_path):
    good, bad = made(0), MaskItem("bad", made(1).labels)
    steps = list(export_folder(tmp_path, [bad, good], CLASSES, "overlay"))
    assert [step.item for step in steps] == ["bad", "image"]
    assert isinstance(steps[0].error, MaskError)
    assert steps[1].written == (tmp_path / "image.png",)
    (tmp_path / "image.npy").mkdir()
    (step,) = export_folder(tmp_path, [good], CLASSES, "npy", Ledger(may_replace=True))
    assert isinstance(step.error, StorageError)


def test_an_export_can_be_cancelled_between_images(tmp_path):
    asked = []

    def items():
        for number in range(5):
            asked.append(number)
            yield MaskItem(str(number), made().labels)

    for step in export_folder(tmp_path, items(), CLASSES, "png"):
        if step.item == "1":
            break
    assert asked == [0, 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.png", "1.png"]


def test_unknown_formats_and_sizes_are_refused(tmp_path):
    item = made()
    with pytest.raises(MaskError, match="no mask format"):
        export_mask(tmp_path / "x", item, CLASSES, "bmp")
    for name in ("png", "png16", "tiff", "npy", "npz", "coco", "labelme"):
        path = tmp_path / f"{name}{FORMATS[name].suffix}"
        export_mask(path, item, CLASSES, name)
        with pytest.raises(MaskError, match="41 x 30 pixels, the image 5 x 4"):
            import_mask(path, ImportContext((4, 5), CLASSES, item.image_name))


def test_classes_that_only_the_file_knows_are_added(tmp_path):
    theirs = ClassTable.from_names(("background", "petal", "leaf"))
    labels = made(with_unlabelled=False).labels % 3
    item = MaskItem("image", labels, image_name="image.jpg")
    for name in set(BACK) - {"npy", "yolo"}:
        path = export_mask(tmp_path / f"{name}{FORMATS[name].suffix}", item, theirs, name)[0]
        read = back(path, item)
        assert read.classes.names == (*CLASSES.names, "petal"), name
        assert np.array_equal(read.labels, np.array([0, 4, 1], np.uint8)[labels]), name


def test_pictures_of_other_tools_are_read(tmp_path):
    labels = made(with_unlabelled=False).labels
    Image.fromarray(labels).save(tmp_path / "grey.png")
    Image.fromarray(CLASSES.rgb[labels]).save(tmp_path / "colours.png")
    others = CLASSES.rgb[labels]
    others[:10] ^= 1
    Image.fromarray(others).save(tmp_path / "others.png")
    noise = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.png")
    Image.fromarray(labels + 3).save(tmp_path / "more.png")
    cv2.imwrite(str(tmp_path / "numbers.png"), labels.astype(np.uint16) * 300)
    item = made()
    assert np.array_equal(back(tmp_path / "grey.png", item).labels, labels)
    assert np.array_equal(back(tmp_path / "colours.png", item).labels, labels)
    others = back(tmp_path / "others.png", item)
    assert (others.labels[:10] == UNLABELLED).all()
    assert np.array_equal(others.labels[10:], labels[10:])
    assert any("colour that no class has" in note for note in others.notes)
    with pytest.raises(MaskError, match="without a single colour of the classes"):
        back(tmp_path / "photo.png", item)  # an empty mask would be worse than none
    more = back(tmp_path / "more.png", item)
    assert more.classes.names[4:] == ("class 4", "class 5", "class 6")
    numbers = back(tmp_path / "numbers.png", item, default_class=2)
    assert np.array_equal(numbers.labels, np.where(labels > 0, 2, 0))
    assert numbers.instances.max() == 900
    assert any("does not say what they are" in note for note in numbers.notes)


def test_provenance_and_version_travel_where_there_is_room(tmp_path):
    item = made()
    export_mask(tmp_path / "mask.png", item, CLASSES, "png")
    with Image.open(tmp_path / "mask.png") as image:
        about = json.loads(image.text["latentseg"])
    assert about["weights"] == "v3"
    assert about["pixels"]["painted"] == int((item.provenance == Provenance.PAINTED).sum())


HOSTILE = {
    "empty.png": b"",
    "text.json": b"not json",
    "deep.json": b'{"a":' + b"[" * 100_000,
    "list.json": b"[]",
    "other.json": b'{"a": 1}',
    "nan.json": b'{"imageHeight": NaN, "imageWidth": 1, "shapes": []}',
    "types.json": b'{"imageHeight": 30, "imageWidth": 41, "shapes": 5}',
    "points.json": b'{"imageHeight": 30, "imageWidth": 41, "shapes": [{"label": 3, "points": "x"}]}',
    "rle.json": json.dumps(
        {
            "images": [{"id": 1, "width": 41, "height": 30}],
            "annotations": [{"image_id": 1, "segmentation": {"size": [30, 41], "counts": "9" * 1000}}],
        }
    ).encode(),
    "odd.json": json.dumps(
        {
            "images": [{"id": 1, "width": 41, "height": 30}],
            "annotations": [{"image_id": 1, "segmentation": [[1, 2, 3]]}],
        }
    ).encode(),
    "words.txt": b"hello this is no label file at all really",
    "minus.txt": b"-4 0 0 1 0 1 1\n",
    "bytes.txt": b"\xff\xfe\x00",
    "short.npy": b"\x93NUMPY\x01\x00",
    "huge.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (30, 41), }"
    + b" " * 58
    + b"\n",
    "zip.npz": b"PK\3\4rubbish",
    "tiff.tif": b"II*\0rubbish",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_words(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(HOSTILE[name])
    with pytest.raises((MaskError, Exception)) as refused:
        back(path, made())
    from latentseg_gui.document.errors import LatentsegError

    assert isinstance(refused.value, LatentsegError)
    assert refused.value.what


def test_arrays_that_could_run_code_are_refused(tmp_path, monkeypatch):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    np.save(tmp_path / "a.npy", np.array([[Bomb()]], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", labels=np.array([[Bomb()]], dtype=object), allow_pickle=True)
    for name in ("a.npy", "a.npz"):
        with pytest.raises(MaskError):
            import_mask(tmp_path / name, ImportContext((1, 1), CLASSES))
    assert not (tmp_path / "ran").exists()


def test_an_archive_that_swells_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", labels=np.zeros((5000, 5000), np.uint8))
    with pytest.raises(MaskError, match="far more"):
        import_mask(tmp_path / "a.npz", ImportContext((3, 3), CLASSES))


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1), value=st.integers(0, 255), name=st.sampled_from(BACK))
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, place, value, name):
    item = made()
    folder = tmp_path_factory.mktemp("damaged", numbered=True)
    path = export_mask(folder / f"a{FORMATS[name].suffix}", item, CLASSES, name)[0]
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] = value
    path.write_bytes(data)
    from latentseg_gui.document.errors import LatentsegError

    try:
        read = back(path, item)
    except LatentsegError:
        return
    assert read.labels.shape == SHAPE


@pytest.mark.parametrize("band", [1, 7, 1 << 20])
def test_runs_do_not_depend_on_how_many_columns_are_looked_at_together(monkeypatch, band):
    rng = np.random.default_rng(band)
    for _ in range(50):
        mask = rng.random(rng.integers(1, 9, 2)) < rng.random()
        runs = rle.runs_of(mask)
        with monkeypatch.context() as patch:
            patch.setattr(rle, "_BAND_PIXELS", band)
            assert rle.runs_of(mask) == runs
        assert np.array_equal(rle.mask_of(runs, mask.shape), mask)


def inside(rings):
    """Pixels whose centres are inside, by scikit-image; a ring inside another is a hole. Rings are (x, y)."""
    area = np.zeros(SHAPE, bool)
    for ring in rings:
        area ^= grid_points_in_poly(SHAPE, np.array(ring)[:, ::-1] - 0.5, binarize=False) == 1
    return area


def polygons_of(name, folder):
    """Every area of a file, read by the written definition of its format: (class id, rings of (x, y))."""
    if name == "yolo":
        for line in (folder / "labels" / "image.txt").read_text().splitlines():
            words = line.split()
            assert len(words) >= 7
            assert len(words) % 2 == 1
            corners = np.array(words[1:], float).reshape(-1, 2)
            assert ((corners >= 0) & (corners <= 1)).all()
            yield int(words[0]) + 1, [np.round(corners * (SHAPE[1], SHAPE[0]), 4)]
        return
    content = json.loads(next(folder.glob("*.*json")).read_text())
    if name == "coco-polygons":
        for annotation in content["annotations"]:
            for flat in annotation["segmentation"]:
                yield annotation["category_id"], [np.array(flat, float).reshape(-1, 2)]
        return
    for feature in content["features"]:
        geometry = feature["geometry"]
        class_id = CLASSES.id_of(feature["properties"]["classification"]["name"])
        parts = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
        for rings in parts:
            yield class_id, [np.array(ring, float) for ring in rings]


@pytest.mark.parametrize("name", ["yolo", "coco-polygons", "geojson"])
def test_polygons_are_exact_for_whoever_asks_for_pixel_centres(tmp_path, name):
    """Pixel for pixel, holes included, by a reader that is not ours."""
    for seed in range(3):
        item = made(seed)
        folder = tmp_path / str(seed)
        list(export_folder(folder, [item], CLASSES, name))
        labels = np.zeros(SHAPE, np.uint8)
        for class_id, rings in polygons_of(name, folder):
            area = inside(rings)
            assert not labels[area].any(), "areas do not overlap"
            labels[area] = class_id
        assert np.array_equal(labels, np.where(item.labels == UNLABELLED, 0, item.labels))
