"""Clean-up of classes and edits of whole objects."""

import numpy as np
import pytest

from latentseg_gui.commands.masks import cleanup, objects, shapes
from latentseg_gui.commands.masks.patch import Ink, area_patch
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.types import UNLABELLED, ImageRecord, Rect


@pytest.fixture
def image_id(document):
    return document.images.ids[0]


def fill(document, image_id, rect, ink):
    area_patch(document, image_id, rect, np.ones(rect.shape, np.bool_), ink, "Fill").apply(document)


def apply(document, patch):
    assert patch is not None
    patch.apply(document)
    return patch


def test_holes_are_filled_unless_a_locked_class_is_in_them(document, image_id):
    fill(document, image_id, Rect(2, 2, 20, 40), Ink(1, instance=5))
    fill(document, image_id, Rect(5, 5, 8, 8), Ink(UNLABELLED))
    fill(document, image_id, Rect(5, 20, 8, 23), Ink(2))
    document.set_classes(document.classes.replaced(2, is_locked=True))
    patch = apply(document, cleanup.fill_class_holes(document, image_id, 1))
    labels = document.masks.labels(image_id)
    assert (labels[5:8, 5:8] == 1).all()
    assert (labels[5:8, 20:23] == 2).all()
    assert (document.masks.instances(image_id)[5:8, 5:8] == 5).all()
    patch.revert(document)
    assert (document.masks.labels(image_id)[5:8, 5:8] == UNLABELLED).all()


def test_specks_become_background_and_those_of_the_background_unlabelled(document, image_id):
    fill(document, image_id, Rect(2, 2, 20, 40), Ink(1))
    fill(document, image_id, Rect(30, 100, 32, 102), Ink(1))
    fill(document, image_id, Rect(30, 200, 32, 202), Ink(0))
    apply(document, cleanup.remove_class_specks(document, image_id, 1, 10))
    assert (document.masks.labels(image_id)[30:32, 100:102] == 0).all()
    apply(document, cleanup.remove_class_specks(document, image_id, 0, 10))
    labels = document.masks.labels(image_id)
    assert (labels[30:32, 200:202] == UNLABELLED).all()
    assert (labels[2:20, 2:40] == 1).all()
    assert (labels == 1).sum() == 18 * 38


def test_growing_then_shrinking_a_box_keeps_its_middle(document, image_id):
    fill(document, image_id, Rect(10, 10, 20, 20), Ink(1))
    apply(document, cleanup.grow_class(document, image_id, 1, 3))
    assert (document.masks.labels(image_id)[10:20, 7:23] == 1).all()
    apply(document, cleanup.shrink_class(document, image_id, 1, 3))
    assert (document.masks.labels(image_id)[10:20, 10:20] == 1).all()
    assert document.masks.labels(image_id)[15, 8] == UNLABELLED


def test_a_selection_limits_what_is_cleaned(document, image_id):
    fill(document, image_id, Rect(0, 0, 2, 2), Ink(1))
    fill(document, image_id, Rect(10, 10, 12, 12), Ink(1))
    selection = Rect(9, 9, 13, 13), np.ones((4, 4), np.bool_)
    apply(document, cleanup.remove_class_specks(document, image_id, 1, 10, selection=selection))
    labels = document.masks.labels(image_id)
    assert (labels[:2, :2] == 1).all()
    assert (labels[10:12, 10:12] == UNLABELLED).all()


def test_nothing_to_clean_is_no_step_and_a_locked_class_is_refused(document, image_id):
    assert cleanup.smooth_class(document, image_id, 1, 2) is None
    fill(document, image_id, Rect(10, 10, 20, 20), Ink(1))
    assert cleanup.fill_class_holes(document, image_id, 1) is None
    document.set_classes(document.classes.replaced(1, is_locked=True))
    with pytest.raises(LatentsegError, match="locked"):
        cleanup.grow_class(document, image_id, 1, 2)


def test_an_object_is_its_number_or_else_its_connected_area(document, image_id):
    fill(document, image_id, Rect(0, 0, 4, 4), Ink(1, instance=7))
    fill(document, image_id, Rect(20, 100, 24, 104), Ink(1, instance=7))
    fill(document, image_id, Rect(30, 200, 34, 204), Ink(1))
    rect, mask = objects.object_at(document, image_id, (1, 1))
    assert rect == Rect(0, 0, 24, 104)
    assert mask.sum() == 32
    assert objects.object_at(document, image_id, (31, 201))[0] == Rect(30, 200, 34, 204)
    assert objects.object_at(document, image_id, (39, 299))[0].is_empty
    assert objects.object_at(document, image_id, (-1, 0))[0].is_empty


def test_objects_change_class_as_a_whole(document, image_id):
    fill(document, image_id, Rect(0, 0, 4, 4), Ink(1, instance=7))
    apply(document, objects.set_object_class(document, image_id, (0, 0), 3))
    assert (document.masks.labels(image_id)[:4, :4] == 3).all()
    assert (document.masks.instances(image_id)[:4, :4] == 7).all()
    assert objects.set_object_class(document, image_id, (20, 20), 1) is None


def test_objects_are_merged_and_split(document, image_id):
    fill(document, image_id, Rect(0, 0, 4, 4), Ink(1, instance=1))
    fill(document, image_id, Rect(0, 10, 4, 14), Ink(2, instance=2))
    apply(document, objects.merge_objects(document, image_id, [(0, 0), (0, 10)]))
    assert (document.masks.labels(image_id)[:4, 10:14] == 1).all()
    assert set(np.unique(document.masks.instances(image_id))) == {0, 1}
    patch = apply(document, shapes.split_along(document, image_id, (0, 0), [(12, -1), (12, 5)]))
    instances = document.masks.instances(image_id)
    assert instances[0, 0] == instances[0, 10] == 1, "what lies apart stays with the nearer piece"
    assert instances[0, 13] == 2
    patch.revert(document)
    assert set(np.unique(document.masks.instances(image_id))) == {0, 1}
    assert shapes.split_along(document, image_id, (0, 0), [(50, 0), (50, 4)]) is None
    assert objects.merge_objects(document, image_id, [(0, 0)]) is None


def test_many_objects_at_once_are_those_found_one_by_one() -> None:
    document = Document()
    pixels = np.zeros((60, 200, 3), np.uint8)
    document.images.add_record(ImageRecord("many", pixels, pixels))
    places = [(row, col) for row in range(5, 60, 20) for col in range(5, 200, 20)]
    for index, (row, col) in enumerate(places):
        rect = Rect(row, col, row + 6, col + 6 + index % 5)
        number = index + 1 if index % 3 == 0 else None
        document.masks.write("many", rect, np.ones(rect.shape, np.bool_), 1 + index % 2, 3, number)
    together = objects.objects_at(document, "many", places)
    for rc, (rect, mask) in zip(places, together, strict=True):
        alone_rect, alone_mask = objects.object_at(document, "many", rc)
        assert rect == alone_rect
        assert (mask == alone_mask).all()
    patch = objects.set_objects_class(document, "many", places, 2)
    assert patch is not None
    patch.apply(document)
    layer = document.masks.layer("many")
    assert len(np.unique(layer.instances[layer.labels == 2])) == len(places), "as many objects as before"
