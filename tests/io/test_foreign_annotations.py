"""Annotation files as other programs write them, and as people damage them."""

import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.brush import polygon_mask, rings_mask
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.io.masks import ImportContext, MaskError, MaskItem, export_folder, import_mask, rle
from latentseg_gui.io.masks.candidates import Candidate, Target, match
from latentseg_gui.io.masks.finding import find_masks
from latentseg_gui.io.masks.spans import RingGroup, fill, spans_of
from latentseg_gui.io.masks.values import Tally
from latentseg_gui.io.masks.yolo import names_of_yaml

SHAPE = (40, 60)
BARE = ClassTable.from_names(["background"])


def square(x, y, side):
    return [[x, y], [x + side, y], [x + side, y + side], [x, y + side]]


def flat(x, y, side):
    return [value for point in square(x, y, side) for value in point]


def area(x, y, side):
    whole = np.zeros(SHAPE, bool)
    whole[y : y + side, x : x + side] = True
    return whole


LEAF, STEM = area(5, 5, 10), area(30, 10, 10)
IMAGE = {"id": 1, "file_name": "a.png", "width": 60, "height": 40}
CATEGORIES = [{"id": 1, "name": "leaf"}, {"id": 2, "name": "stem"}]


def annotation(code, category=1, **more):
    return {"id": 1, "image_id": 1, "category_id": category, "iscrowd": 0, "segmentation": code, **more}


def coco(*annotations, images=(IMAGE,), categories=CATEGORIES):
    return {"images": list(images), "annotations": list(annotations), "categories": categories}


def saved(folder, content, name="a.json", encoding="utf-8"):
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


def read(path, images=("a.png",), classes=BARE, **context):
    """What comes in for the only image that something is for."""
    found = find_masks([path])
    targets = [Target(name, name, name.rsplit(".", 1)[0]) for name in images]
    ((candidate, key),) = match(found.candidates, targets).pairs
    return candidate.read(ImportContext(SHAPE, classes, key, reading=found.reading, **context))


def check(mask, *, leaf=LEAF, stem=None, open_area=None):
    """The mask is exactly this; everything else is background."""
    expected = np.zeros(SHAPE, np.uint8)
    if open_area is not None:
        expected[open_area] = UNLABELLED
    for name, where in (("stem", stem), ("leaf", leaf)):
        if where is not None:
            expected[where] = mask.classes.names.index(name)
    assert np.array_equal(mask.labels, expected)


LENIENT = {
    "as it should be": coco(annotation([flat(5, 5, 10)])),
    "image id as text": coco(annotation([flat(5, 5, 10)], image_id="1")),
    "id as text": coco(annotation([flat(5, 5, 10)]), images=[{**IMAGE, "id": "1"}]),
    "id as a fraction": coco(annotation([flat(5, 5, 10)], image_id=1.0)),
    "category as text": coco(annotation([flat(5, 5, 10)], "1")),
    "flat": coco(annotation(flat(5, 5, 10))),
    "nested": coco(annotation([square(5, 5, 10)])),
    "numbers as text": coco(annotation([[str(value) for value in flat(5, 5, 10)]])),
    "run lengths": coco(annotation({"size": list(SHAPE), "counts": rle.runs_of(LEAF)})),
    "packed run lengths": coco(annotation(rle.rle_dict(LEAF))),
    "run lengths as fractions": coco(
        annotation({"size": [40.0, 60.0], "counts": [*map(float, rle.runs_of(LEAF))]})
    ),
    "run lengths without a size": coco(annotation({"counts": rle.rle_dict(LEAF)["counts"]})),
    "run lengths in a list": coco(annotation([rle.rle_dict(LEAF)])),
    "written as text": coco(annotation(json.dumps([flat(5, 5, 10)]))),
    "run lengths written as text": coco(annotation(json.dumps(rle.rle_dict(LEAF)))),
    "category by its name": coco(annotation([flat(5, 5, 10)], "leaf")),
    "a part that encloses nothing": coco(annotation([flat(5, 5, 10), [40, 30, 50, 35]])),
    "no sizes": coco(annotation([flat(5, 5, 10)]), images=[{"id": 1, "file_name": "x\\a.png"}]),
}


@pytest.mark.parametrize("kind", LENIENT)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_coco_is_read_as_its_writers_write_it(tmp_path, kind, encoding):
    mask = read(saved(tmp_path, LENIENT[kind], encoding=encoding))
    check(mask)
    assert mask.classes.names == ("background", "leaf", "stem"), "numbers stay as they came"
    assert mask.tally == Tally(1, 1)


