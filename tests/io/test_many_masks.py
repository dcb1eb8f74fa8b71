"""Masks for many images: found in a file or a folder of any layout, and paired with the images by name."""

import json
import os
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.types import UNLABELLED, Rect
from latentseg_gui.io.masks import FORMATS, ImportContext, MaskError, MaskItem, export_folder, rle
from latentseg_gui.io.masks.candidates import Candidate, Target, match
from latentseg_gui.io.masks.finding import find_masks
from latentseg_gui.io.masks.long_json import split
from latentseg_gui.io.masks.raster_reading import from_labels
from latentseg_gui.io.masks.yolo import names_of_yaml
from latentseg_gui.io.masks.yolo import read_yolo as yolo_read
from tests.io.made_masks import BACK, CLASSES, made

NAMES = ("day 1/photo.jpg", "day 1/other ü.jpg", "day 2/photo.jpg")
STEMS = ("photo", "other ü", "photo (2)")


def named(*names):
    return [Candidate(name, name, None, lambda context: None) for name in names]


def targets(*names):
    return [Target(name, name, PurePosixPath(name).stem) for name in names]


def paired(candidates, wanted):
    found = match(candidates, wanted)
    return {candidate.label: key for candidate, key in found.pairs}, found


def test_names_are_compared_with_and_without_their_endings():
    pairs, found = paired(
        named("a.png", "b", "c.jpg", "d_mask", "E", "f.png-labels", "nobody"),
        targets("a.jpg", "b.tif", "c.jpg", "d.png", "e.jpg", "f.png"),
    )
    assert pairs == {
        "a.png": "a.jpg",
        "b": "b.tif",
        "c.jpg": "c.jpg",
        "d_mask": "d.png",
        "E": "e.jpg",
        "f.png-labels": "f.png",
    }
    assert [each.label for each in found.strangers] == ["nobody"]
    assert found.unclear == ()


def test_a_dot_in_a_name_is_no_ending():
    pairs, found = paired(named("img.v1", "img.v2"), targets("img.v1.png", "img.jpg"))
    assert pairs == {"img.v1": "img.v1.png"}
    assert [each.label for each in found.strangers] == ["img.v2"]


def test_the_strictest_way_to_compare_wins():
    pairs, found = paired(named("a", "a_mask", "A"), targets("a.png", "A.png"))
    assert pairs == {"a": "a.png", "A": "A.png"}
    assert [each.label for each in found.strangers] == ["a_mask"]


def test_folders_decide_between_images_of_one_name():
    pairs, found = paired(
        named("labels/train/x", "labels/val/x", "labels/test/x"),
        targets("images/train/x.jpg", "images/val/x.jpg"),
    )
    assert pairs == {"labels/train/x": "images/train/x.jpg", "labels/val/x": "images/val/x.jpg"}
    assert found.unclear == (("labels/test/x", ("images/train/x.jpg", "images/val/x.jpg")),)


def test_two_masks_of_one_image_are_unclear_unless_one_may_be_a_picture():
    text = named("one/x", "two/x")
    pairs, found = paired(text, targets("x.jpg"))
    assert not pairs
    assert found.unclear == (("x.jpg", ("one/x", "two/x")),)
    picture = Candidate("x", "x.png", None, lambda context: None, is_picture=True)
    pairs, found = paired([picture, *named("x")], targets("x.jpg"))
    assert pairs == {"x": "x.jpg"}
    assert found.strangers == (picture,)


def test_ten_thousand_names_are_paired_in_a_moment():
    names = [f"day {n % 7}/photo {n:05}.jpg" for n in range(10_000)]
    pairs, found = paired(named(*(f"{name[:-4]}_mask" for name in names)), targets(*names))
    assert len(pairs) == 10_000
    assert not found.unclear
    assert not found.strangers


def items():
    made_items = [made(seed) for seed in range(len(NAMES))]
    return [
        MaskItem(stem, item.labels, item.instances, item.provenance, item.pixels, image_name=name)
        for stem, name, item in zip(STEMS, NAMES, made_items, strict=True)
    ]


def read_all(paths, wanted=None, **context):
    """Every mask that is found and paired, by the name of its image."""
    found = find_masks(paths)
    matching = match(found.candidates, wanted or [Target(n, n, s) for n, s in zip(NAMES, STEMS, strict=True)])
    return found, {
        key: candidate.read(ImportContext((30, 41), CLASSES, key, reading=found.reading, **context))
        for candidate, key in matching.pairs
    }


