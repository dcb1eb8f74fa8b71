"""What is written for labelme, read by labelme's own reader."""

import numpy as np
import pytest
from PIL import Image

from latentseg_gui.io.masks import ImportContext, MaskItem, export_mask, import_mask
from tests.io.labelme_reader import labelme as labelme  # a fixture
from tests.io.made_masks import CLASSES, SHAPE, made

pytestmark = [  # of its own making: it leaves closing to the garbage collector
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"),
]

VALUES = {"_background_": 0, **{name: number for number, name in enumerate(CLASSES.names)}}


@pytest.mark.parametrize("seed", range(5))
def test_labelme_reads_masks_pixel_for_pixel(labelme, tmp_path, seed):
    item = made(seed, with_unlabelled=False)
    Image.fromarray(item.pixels).save(tmp_path / "image.jpg")
    export_mask(tmp_path / "image.json", item, CLASSES, "labelme-masks")
    read = labelme.LabelFile(str(tmp_path / "image.json"))
    classes, objects = labelme.shapes_to_label(SHAPE, read.shapes, VALUES)
    assert np.array_equal(classes, item.labels)
    for number in np.unique(item.instances[item.instances > 0]):
        (theirs,) = np.unique(objects[item.instances == number])
        assert np.array_equal(objects == theirs, item.instances == number)


def test_labelme_reads_polygons_that_differ_by_their_border_at_most(labelme, tmp_path):
    labels = np.zeros(SHAPE, np.uint8)
    labels[5:15, 8:30] = 2
    item = MaskItem("image", labels, pixels=made().pixels, image_name="image.jpg")
    Image.fromarray(item.pixels).save(tmp_path / "image.jpg")
    export_mask(tmp_path / "image.json", item, CLASSES, "labelme")
    read = labelme.LabelFile(str(tmp_path / "image.json"))
    classes, _ = labelme.shapes_to_label(SHAPE, read.shapes, VALUES)
    grown = np.zeros(SHAPE, bool)
    grown[4:16, 7:31] = True
    assert (classes[labels == 2] == 2).all()
    assert not classes[~grown].any()


def test_what_labelme_has_saved_is_read(labelme, tmp_path):
    """The other way round: a file that its own writer made."""
    item = made(1, with_unlabelled=False)
    Image.fromarray(item.pixels).save(tmp_path / "image.jpg")
    export_mask(tmp_path / "ours.json", item, CLASSES, "labelme-masks")
    file = labelme.LabelFile(str(tmp_path / "ours.json"))
    theirs = tmp_path / "image.json"
    shapes = [encoded(dict(shape), labelme) for shape in file.shapes]
    file.save(str(theirs), shapes, "image.jpg", *SHAPE)
    assert "latentseg" not in theirs.read_text("utf-8")
    read = import_mask(theirs, ImportContext(SHAPE, CLASSES, "image.jpg"))
    assert np.array_equal(read.labels, item.labels)


def encoded(shape, labelme):
    """A shape as labelme's window hands it to its writer."""
    code = None if shape["mask"] is None else labelme.img_arr_to_b64(shape["mask"].astype(np.uint8))
    return {**shape.pop("other_data"), **shape, "mask": code}