BAD = {
    "odd": ([[1, 2, 3]], "odd count", None),
    "two corners": ([[31, 2, 33, 4]], "fewer than three corners", (30, 1, 34, 5)),
    "nothing": ([], "no outline", None),
    "none": (None, "no outline", None),
    "a word": ("x", "no outline", None),
    "a word in it": ([[1, 2, "x", 4, 5, 6]], "not all numbers", None),
    "null in it": ([[1, 2, None, 4, 5, 6]], "not all numbers", None),
    "not a number": ([[1, 2, float("nan"), 4, 5, 6]], "not a finite number", None),
    "runs of another size": ({"size": [9, 9], "counts": [81]}, "another size", None),
    "runs that are too long": ({"size": list(SHAPE), "counts": [10**12]}, "do not cover", None),
    "rubbish": ({"size": list(SHAPE), "counts": "999"}, "damaged", None),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("has_box", [False, True])
def test_one_bad_annotation_is_named_and_its_place_is_unlabelled(tmp_path, kind, has_box):
    code, reason, place = BAD[kind]
    bad = annotation(code, 2, **({"bbox": [40, 20, 5, 6]} if has_box else {}))
    mask = read(saved(tmp_path, coco(annotation([flat(5, 5, 10)]), bad, annotation([flat(30, 10, 10)], 2))))
    left, top, right, bottom = (40, 20, 45, 26) if has_box else place or (0, 0, 60, 40)
    unlabelled = np.zeros(SHAPE, bool)
    unlabelled[top:bottom, left:right] = True
    check(mask, stem=STEM, open_area=unlabelled)
    assert mask.tally == Tally(2, 3)
    (said,) = [note for note in mask.notes if "left out" in note]
    assert "annotation #2 (“stem”)" in said
    assert reason in said


def test_a_damaged_part_may_lie_anywhere_and_parts_without_area_lie_together(tmp_path):
    whole = annotation([flat(30, 10, 10)], 2)
    broken = annotation([flat(5, 5, 10), [1, 2, 3]])
    mask = read(saved(tmp_path, coco(broken, whole)))
    check(mask, leaf=None, stem=STEM, open_area=~STEM)
    bare = annotation([[1, 1, 3, 3], [50, 30, 51, 31]])
    mask = read(saved(tmp_path, coco(bare, whole)))
    unlabelled = np.zeros(SHAPE, bool)
    unlabelled[0:32, 0:52] = True
    check(mask, leaf=None, stem=STEM, open_area=unlabelled)


def test_an_object_too_small_for_a_pixel_is_no_background(tmp_path):
    tiny = annotation([[20.1, 20.1, 20.2, 20.1, 20.2, 20.3]], 2)
    mask = read(saved(tmp_path, coco(annotation([flat(5, 5, 10)]), tiny)))
    unlabelled = np.zeros(SHAPE, bool)
    unlabelled[19:22, 19:22] = True
    check(mask, open_area=unlabelled)
    assert any("No pixel of the image lies in annotation #2" in note for note in mask.notes)
    with pytest.raises(MaskError, match="None of the 1 objects of the file covers a pixel"):
        read(saved(tmp_path, coco(annotation([flat(500, 500, 10)]))))


def test_two_images_of_one_number_are_told_and_not_taken(tmp_path):
    images = [IMAGE, {**IMAGE, "file_name": "b.png"}, {**IMAGE, "id": 2, "file_name": "c.png"}]
    entries = [annotation([flat(5, 5, 10)]), annotation([flat(5, 5, 10)], image_id=2)]
    path = saved(tmp_path, coco(*entries, images=images))
    for name in ("a.png", "b.png"):
        with pytest.raises(MaskError, match="the same number"):
            read(path, [name])
    check(read(path, ["c.png"]))


def test_a_box_inside_an_object_leaves_the_object(tmp_path):
    mask = read(saved(tmp_path, coco(annotation([], bbox=[7, 7, 20, 3]), annotation([flat(5, 5, 10)]))))
    box = np.zeros(SHAPE, bool)
    box[7:10, 7:27] = True
    check(mask, open_area=box)


def test_annotations_that_are_no_list_are_no_empty_mask(tmp_path):
    path = saved(tmp_path, {**coco(), "annotations": {"1": annotation([flat(5, 5, 10)])}})
    with pytest.raises(MaskError, match="not a list"):
        find_masks([path])
    with pytest.raises(MaskError, match="not a list"):
        import_mask(path, ImportContext(SHAPE, BARE))


def test_annotations_of_no_image_are_counted(tmp_path):
    strays = [annotation([flat(5, 5, 10)], image_id=99), annotation([flat(5, 5, 10)], image_id=None)]
    path = saved(tmp_path, coco(annotation([flat(5, 5, 10)]), *strays))
    check(read(path))
    assert "2 annotations belong to an image that the file does not list (#2, #3)" in " ".join(
        find_masks([path]).notes
    )


@pytest.mark.parametrize("order", [1, -1])
def test_small_objects_lie_over_large_ones_in_any_order(tmp_path, order):
    entries = [annotation([flat(5, 5, 10)]), annotation([flat(0, 0, 30)], 2)][::order]
    check(read(saved(tmp_path, coco(*entries))), stem=area(0, 0, 30))
    codes = [
        {**entry, "segmentation": rle.rle_dict(area(*place))}
        for entry, place in zip(entries, [(5, 5, 10), (0, 0, 30)][::order], strict=True)
    ]
    check(read(saved(tmp_path, coco(*codes))), stem=area(0, 0, 30))


def test_an_object_under_its_double_is_named_as_lost(tmp_path):
    mask = read(saved(tmp_path, coco(annotation([flat(5, 5, 10)]), annotation([flat(5, 5, 10)], 1))))
    check(mask)
    assert mask.tally == Tally(1, 2)
    assert any("lost: annotation #1" in note for note in mask.notes)


def test_a_class_that_cannot_be_does_not_cost_the_others(tmp_path):
    names = [{"id": 1, "name": "leaf"}, {"id": 2, "name": "a\nb"}, {"id": 3, "name": "x" * 300}]
    entries = [
        annotation([flat(5, 5, 10)]),
        annotation([flat(30, 10, 10)], 2),
        annotation([flat(0, 0, 3)], 3),
    ]
    mask = read(saved(tmp_path, coco(*entries, categories=names)))
    unlabelled = np.zeros(SHAPE, bool)
    unlabelled[9:21, 29:41] = unlabelled[:4, :4] = True
    check(mask, open_area=unlabelled)
    assert mask.tally == Tally(1, 3)


@pytest.mark.parametrize(
    "name", ["ignore", "__ignore__", "void", "Unlabeled", "dont_care", "Don't care", "DontCare"]
)
def test_names_that_mean_nothing_is_said_are_unlabelled(tmp_path, name):
    categories = [CATEGORIES[0], {"id": 2, "name": name}]
    entries = [annotation([flat(5, 5, 10)]), annotation([flat(30, 10, 10)], 2)]
    mask = read(saved(tmp_path, coco(*entries, categories=categories)))
    check(mask, open_area=STEM)
    assert mask.classes.names == ("background", "leaf")
    assert mask.tally == Tally(1, 1)


def test_an_encoding_that_is_none_is_named(tmp_path):
    path = saved(tmp_path, coco(categories=[{"id": 1, "name": "叶子"}]), encoding="gbk")
    with pytest.raises(MaskError, match=r"not written in UTF-8.*GBK") as refused:
        find_masks([path])
    assert "Save it as UTF-8" in refused.value.action


def shape(label, points, kind="polygon", **more):
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}, **more}


