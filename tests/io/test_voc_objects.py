"""Object numbers of Pascal VOC's second folder count where there is an object."""

import numpy as np
from PIL import Image

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.io.masks import voc
from latentseg_gui.io.masks.values import ImportContext


def test_background_and_void_have_no_object_number(tmp_path):
    labels = np.zeros((12, 16), np.uint8)
    labels[2:6, 2:8], labels[8:10] = 1, UNLABELLED
    numbers = np.full((12, 16), 3, np.uint8)
    for folder, values in ((voc.CLASSES, labels), (voc.OBJECTS, numbers)):
        (tmp_path / folder).mkdir()
        picture = Image.fromarray(values, "P")
        picture.putpalette([channel for value in range(256) for channel in (value, 255 - value, value // 2)])
        picture.save(tmp_path / folder / "a.png")
    place = voc.place_of(tmp_path)
    context = ImportContext((12, 16), ClassTable.from_names(("background", "leaf")))
    found, mask = voc.read_voc(tmp_path / voc.CLASSES / "a.png", place, context)
    assert found == (12, 16)
    assert np.array_equal(mask.labels, labels)
    assert np.array_equal(mask.instances, np.where(labels == 1, 3, 0))