@pytest.mark.parametrize("name", [*BACK])
def test_a_folder_that_was_exported_comes_in_again_as_a_whole(tmp_path, name):
    made_items = items()
    list(export_folder(tmp_path / "out", made_items, CLASSES, name))
    found, read_yolo = read_all([tmp_path / "out"])
    assert set(read_yolo) == set(NAMES)
    for item in made_items:
        expected = item.labels
        if "unlabelled" in FORMATS[name].loses:
            expected = np.where(expected == UNLABELLED, 0, expected)
        assert np.array_equal(read_yolo[item.image_name].labels, expected), name
        assert read_yolo[item.image_name].classes == CLASSES
    if name == "voc":
        assert found.kind == "Pascal VOC folder"
        assert all(each.instances is not None for each in read_yolo.values())
    if name == "yolo":
        assert found.kind == "YOLO folder"


@pytest.mark.parametrize("name", ["coco", "coco-polygons"])
def test_one_coco_file_holds_the_masks_of_many_images(tmp_path, name):
    made_items = items()
    list(export_folder(tmp_path, made_items, CLASSES, name))
    found, read_yolo = read_all([tmp_path / "annotations.json"])
    assert found.kind == "COCO file of 3 images"
    assert [each.size() for each in found.candidates] == [(30, 41)] * 3
    for item in made_items:
        assert np.array_equal(read_yolo[item.image_name].labels, item.labels)
        assert np.array_equal(read_yolo[item.image_name].instances, item.instances)


def test_a_coco_file_may_leave_sizes_out_and_has_its_own_ids(tmp_path):
    content = {
        "images": [{"id": "b", "file_name": "sub\\photo.png"}, {"id": 0, "file_name": "empty.jpg"}],
        "categories": [{"id": 7, "name": "leaf"}],
        "annotations": [
            {
                "image_id": "b",
                "category_id": 7,
                "segmentation": [[2, 2, 12, 2, 12, 8], [20, 20, 25, 20, 25, 25, 20, 25]],
            },
            {"image_id": "gone", "category_id": 7, "segmentation": [[0, 0, 9, 0, 9, 9]]},
        ],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    _, read_yolo = read_all([tmp_path / "a.json"], targets("photo.jpg", "empty.jpg"))
    assert (read_yolo["photo.jpg"].labels[20:25, 20:25] == 1).all()
    assert read_yolo["photo.jpg"].instances.max() == 1
    assert not read_yolo["empty.jpg"].labels.any()


def test_yolo_folders_have_names_in_their_yaml(tmp_path):
    (tmp_path / "labels" / "train").mkdir(parents=True)
    (tmp_path / "data.yaml").write_text("path: .\nnc: 2\nnames:\n  0: flower\n  1: 'leaf'\n")
    (tmp_path / "labels" / "train" / "a.txt").write_text("0 0 0 0.5 0 0.5 0.5 0 0.5\n")
    (tmp_path / "labels" / "train" / "empty.txt").write_text("")
    (tmp_path / "train.txt").write_text("images/train/a.jpg\n")
    found, read_yolo = read_all(
        [tmp_path], targets("images/train/a.jpg", "images/train/empty.jpg", "images/train.jpg")
    )
    assert len(found.candidates) == 2
    assert read_yolo["images/train/a.jpg"].classes.names[-1] == "flower"
    assert not read_yolo["images/train/empty.jpg"].labels.any()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("names: [a, 'b, c', \"d\"]\n", ("a", "b, c", "d")),
        ("names: {0: a, 2: c}\n", ("a", "class 1", "c")),
        ("nc: 2\nnames: ['a',\n  'b']\n", ("a", "b")),
        ("names:\n- a\n- b # second\ntrain: x\n", ("a", "b")),
        ("names:\n  1: b\n  0: a\nval: 3\n", ("a", "b")),
        ("names: a.txt\n", ("a.txt",)),
        ("nothing: here\n", ()),
        ("names:\n", ()),
        ("", ()),
    ],
)
def test_the_names_of_a_yaml_as_people_write_it(text, names):
    assert names_of_yaml(text) == names