def labelme(*shapes, **more):
    size = {"imageHeight": 40, "imageWidth": 60}
    return {"version": "5.0.1", "shapes": list(shapes), "imagePath": "..\\images\\a.png", **size, **more}


def test_labelme_shapes_of_other_programs_are_polygons(tmp_path):
    path = saved(
        tmp_path,
        labelme(
            shape("leaf", square(5, 5, 10), "rectangle"),
            shape("stem", square(30, 10, 10), "rotation", direction=0.0),
        ),
    )
    check(read(path), stem=STEM)
    path = saved(tmp_path, labelme(shape("leaf", [[5, 5], [15, 15]], "rectangle")))
    check(read(path))
    turned = [[35, 10], [40, 15], [35, 20], [30, 15]]
    path = saved(tmp_path, labelme(shape("leaf", square(5, 5, 10)), shape("stem", turned, "rotation")))
    rect, inside = polygon_mask(turned, SHAPE)
    diamond = np.zeros(SHAPE, bool)
    diamond[rect.slices] = inside
    check(read(path), stem=diamond)


def test_labelme_shapes_without_an_area_leave_their_place_unlabelled(tmp_path):
    shapes = [
        shape("root", [[30, 20], [50, 30]], "linestrip"),
        shape("tip", [[50, 5]], "point"),
        shape("leaf", square(5, 5, 10)),
        shape("edge", [[1, 1]], "polygon"),
    ]
    mask = read(saved(tmp_path, labelme(*shapes)))
    places = np.zeros(SHAPE, bool)
    places[19:31, 29:51] = places[4:6, 49:51] = places[0:2, 0:2] = True
    check(mask, open_area=places)
    (said,) = [note for note in mask.notes if "left out" in note]
    for part in ("shape #1 (“root”): a linestrip", "shape #2 (“tip”): a point", "shape #4 (“edge”)"):
        assert part in said


