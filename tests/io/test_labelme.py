"""labelme's own reader, where it is installed: `pip install labelme` brings PyQt5 along, too much for every run."""

import numpy as np
import pytest
from PIL import Image

from latentseg_gui.io.masks import export_mask
from tests.io.test_masks import CLASSES, SHAPE, made

labelme = pytest.importorskip("labelme", reason="labelme is not installed")

VALUES = {"_background_": 0, **{name: number for number, name in enumerate(CLASSES.names)}}


@pytest.mark.parametrize("seed", range(5))
def test_labelme_reads_masks_pixel_for_pixel(tmp_path, seed):
    item = made(seed, with_unlabelled=False)
    Image.fromarray(item.pixels).save(tmp_path / "image.jpg")
    export_mask(tmp_path / "image.json", item, CLASSES, "labelme-masks")
    read = labelme.LabelFile(str(tmp_path / "image.json"))
    classes, objects = labelme.utils.shapes_to_label(SHAPE, read.shapes, VALUES)
    assert np.array_equal(classes, item.labels)
    for number in np.unique(item.instances[item.instances > 0]):
        (theirs,) = np.unique(objects[item.instances == number])
        assert np.array_equal(objects == theirs, item.instances == number)


def test_labelme_reads_polygons_that_differ_by_their_border_at_most(tmp_path):
    labels = np.zeros(SHAPE, np.uint8)
    labels[5:15, 8:30] = 2
    item = made()
    item = type(item)("image", labels, pixels=item.pixels, image_name="image.jpg")
    Image.fromarray(item.pixels).save(tmp_path / "image.jpg")
    export_mask(tmp_path / "image.json", item, CLASSES, "labelme")
    read = labelme.LabelFile(str(tmp_path / "image.json"))
    classes, _ = labelme.utils.shapes_to_label(SHAPE, read.shapes, VALUES)
    grown = np.zeros(SHAPE, bool)
    grown[4:16, 7:31] = True
    assert (classes[labels == 2] == 2).all()
    assert not classes[~grown].any()