def test_voc_of_other_tools_is_read_by_its_colours(tmp_path):
    for folder in ("SegmentationClass", "SegmentationObject"):
        (tmp_path / folder).mkdir()
    (tmp_path / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\nflower:250,50,83::\nleaf:1,2,3::\n"
    )
    colours = np.zeros((30, 41, 3), np.uint8)
    colours[2:10, 2:20] = (250, 50, 83)
    colours[12:20, 2:20] = (1, 2, 3)
    colours[25:] = (9, 9, 9)
    objects = np.zeros_like(colours)
    objects[2:10, 2:10] = (128, 0, 0)
    objects[2:10, 10:20] = (0, 128, 0)
    Image.fromarray(colours).save(tmp_path / "SegmentationClass" / "a.png")
    Image.fromarray(objects).save(tmp_path / "SegmentationObject" / "a.png")
    for folder in (tmp_path, tmp_path / "SegmentationClass"):
        _, read_yolo = read_all([folder], targets("a.jpg"))
        mask = read_yolo["a.jpg"]
        assert mask.classes.names[-1] == "flower"
        assert (mask.labels[2:10, 2:20] == 4).all()
        assert (mask.labels[12:20, 2:20] == 1).all()
        assert (mask.labels[25:] == UNLABELLED).all()
        assert len(np.unique(mask.instances[2:10, 2:20])) == 2
        assert any("205 pixels have a colour" in note for note in mask.notes)


def test_black_and_white_masks_are_of_one_object(tmp_path):
    """Half the masks in the world are 0 and 255; 255 is void only where other classes are about."""
    area = np.zeros((30, 41), np.uint8)
    area[4:9, 4:9] = 255
    Image.fromarray(area).save(tmp_path / "a_mask.png")
    Image.fromarray(area * 0).save(tmp_path / "b_mask.png")
    found, read_yolo = read_all([tmp_path], targets("a.jpg", "b.jpg"))
    assert found.reading.is_white_object
    assert (read_yolo["a.jpg"].labels == area // 255).all()
    assert not read_yolo["b.jpg"].labels.any()
    assert any("White pixels" in note for note in read_yolo["a.jpg"].notes)
    for name in "cde":
        Image.fromarray(area // 128 * 2).save(tmp_path / f"{name}_mask.png")
    found, read_yolo = read_all([tmp_path], targets("a.jpg", "c.jpg"))
    assert not found.reading.is_white_object
    assert (read_yolo["a.jpg"].labels[4:9, 4:9] == UNLABELLED).all()
    assert read_yolo["c.jpg"].labels[4, 4] == 2


def test_images_of_the_list_are_no_masks_unless_nothing_else_is_there(tmp_path):
    for name in ("a.png", "b.png"):
        Image.new("L", (41, 30)).save(tmp_path / name)
    both = {tmp_path / "a.png", tmp_path / "b.png"}
    assert len(find_masks([tmp_path], both).candidates) == 2
    (tmp_path / "a.npy").write_bytes(b"")
    assert [each.label for each in find_masks([tmp_path], both).candidates] == ["a.npy"]


def test_hidden_files_and_texts_of_other_kinds_are_left_out(tmp_path):
    (tmp_path / ".cache").mkdir()
    for name in ("readme.txt", ".cache/a.png", "classes.txt", "._a.json"):
        (tmp_path / name).write_text("leaf\n")
    with pytest.raises(MaskError, match="There are no masks in"):
        find_masks([tmp_path])
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(MaskError, match="cannot be read"):
        find_masks([tmp_path / "bad.json"])
    with pytest.raises(MaskError, match="No such file"):
        find_masks([tmp_path / "gone.json"])


def test_a_damaged_mask_says_so_when_it_is_read(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG nothing")
    found = find_masks([tmp_path])
    assert found.candidates[0].size() is None
    with pytest.raises(MaskError, match="cannot be read as a mask"):
        found.candidates[0].read(ImportContext((4, 4), CLASSES))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_that_are_no_text_are_found(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.npy")
    np.save(path, np.zeros((30, 41), np.uint8))
    found = find_masks([tmp_path])
    pairs = match(found.candidates, [Target("x", os.fsdecode(b"\xff.jpg"), os.fsdecode(b"\xff"))]).pairs
    assert [key for _, key in pairs] == ["x"]


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 12), st.booleans())
def test_run_lengths_are_decoded_in_their_bounding_box(seed, rows, cols, as_text):
    mask = np.random.default_rng(seed).random((rows, cols)) < 0.3
    code = rle.rle_dict(mask) if as_text else {"size": [rows, cols], "counts": rle.runs_of(mask)}
    rect, part = rle.part_from_dict(code, (rows, cols))
    whole = np.zeros((rows, cols), bool)
    if not rect.is_empty:
        whole[rect.slices] = part
    assert np.array_equal(whole, mask)
    assert rect == (Rect.around(mask) if mask.any() else Rect(0, 0, 0, 0))


def test_empty_runs_in_between_are_understood():
    rect, part = rle.part_from_dict({"size": [2, 3], "counts": [1, 2, 0, 1, 2]}, (2, 3))
    assert (rect, part.tolist()) == (Rect(0, 0, 2, 2), [[False, True], [True, True]])


def test_nameless_numbers_mean_the_same_in_every_file():
    """The second file has a 7, and by then the seventh class is one that the first file called 9."""
    labels = [np.array([[0, 1, 5, 9]], np.uint8), np.array([[5, 7, 9, 4]], np.uint8)]
    context = ImportContext((1, 4), CLASSES)
    first = from_labels(labels[0], None, context)
    assert first.classes.names[4:] == ("class 5", "class 9")
    second = from_labels(labels[1], None, replace(context, classes=first.classes))
    assert [second.classes[number].name for number in second.labels[0]] == [
        "class 5",
        "class 7",
        "class 9",
        "class 4",
    ]
    assert second.notes == ("The file has no names for these class numbers: 4, 7.",)
    lines = b"4 0 0 1 0 1 1\n"
    canvas = yolo_read(lines, replace(context, shape=(4, 4), classes=first.classes))
    assert canvas.classes == first.classes
    assert canvas.labels.max() == 4


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("ab"), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["list", "a", "b ü"]), JSON, max_size=3) | JSON,
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_a_long_list_is_taken_entry_by_entry(content, indent, is_ascii):
    taken = []
    text = json.dumps(content, indent=indent, ensure_ascii=is_ascii)
    rest = split(text, "list", lambda entry, part: taken.append((entry, json.loads(part))))
    expected = json.loads(text)
    if isinstance(expected, dict) and isinstance(expected.get("list"), list):
        assert [entry for entry, _ in taken] == [entry for _, entry in taken] == expected["list"]
        expected["list"] = []
    else:
        assert not taken
    assert rest == expected