def test_a_shape_whose_place_nobody_knows_leaves_the_rest_unlabelled(tmp_path):
    for bad in (shape("x", []), shape("y", [[1, None]], "point"), {"points": 3}, 7, None):
        mask = read(saved(tmp_path, labelme(shape("leaf", square(5, 5, 10)), bad)))
        check(mask, open_area=~LEAF)
        assert mask.tally == Tally(1, 2)


def test_what_lies_outside_of_the_image_is_cut_or_said(tmp_path):
    path = saved(tmp_path, labelme(shape("leaf", square(-20, -20, 35)), shape("far", square(500, 500, 9))))
    mask = read(path)
    check(mask, leaf=area(0, 0, 15))
    assert any("No pixel of the image lies in shape #2" in note for note in mask.notes)
    assert mask.tally == Tally(1, 2)


def test_the_image_path_of_labelme_decides_and_its_own_name_helps_out(tmp_path):
    path = saved(tmp_path, labelme(shape("leaf", square(5, 5, 10))), "annot_0001.json")
    check(read(tmp_path))
    saved(tmp_path, labelme(shape("leaf", square(5, 5, 10)), imagePath="a.jpg"), "a.json")
    path.unlink()
    found = find_masks([tmp_path])
    ((_, key),) = match(
        found.candidates, [Target("a.png", "a.png", "a"), Target("a.jpg", "a.jpg", "a")]
    ).pairs
    assert key == "a.jpg"
    saved(tmp_path, labelme(shape("leaf", square(5, 5, 10)), imagePath="renamed since.jpg"), "a.json")
    check(read(tmp_path))


def feature(geometry, name="leaf"):
    about = {"classification": {"name": name}} if name else {"name": "my ROI"}
    return {"type": "Feature", "geometry": geometry, "properties": {"objectType": "annotation", **about}}


def polygon(*rings):
    return {"type": "Polygon", "coordinates": [ring + ring[:1] for ring in rings]}


HOLED = feature(polygon(square(5, 5, 20), square(10, 10, 5)))
OUTER = {
    "collection": {"type": "FeatureCollection", "features": [HOLED]},
    "list": [HOLED],
    "single": HOLED,
    "collections": [{"type": "FeatureCollection", "features": [HOLED]}],
    "multi": feature({"type": "MultiPolygon", "coordinates": [HOLED["geometry"]["coordinates"]]}),
    "geometries, one without area": feature(
        {
            "type": "GeometryCollection",
            "geometries": [{"type": "Point", "coordinates": [50, 30]}, HOLED["geometry"]],
        }
    ),
    "multi, one of two corners": feature(
        {"type": "MultiPolygon", "coordinates": [[[[50, 30], [51, 31]]], HOLED["geometry"]["coordinates"]]}
    ),
    "geometries": feature({"type": "GeometryCollection", "geometries": [HOLED["geometry"]]}),
}


@pytest.mark.parametrize("kind", OUTER)
@pytest.mark.parametrize("name", ["a.geojson", "a.json", "a.png.geojson"])
def test_geojson_is_read_in_all_its_outer_shapes(tmp_path, kind, name):
    path = saved(tmp_path, OUTER[kind], name)
    check(read(path), leaf=area(5, 5, 20) & ~area(10, 10, 5))


def test_geojson_features_without_area_are_named(tmp_path):
    features = [
        HOLED,
        feature({"type": "LineString", "coordinates": [[40, 5], [50, 9]]}),
        feature({"type": "Polygon", "coordinates": [[[41, 30], [44, 33]]]}, "stem"),
        feature({"type": "Point", "coordinates": [55, 35]}),
    ]
    mask = read(saved(tmp_path, features, "a.geojson"))
    places = np.zeros(SHAPE, bool)
    places[4:10, 39:51] = places[29:34, 40:45] = places[34:36, 54:56] = True
    check(mask, leaf=area(5, 5, 20) & ~area(10, 10, 5), open_area=places)
    point = {"type": "Point", "coordinates": [50, 30]}
    both = {"type": "GeometryCollection", "geometries": [polygon(square(5, 5, 10)), point]}
    mask = read(saved(tmp_path, both, "a.geojson"))
    assert np.array_equal(mask.labels == 1, LEAF), "an object beside a point is no background"
    assert mask.tally == Tally(1, 2)
    bare = read(saved(tmp_path, feature(polygon(square(5, 5, 10)), None), "a.geojson"))
    assert bare.classes.names == ("background", "object")
    broken = read(saved(tmp_path, [HOLED, feature(None), 5], "a.geojson"))
    assert (broken.labels == 0).sum() == 0


