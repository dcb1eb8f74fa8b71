"""Edits of classes prepared in another thread do what they do at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentseg_gui.commands.masks import classes as edits
from latentseg_gui.commands.masks.class_work import FrozenMasks, PreparedClassEdit
from latentseg_gui.commands.masks.classes import ClassEdit
from latentseg_gui.commands.source import MasksSource
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable, SegmentationClass
from latentseg_gui.document.masks.object_marks import ObjectMarks
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import UNLABELLED, ImageRecord, Rect

SHAPE = (9, 700)
CLASSES = ClassTable(tuple(SegmentationClass(f"class {n}", f"#0000{n}0") for n in range(5)))
Make = Callable[[MasksSource], ClassEdit]


def document_of(seed: int, kinds: str) -> Document:
    """Images that are untouched (u), open (o), packed (p) or deferred (d), the first two with a prediction."""
    document = Document(CLASSES)
    random = np.random.default_rng(seed)
    for number, kind in enumerate(kinds):
        image_id = f"image {number}"
        pixels = np.zeros((*SHAPE, 3), np.uint8)
        document.images.add_record(ImageRecord(image_id, pixels, pixels))
        if number < 2:
            labels = random.integers(0, 5, SHAPE).astype(np.uint8)
            document.predictions.set(Prediction(image_id, "v1", labels, labels))
        if kind == "u":
            continue
        labels = random.choice(np.array([0, 1, 2, 3, 4, UNLABELLED], np.uint8), SHAPE)
        provenance = np.where(labels == UNLABELLED, 0, 2).astype(np.uint8)
        objects = random.integers(0, 3, SHAPE).astype(np.uint32) if number % 2 else None
        document.masks.load(image_id, labels, provenance, objects)
        layer = document.masks.layer(image_id)
        if kind == "p":
            layer.pack()
        if kind == "d":
            layer.defer(lambda kept=(labels, provenance, objects): kept, layer.num_labelled)  # type: ignore[misc]
    return document


def state(document: Document) -> list[object]:
    masks: list[object] = [document.classes, document.active_class]
    for image_id in document.images.ids:
        layer, prediction = document.masks.layer(image_id), document.predictions.of(image_id)
        masks += [
            layer.labels.tolist(),
            layer.provenance.tolist(),
            layer.instances.tolist(),
            layer.num_labelled,
        ]
        masks.append(None if prediction is None else prediction.labels.tolist())
        assert layer.num_labelled == np.count_nonzero(layer.labels != UNLABELLED)
    return masks


def do_prepared(document: Document, make: Make) -> ClassEdit:
    frozen = FrozenMasks.of(document)
    edit = make(frozen)
    PreparedClassEdit.of(edit, frozen, edit.changes).apply(document)
    return edit


MAKES = st.one_of(
    st.tuples(st.just(edits.delete_class), st.integers(1, 4), st.sampled_from((0, 1, 3, UNLABELLED))),
    st.tuples(st.just(edits.merge_classes), st.integers(1, 4), st.integers(0, 4)),
    st.tuples(st.just(edits.move_class), st.integers(1, 4), st.integers(1, 4)),
)


@settings(deadline=None, max_examples=40)
@given(MAKES, st.integers(0, 5), st.text("uopd", min_size=1, max_size=4))
def test_prepared_or_at_once_is_the_same_also_taken_back(
    values: tuple[Callable[..., ClassEdit], int, int], seed: int, kinds: str
) -> None:
    step, one, other = values
    if one == other:
        return
    here, there, before = document_of(seed, kinds), document_of(seed, kinds), document_of(seed, kinds)
    edit = step(here, one, other)
    edit.apply(here)
    prepared = do_prepared(there, lambda source: step(source, one, other))
    assert prepared == edit
    assert state(there) == state(here)
    frozen = FrozenMasks.of(there)
    PreparedClassEdit.of(prepared, frozen, prepared.undo_changes).apply(there)
    edit.revert(here)
    assert state(there) == state(here)
    assert state(there)[2:6] == state(before)[2:6]


def test_masks_without_the_class_stay_packed_and_those_with_it_too() -> None:
    document = document_of(1, "ppo")
    others = np.where(np.array(document.masks.labels("image 0")) == 2, 1, document.masks.labels("image 0"))
    document.masks.load("image 0", others.astype(np.uint8), np.array(document.masks.provenance("image 0")))
    document.masks.layer("image 0").pack()
    before = document.masks.layer("image 0").nbytes
    do_prepared(document, lambda source: edits.delete_class(source, 2))
    layers = [document.masks.layer(image_id) for image_id in document.images.ids]
    assert [layer.nbytes for layer in layers[:2]] == [before, 0], (
        "still compressed; written anew, and compressed"
    )
    assert layers[1].counts is not None
    assert (layers[1].counts[:5] == np.bincount(layers[1].labels.ravel(), minlength=256)[:5]).all()
    assert np.array_equal(document.masks.labels("image 0"), others)


def test_moving_a_class_touches_no_mask_and_no_prediction() -> None:
    document = document_of(2, "pod")
    layers = [document.masks.layer(image_id) for image_id in document.images.ids]
    here = [(layer.version, layer.nbytes) for layer in layers]
    for one, number in ((1, 3), (4, 2), (2, 1)):
        edits.move_class(document, one, number).apply(document)
    assert [(layer.version, layer.nbytes) for layer in layers] == here
    assert state(document)[2:] == state(document_of(2, "pod"))[2:]
    assert document.classes.ids == (0, 2, 4, 3, 1)


def test_what_was_worked_out_for_another_state_is_seen_to_be_so() -> None:
    document = document_of(3, "op")
    frozen = FrozenMasks.of(document)
    assert frozen.is_current(document)
    document.masks.write("image 1", Rect(0, 0, 1, 1), np.ones((1, 1), np.bool_), 1, 2)
    assert not frozen.is_current(document)
    frozen = FrozenMasks.of(document)
    edits.lock_class(document, 2, True).apply(document)
    assert not frozen.is_current(document)


def test_given_up_it_ends_with_the_image_at_work() -> None:
    frozen = FrozenMasks.of(document_of(3, "op"))
    frozen.given_up.set()
    with pytest.raises(LatentsegError, match="cancelled"):
        edits.delete_class(frozen, 2)


def test_an_id_in_hand_is_of_its_class_or_of_none() -> None:
    document = document_of(3, "o")
    edits.merge_classes(document, 1, 3).apply(document)
    edits.delete_class(document, 2).apply(document)
    edits.add_class(document, "new").apply(document)
    for kept in (3, 4, UNLABELLED):
        document.check_class(kept)
    for gone in (1, 2):
        with pytest.raises(LatentsegError, match="no such class any more"):
            document.check_class(gone)
    assert document.classes.ids == (0, 3, 4, 5)


@pytest.mark.parametrize("is_prepared", [False, True])
@pytest.mark.parametrize("to_id", [0, 3, UNLABELLED])
def test_locked_objects_stay_with_their_class_when_it_is_merged_or_deleted(
    is_prepared: bool, to_id: int
) -> None:
    document = document_of(3, "op")
    document.masks.set_marks("image 1", ObjectMarks(locked=frozenset({2})))
    layer = document.masks.layer("image 1")
    labels, objects = np.array(layer.labels), np.array(layer.instances)
    before = state(document)

    def make(source: MasksSource) -> ClassEdit:
        if to_id == UNLABELLED:
            return edits.delete_class(source, 1, to_id)
        return edits.merge_classes(source, 1, to_id)

    if is_prepared:
        edit = do_prepared(document, make)
    else:
        edit = make(document)
        edit.apply(document)
    is_locked = objects == 2
    expected = np.where((labels == 1) & ~is_locked, np.uint8(to_id), labels)
    assert np.array_equal(document.masks.labels("image 1"), expected)
    assert np.array_equal(document.masks.instances("image 1") == 2, is_locked)
    assert not (document.masks.labels("image 0") == 1).any()
    assert 1 in document.classes.ids
    assert edit.left_alone == "1 locked object of “class 1” stayed as it was, and so did the class."
    edit.revert(document)
    assert state(document) == before


def test_a_class_of_which_every_object_is_locked_is_not_merged() -> None:
    document = document_of(3, "o")
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:6, 5:20] = 2
    objects = np.where(labels == 2, np.uint32(9), np.uint32(0))
    document.masks.load("image 0", labels, np.full(SHAPE, 3, np.uint8), objects)
    document.masks.set_marks("image 0", ObjectMarks(locked=frozenset({9})))
    with pytest.raises(LatentsegError, match="All objects of “class 2” are locked"):
        edits.merge_classes(document, 2, 1)


def test_a_mark_made_meanwhile_makes_what_was_worked_out_stale() -> None:
    document = document_of(3, "op")
    frozen = FrozenMasks.of(document)
    document.masks.set_marks("image 1", ObjectMarks(locked=frozenset({1})))
    assert not frozen.is_current(document)