@given(st.dictionaries(st.sampled_from(["list", "a"]), JSON, min_size=1, max_size=2), st.data())
def test_half_a_file_is_no_file(content, data):
    text = json.dumps(content)
    cut = text[: data.draw(st.integers(1, len(text) - 1))]
    with pytest.raises(ValueError):  # noqa: PT011
        split(cut, "list", lambda entry, part: None)
    with pytest.raises(ValueError):  # noqa: PT011
        split(f"{text} x", "list", lambda entry, part: None)


@pytest.mark.parametrize("name", ["coco", "yolo", "voc", "labelme", "geojson", "npz", "png16"])
def test_damaged_folders_raise_nothing_but_our_error(tmp_path, name):
    """A hundred mutations of every format: found or refused, read or refused, never anything else."""
    rng = np.random.default_rng(1)
    folder = tmp_path / "out"
    list(export_folder(folder, items(), CLASSES, name))
    files = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    wanted = [Target(n, n, s) for n, s in zip(NAMES, STEMS, strict=True)]
    outcomes = {"read": 0, "refused": 0}

    def turn_in():
        found = find_masks([folder])
        outcomes["refused"] += len(found.notes)
        for candidate, key in match(found.candidates, wanted).pairs:
            candidate.size()
            mask = candidate.read(ImportContext((30, 41), CLASSES, key))
            is_whole = mask.tally is None or mask.tally.taken == mask.tally.total
            outcomes["read" if is_whole else "refused"] += 1

    for turn in range(100):
        path = list(files)[turn % len(files)]
        data = bytearray(files[path])
        for place in rng.integers(0, len(data), rng.integers(1, 8)):
            data[place] = rng.integers(0, 256)
        path.write_bytes(bytes(data[: rng.integers(1, len(data) + 1)] if turn % 3 == 0 else data))
        try:
            turn_in()
        except LatentsegError:
            outcomes["refused"] += 1
        path.write_bytes(files[path])
    assert outcomes["read"] > 0
    assert outcomes["refused"] > 10