def line(number, points, mark=" "):
    words = [f"{value / side:.6f}" for point in points for value, side in zip(point, (60, 40), strict=True)]
    return mark.join([str(number), *words]) + "\n"


YOLO = {
    "plain": line(0, square(5, 5, 10)),
    "tabs, CRLF and a mark": "\ufeff" + line(0, square(5, 5, 10), "\t").replace("\n", "\r\n"),
    "class as a fraction": line("0.0", square(5, 5, 10)),
    "with confidence": line(0, square(5, 5, 10)).strip() + " 0.93\n",
    "commas": line(0, square(5, 5, 10), ","),
    "commas and spaces": line(0, square(5, 5, 10), ", "),
    "commas for points": line(0, square(5, 5, 10)).replace(".", ","),
    "a comment": "# made by hand\n" + line(0, square(5, 5, 10)),
    "spaces and empty lines": "\n\n  " + line(0, square(5, 5, 10), "   ") + "\n \n",
}


@pytest.mark.parametrize("kind", YOLO)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_yolo_is_read_as_people_write_it_and_class_0_stays_class_0(tmp_path, kind, encoding):
    (tmp_path / "classes.txt").write_text("leaf\nstem\n")
    mask = read(saved(tmp_path, YOLO[kind], "a.txt", encoding))
    check(mask)
    assert mask.classes.names == ("background", "leaf", "stem")
    item = MaskItem("a", mask.labels, mask.instances)
    list(export_folder(tmp_path / "out", [item], mask.classes, "yolo"))
    (back,) = (tmp_path / "out").rglob("a.txt")
    assert back.read_text().startswith("0 ")


YOLO_BAD = {
    "pixels": "1 5 5 15 5 15 15 5 15\n",
    "not a number": "1 nan 0.5 0.2 0.2 0.4 0.4\n",
    "word": "1 0.1 x 0.2 0.2 0.4 0.4\n",
    "class below 0": "-1 0.1 0.1 0.2 0.2 0.4 0.4\n",
    "class of a million": "1000000 0.1 0.1 0.2 0.2 0.4 0.4\n",
    "class as a word": "stem 0.1 0.1 0.2 0.2 0.4 0.4\n",
    "half a class": "0.5 0.1 0.1 0.2 0.2 0.4 0.4\n",
    "nothing but a class": "1\n",
}


@pytest.mark.parametrize("kind", YOLO_BAD)
def test_one_bad_line_of_yolo_is_named_and_the_good_ones_come_in(tmp_path, kind):
    (tmp_path / "classes.txt").write_text("leaf\nstem\n")
    mask = read(saved(tmp_path, YOLO["plain"] + YOLO_BAD[kind], "a.txt"))
    check(mask, open_area=~LEAF)
    assert mask.tally == Tally(1, 2)
    assert any("line #2" in note for note in mask.notes)


@pytest.mark.parametrize("data", ["叶子\n".encode("gbk"), bytes(range(128, 256))])
def test_names_of_classes_that_cannot_be_read_are_told(tmp_path, data):
    (tmp_path / "classes.txt").write_bytes(data)
    mask = read(saved(tmp_path, YOLO["plain"], "a.txt"))
    assert mask.classes.names == ("background", "class 1")
    assert any("names of the classes were not read" in note and "classes.txt" in note for note in mask.notes)


def test_a_text_with_the_name_of_an_image_is_not_passed_over(tmp_path):
    saved(tmp_path, YOLO["plain"], "a.txt")
    saved(tmp_path, "hello world\n", "b.txt")
    saved(tmp_path, "hello world\n", "readme.txt")
    found = find_masks([tmp_path], [tmp_path / "a.png", tmp_path / "b.png"])
    assert [each.name for each in found.candidates] == ["a", "b"]
    with pytest.raises(MaskError, match="line #1"):
        found.candidates[1].read(ImportContext(SHAPE, BARE))


def test_boxes_of_yolo_are_unlabelled_and_corners_a_little_outside_are_cut(tmp_path):
    mask = read(saved(tmp_path, YOLO["plain"] + "1 0.75 0.5 0.1 0.2\n0 0.25 0.75 0.1 0.1 0.9\n", "a.txt"))
    boxes = np.zeros(SHAPE, bool)
    boxes[16:24, 42:48] = boxes[28:32, 12:18] = True
    assert np.array_equal(mask.labels == UNLABELLED, boxes)
    over = read(saved(tmp_path, "0 0.5 0.5 1.0004 0.5 1.0004 1.0021 0.5 1.0021\n", "a.txt"))
    assert (over.labels[20:, 30:] == 1).all()
    assert over.tally == Tally(1, 1)


