import numpy as np
import pytest

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks import classes as edits
from latentseg_gui.commands.masks.patch import Ink, area_patch
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import UNLABELLED, Provenance, Rect
from tests.commands.edit_helpers import SHAPE


@pytest.fixture
def history(document):
    """Class 1, 2, 3 in three columns of the first image, class 2 in the second, and a prediction."""
    history = History(document)
    one, other = document.images.ids
    for image_id, class_id in ((one, 1), (one, 2), (one, 3), (other, 2)):
        rect = Rect(0, 10 * class_id, 5, 10 * class_id + 4)
        ink = Ink(class_id, Provenance.CLICKED, instance=class_id)
        history.do(area_patch(document, image_id, rect, np.ones(rect.shape, np.bool_), ink, "Fill"))
    labels = np.full(SHAPE, 2, np.uint8)
    document.predictions.set(Prediction(one, "v1", labels, labels))
    return history


def columns(document, index=0):
    labels = document.masks.labels(document.images.ids[index])
    return [int(labels[0, 10 * number]) for number in (1, 2, 3)]


def test_what_a_deletion_means_can_be_said_before(document, history):
    assert edits.class_use(document, 2) == edits.ClassUse(40, 2)
    assert edits.class_use(document, 0) == edits.ClassUse(0, 0)


@pytest.mark.parametrize(
    ("to_id", "expected"), [(UNLABELLED, [1, UNLABELLED, 3]), (0, [1, 0, 3]), (3, [1, 3, 3])]
)
def test_deleting_a_class_changes_no_pixel_of_the_others(document, history, to_id, expected):
    before = [document.masks.labels(key).copy() for key in document.images.ids]
    history.do(edits.delete_class(document, 2, to_id))
    assert document.classes.names == ("background", "object", "stem")
    assert columns(document) == expected
    one = document.images.ids[0]
    said = document.predictions.of(one).labels[0, 0]
    assert said == (expected[1] if expected[1] != UNLABELLED else 0)
    assert document.predictions.is_stale(one)
    has_object = document.masks.instances(one)[0, 20] != 0
    assert has_object == (to_id == 3)
    history.undo()
    assert document.classes.names == ("background", "object", "leaf", "stem")
    for key, labels in zip(document.images.ids, before, strict=True):
        assert np.array_equal(document.masks.labels(key), labels)
    assert document.masks.instances(one)[0, 20] == 2


def test_merging_gives_the_pixels_to_the_other(document, history):
    history.do(edits.merge_classes(document, 3, 1))
    assert document.classes.names == ("background", "object", "leaf")
    assert columns(document) == [1, 2, 1]
    assert history.undo_label == "Merge class stem into object"
    history.undo()
    assert columns(document) == [1, 2, 3]


def test_moving_a_class_keeps_what_pixels_mean(document, history):
    document.active_class = 3
    history.do(edits.move_class(document, 3, 1))
    assert document.classes.names == ("background", "stem", "object", "leaf")
    assert columns(document) == [1, 2, 3]
    assert document.classes[document.active_class].name == "stem"
    assert document.classes[document.predictions.of(document.images.ids[0]).labels[0, 0]].name == "leaf"
    history.undo()
    assert columns(document) == [1, 2, 3]
    assert document.active_class == 3


def test_names_colours_locks_and_visibility_are_steps(document, history):
    history.do(edits.add_class(document, "root"))
    history.do(edits.rename_class(document, 4, "tap root"))
    history.do(edits.recolour_class(document, 4, "#010203"))
    history.do(edits.lock_class(document, 4, True))
    history.do(edits.show_class(document, 4, False))
    entry = document.classes[4]
    assert (entry.name, entry.colour, entry.is_locked, entry.is_visible) == (
        "tap root",
        "#010203",
        True,
        False,
    )
    labels = [command.label for command in history.entries[-5:]]
    assert labels == [
        "Add class root",
        "Rename class to tap root",
        "Recolour tap root",
        "Lock tap root",
        "Hide tap root",
    ]
    history.jump_to(len(history.entries) - 5)
    assert len(document.classes) == 4
    with pytest.raises(LatentsegError, match="already"):
        edits.rename_class(document, 1, "leaf")


def test_a_shorter_table_unlabels_what_it_does_not_know(document, history):
    history.do(edits.set_classes(document, ClassTable.default()))
    assert columns(document) == [1, UNLABELLED, UNLABELLED]
    assert document.predictions.of(document.images.ids[0]).labels.max() == 0
    history.undo()
    assert columns(document) == [1, 2, 3]


def test_an_id_that_is_given_again_brings_back_no_prediction(document, history):
    history.do(edits.add_class(document, "root"))
    one = document.images.ids[0]
    labels = np.full(SHAPE, document.classes.id_of("root"), np.uint8)
    document.predictions.set(Prediction(one, "v1", labels, labels))
    history.undo()
    history.do(edits.add_class(document, "another"))
    assert not document.predictions.of(one).labels.any()


def test_a_class_edit_survives_the_removal_of_an_image(document, history):
    history.do(edits.delete_class(document, 2))
    removed = document.images.ids[1]
    document.images.remove(removed)
    history.forget_image(removed)
    history.undo()
    assert columns(document) == [1, 2, 3]
