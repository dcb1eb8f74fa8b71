"""Taking candidates: numbers of their own, what is there keeps its pixels, and one step takes all back."""

from __future__ import annotations

import numpy as np

from latentseg_gui.commands.history import History
from latentseg_gui.commands.prediction.proposals import accept_candidates
from latentseg_gui.document.document import Document
from latentseg_gui.document.prediction.candidates import ObjectCandidate, candidate_numbers, chosen
from latentseg_gui.document.types import Provenance, Rect


def candidate(
    row: int, col: int, rows: int, cols: int, quality: float = 1.0, similarity: float = 1.0
) -> ObjectCandidate:
    mask = np.ones((rows, cols), np.bool_)
    return ObjectCandidate(Rect(row, col, row + rows, col + cols), mask, quality, similarity, rows * cols)


def test_sliders_choose_by_size_and_similarity() -> None:
    small, alike = candidate(0, 0, 2, 2), candidate(0, 0, 9, 9, similarity=0.8)
    other = candidate(9, 9, 9, 9, similarity=0.2)
    assert chosen((small, alike, other), smallest=10) == (alike, other)
    assert chosen((small, alike, other), largest=small.pixels) == (small,)
    assert chosen((small, alike, other), least_similarity=0.5) == (small, alike)


def test_of_two_that_overlap_the_better_keeps_the_pixels_and_rests_are_no_objects() -> None:
    numbers = candidate_numbers(
        [candidate(0, 0, 10, 10), candidate(0, 8, 10, 10), candidate(1, 1, 5, 5)], (20, 20)
    )
    assert numbers.max() == 2
    assert (numbers == 1).sum() == 100
    assert (numbers == 2).sum() == 80


def test_accepted_objects_keep_their_pixels_and_undo_takes_everything_back(document: Document) -> None:
    image_id, history = document.images.ids[0], History(document)
    history.do(accept_candidates(document, image_id, [candidate(0, 0, 10, 10)], 1))
    before = document.masks.layer(image_id).instances.copy()
    labels = document.masks.labels(image_id).copy()
    others = [candidate(5, 0, 10, 10), candidate(0, 2, 10, 9), candidate(18, 14, 8, 8)]
    history.do(accept_candidates(document, image_id, others, 2))
    layer = document.masks.layer(image_id)
    assert (layer.instances == 1).sum() == 100
    assert (
        len(np.setdiff1d(layer.instances, 0)) == 3
    )  # the second lies on the first: less than half would be left
    assert set(np.unique(layer.labels[layer.instances > 1])) == {2}
    assert set(np.unique(layer.provenance[layer.instances > 0])) == {Provenance.CLICKED}
    history.undo()
    assert np.array_equal(document.masks.layer(image_id).instances, before)
    assert np.array_equal(document.masks.labels(image_id), labels)


def test_nothing_free_is_no_step(document: Document) -> None:
    image_id, history = document.images.ids[0], History(document)
    history.do(accept_candidates(document, image_id, [candidate(0, 0, 10, 10)], 1))
    assert accept_candidates(document, image_id, [candidate(1, 1, 5, 5)], 1) is None
    assert accept_candidates(document, image_id, [], 1) is None