def test_names_that_ask_for_a_hundred_million_classes_are_passed_over(tmp_path):
    for text in ("names: {99999999: a}\n", "names:\n  999999999999: a\n  0: b\n", "names: {300: a, 0: b}\n"):
        assert len(names_of_yaml(text)) <= 1
    assert names_of_yaml("names:\n  ²: a\n  1: b\n") in ((), ("class 0", "b"))
    (tmp_path / "data.yaml").write_text("names: {99999999: a}\n")
    mask = read(saved(tmp_path, YOLO["plain"], "a.txt"))
    assert mask.labels[LEAF].all()


def test_superscripts_are_no_colours_of_voc(tmp_path):
    (tmp_path / "SegmentationClass").mkdir()
    (tmp_path / "labelmap.txt").write_text("a:²,0,0::\nb:300,0,0::\nleaf:9,9,9::\n", encoding="utf-8")
    Image.fromarray(np.full((*SHAPE, 3), 9, np.uint8)).save(tmp_path / "SegmentationClass" / "a.png")
    assert read(tmp_path).classes.names == ("background", "leaf")


def test_background_of_voc_has_no_object_numbers(tmp_path):
    for folder in ("SegmentationClass", "SegmentationObject"):
        (tmp_path / folder).mkdir()
    labels = np.zeros(SHAPE, np.uint8)
    labels[LEAF], labels[STEM] = 1, 255
    Image.fromarray(labels).save(tmp_path / "SegmentationClass" / "a.png")
    Image.fromarray(np.full(SHAPE, 7, np.uint8)).save(tmp_path / "SegmentationObject" / "a.png")
    mask = read(tmp_path)
    assert (mask.instances[LEAF] == 7).all()
    assert not mask.instances[~LEAF].any(), "neither background nor void is an object"


ISAT = {
    "info": {"description": "ISAT", "folder": "images", "name": "a.png", "width": 60, "height": 40},
    "objects": [
        {"category": "leaf", "group": 1, "segmentation": square(5, 5, 10), "bbox": [5, 5, 15, 15]},
        {"category": "stem", "group": 2, "segmentation": [], "bbox": [30, 10, 40, 20]},
        {"category": "__ignore__", "group": 3, "segmentation": square(50, 0, 5)},
    ],
}
STUDIO = [
    {
        "data": {"image": "/data/upload/1/0123abcd-a.png"},
        "annotations": [
            {
                "result": [
                    {
                        "type": "polygonlabels",
                        "original_width": 60,
                        "original_height": 40,
                        "value": {
                            "points": [[x / 0.6, y / 0.4] for x, y in square(5, 5, 10)],
                            "polygonlabels": ["leaf"],
                        },
                    },
                    {
                        "type": "rectanglelabels",
                        "original_width": 60,
                        "original_height": 40,
                        "value": {
                            "x": 50,
                            "y": 25,
                            "width": 100 / 6,
                            "height": 25,
                            "rectanglelabels": ["stem"],
                        },
                    },
                    {"type": "choices", "value": {"choices": ["x"]}, "from_name": "c"},
                ][:2]
            }
        ],
    }
]
VIA = {
    "a.png123": {
        "filename": "a.png",
        "size": 123,
        "regions": [
            {
                "shape_attributes": {
                    "name": "polygon",
                    "all_points_x": [5, 15, 15, 5],
                    "all_points_y": [5, 5, 15, 15],
                },
                "region_attributes": {"label": "leaf"},
            },
            {
                "shape_attributes": {"name": "rect", "x": 30, "y": 10, "width": 10, "height": 10},
                "region_attributes": {"label": "stem"},
            },
        ],
    }
}
CVAT = (
    '<?xml version="1.0"?><annotations><version>1.1</version><image id="0" name="sub/a.png" width="60" height="40">'
    '<polygon label="leaf" points="5,5;15,5;15,15;5,15" z_order="0"/>'
    '<box label="stem" xtl="30" ytl="10" xbr="40" ybr="20"/></image></annotations>'
)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (ISAT, "a.json"),
        (STUDIO, "export.json"),
        (VIA, "via.json"),
        ({"_via_img_metadata": VIA}, "project.json"),
        (CVAT, "annotations.xml"),
    ],
    ids=["ISAT", "Label Studio", "VIA", "VIA project", "CVAT"],
)
def test_files_of_other_programs_are_read_and_their_boxes_stay_unlabelled(tmp_path, content, name):
    mask = read(saved(tmp_path, content, name))
    places = STEM.copy()
    if content is ISAT:
        places |= area(50, 0, 5)
    check(mask, open_area=places)
    assert mask.tally == Tally(1, 2)


def test_masks_of_cvat_are_runs_in_a_box(tmp_path):
    runs = "0, 10, 5, 5, 10, 30, 40"
    text = CVAT.replace(
        '<box label="stem" xtl="30" ytl="10" xbr="40" ybr="20"/>',
        f'<mask label="stem" rle="{runs}" left="30" top="10" width="10" height="10"/>',
    )
    inside = np.repeat([False, True, False, True, False, True, False], [0, 10, 5, 5, 10, 30, 40]).reshape(
        10, 10
    )
    stem = np.zeros(SHAPE, bool)
    stem[10:20, 30:40] = inside
    check(read(saved(tmp_path, text, "annotations.xml")), stem=stem)
    broken = text.replace('40" left', '900000" left')
    mask = read(saved(tmp_path, broken, "annotations.xml"))
    check(mask, open_area=STEM)


def test_kinds_that_are_not_known_say_what_to_do(tmp_path):
    for content in ({"a": 1}, [1], {"shots": []}, "[]", [{"image_id": 1, "segmentation": []}]):
        with pytest.raises(MaskError, match=r"kind that is not known|COCO results") as refused:
            import_mask(saved(tmp_path, content), ImportContext(SHAPE, BARE))
        assert "COCO" in refused.value.action or "annotations" in refused.value.action
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><annotations><image/></annotations>'
    with pytest.raises(MaskError, match="entities"):
        import_mask(saved(tmp_path, bomb, "a.xml"), ImportContext(SHAPE, BARE))
    with pytest.raises(MaskError, match="empty"):
        import_mask(saved(tmp_path, ""), ImportContext(SHAPE, BARE))


def test_a_damaged_file_in_a_folder_never_ends_the_others(tmp_path):
    saved(tmp_path, labelme(shape("leaf", square(5, 5, 10))))
    saved(tmp_path, "", "b.json")
    saved(tmp_path, "{", "c.json")
    saved(tmp_path, coco(categories=[{"id": 1, "name": "叶子"}]), "d.json", "gbk")
    (tmp_path / "e.xml").write_text("<annotations")
    found = find_masks([tmp_path])
    said = " ".join(found.notes)
    assert all(f"“{name}.json”" in said for name in "bcd")
    check(read(tmp_path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
@pytest.mark.parametrize(
    "name", ["a.png", "a.txt", "a.json", "a.npy", "a.xml", "labelmap.txt", "classes.txt"]
)
def test_pipes_and_endless_files_are_refused_at_once(tmp_path, name):
    os.mkfifo(tmp_path / name)
    os.symlink("/dev/zero", tmp_path / f"b{name[1:]}")
    saved(tmp_path, YOLO["plain"], "c.txt")
    found = find_masks([tmp_path])
    assert [each.name for each in found.candidates] == ["c"]
    assert found.candidates[0].read(ImportContext(SHAPE, BARE)).tally == Tally(1, 1)
    for bad in (name, f"b{name[1:]}"):
        with pytest.raises(LatentsegError):
            import_mask(tmp_path / bad, ImportContext(SHAPE, BARE))
        with pytest.raises(LatentsegError):
            find_masks([tmp_path / bad])


def test_one_endless_line_is_left_out(tmp_path):
    (tmp_path / "a.txt").write_text(YOLO["plain"] + "1" + " 0.5" * 2_000_000 + "\n")
    mask = read(tmp_path / "a.txt")
    assert mask.tally == Tally(1, 2)
    assert any("far too long" in note for note in mask.notes)


def candidate(name, **more):
    return Candidate(name, name, None, lambda context: None, is_picture=True, **more)


@pytest.mark.parametrize(
    ("mask", "image"),
    [
        ("a_cp_masks", "a"),
        ("a_masks", "a"),
        ("a-mask", "a"),
        ("mask_001", "image_001"),
        ("001_seg_mask", "001"),
        ("town_000_gtFine_labelIds", "town_000_leftImg8bit"),
        ("0001TP_L", "0001TP"),
        ("a.jpg-labels", "a"),
        ("A_GroundTruth", "a"),
        ("a_GT", "a"),
        ("21_manual1", "21"),
        ("a_pred", "a"),
        ("a-binary", "a"),
    ],
)
def test_what_programs_add_to_names_is_known(mask, image):
    ((_, key),) = match([candidate(mask)], [Target(image, f"{image}.jpg", image)]).pairs
    assert key == image


def test_pictures_for_the_eye_give_way_to_those_with_numbers(tmp_path):
    labels = np.where(LEAF, np.uint8(1), np.uint8(0))
    Image.fromarray(labels).save(tmp_path / "a_gtFine_labelIds.png")
    Image.fromarray(np.dstack([labels * 90] * 3)).save(tmp_path / "a_gtFine_color.png")
    saved(tmp_path, {"imgHeight": 40, "objects": []}, "a_gtFine_polygons.json")
    assert np.array_equal(read(tmp_path, ["a_leftImg8bit.png"]).labels, labels)


def test_files_of_one_object_each_are_joined(tmp_path):
    for number, where in enumerate((LEAF, STEM, area(0, 0, 30))):
        Image.fromarray(where.astype(np.uint8) * 255).save(tmp_path / f"a_{number}.png")
    mask = read(tmp_path)
    assert [len(np.unique(mask.instances[where])) for where in (LEAF, STEM)] == [1, 1]
    assert len(np.unique(mask.instances)) == 4
    assert np.array_equal(mask.labels > 0, LEAF | STEM | area(0, 0, 30))
    names = [Target(f"a_{number}.png", f"a_{number}.png", f"a_{number}") for number in range(3)]
    assert len(match(find_masks([tmp_path]).candidates, names).pairs) == 3, "images of these names come first"


@pytest.mark.parametrize("folder", ["a", "a/masks", "a_masks"])
def test_files_of_one_object_each_in_a_folder_of_their_image_are_joined(tmp_path, folder):
    (tmp_path / folder).mkdir(parents=True)
    for name, where in (("f00d", LEAF), ("beef", STEM)):
        Image.fromarray(where.astype(np.uint8) * 255).save(tmp_path / folder / f"{name}.png")
    mask = read(tmp_path)
    assert np.array_equal(mask.labels > 0, LEAF | STEM)
    assert len(np.unique(mask.instances)) == 3


def test_one_bad_file_among_those_of_an_object_each_is_named_and_costs_itself_only(tmp_path):
    for number, where in enumerate((LEAF, STEM)):
        Image.fromarray(where.astype(np.uint8) * 255).save(tmp_path / f"a_{number}.png")
    (tmp_path / "a_2.png").write_bytes(b"no picture")
    mask = read(tmp_path)
    expected = np.where(LEAF | STEM, np.uint8(1), np.uint8(UNLABELLED))
    assert np.array_equal(mask.labels, expected), "the third may lie anywhere"
    assert any("1 of 3 files could not be read" in note and "a_2.png" in note for note in mask.notes)
    for number in range(2):
        (tmp_path / f"a_{number}.png").write_bytes(b"no picture")
    with pytest.raises(MaskError, match="cannot be read"):
        read(tmp_path)


POINT = st.tuples(st.floats(-20, 80), st.floats(-20, 60))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(POINT, min_size=3, max_size=9), min_size=1, max_size=6), st.booleans())
def test_runs_of_many_polygons_are_the_areas_of_each(polygons, is_evenodd):
    pieces = [RingGroup((np.array(points),), is_evenodd=is_evenodd) for points in polygons]
    target = np.zeros(SHAPE, np.int32)
    expected = np.zeros(SHAPE, np.int32)
    for spans in spans_of(pieces, SHAPE):
        fill(target, spans, np.arange(1, len(pieces) + 1, dtype=np.int32))
    for number, points in enumerate(polygons, 1):
        rect, inside = rings_mask([points], SHAPE, "evenodd" if is_evenodd else "nonzero")
        expected[rect.slices][inside] = number
    assert np.array_equal(target, expected)


def test_slanted_edges_are_where_pixel_centres_are():
    """Half a row off would be seen by nobody but the pixels."""
    triangle = [(10.0, 5.0), (30.0, 25.0), (10.0, 25.0)]
    rect, inside = polygon_mask(triangle, SHAPE)
    whole = np.zeros(SHAPE, bool)
    whole[rect.slices] = inside
    rows, cols = np.mgrid[:40, :60] + 0.5
    assert np.array_equal(whole, (cols > 10) & (rows < 25) & (cols - 10 < rows - 5))


def test_hundreds_of_thousands_of_annotations_come_in_and_hundreds_that_fill_the_image():
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 1, (100_000, 4, 2)) * 4 + rng.uniform(0, 1000, (100_000, 1, 2))
    pieces = [RingGroup((points,)) for points in corners]
    target = np.zeros((1000, 1000), np.int32)
    for spans in spans_of(pieces, (1000, 1000)):
        fill(target, spans, np.arange(1, len(pieces) + 1, dtype=np.int32))
    some = rng.choice(len(pieces), 200, replace=False)
    alone = np.zeros((1000, 1000), np.int32)
    for number in some.tolist():
        rect, inside = polygon_mask(corners[number].tolist(), (1000, 1000))
        alone[rect.slices][inside] = number + 1
    assert (target[alone > 0] >= alone[alone > 0]).all(), "later ones lie on top"
