"""Which objects are hidden and locked: kept by the journal, by the project, and never passed on to new objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.marking import hide_objects, lock_objects
from latentseg_gui.commands.source import next_instance
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.object_marks import NO_MARKS, ObjectMarks
from latentseg_gui.document.project.kept_marks import marks_as_settings, take_marks
from latentseg_gui.document.types import UNLABELLED, Provenance, Rect
from latentseg_gui.io.project.journal import Journal, JournalHeader, read_journal, replay
from tests.io.project_helpers import document_of, photos


def put(document: Document, rect: Rect, number: int | None) -> None:
    where = np.ones(rect.shape, np.bool_)
    document.masks.write(document.images.ids[0], rect, where, 1, Provenance.PAINTED, number)


def test_marks_are_recovered_by_the_journal_in_their_order(tmp_path: Path) -> None:
    document = document_of(photos(tmp_path / "photos"))
    image_id, history = document.images.ids[0], History(document)
    put(document, Rect(1, 1, 5, 5), 4)
    put(document, Rect(10, 10, 15, 15), None)
    journal = Journal(tmp_path / "journal", tmp_path, JournalHeader("a", "b"))
    history.events.applied.connect(lambda changes: [journal.append(change, document) for change in changes])
    history.do(lock_objects(document, image_id, [(2, 2), (12, 12)], is_locked=True))
    history.do(hide_objects(document, image_id, [(2, 2)], is_hidden=True))
    history.undo()
    marks = document.masks.layer(image_id).marks
    assert marks == ObjectMarks(locked=frozenset({4, 5})), "the area without a number got one"
    journal.close()
    history.events.applied.disconnect()
    again = document_of(photos(tmp_path / "photos"))
    put(again, Rect(1, 1, 5, 5), 4)
    put(again, Rect(10, 10, 15, 15), None)
    assert replay(read_journal(journal.path.read_bytes()), again, tmp_path) > 0
    assert again.masks.layer(again.images.ids[0]).marks == marks
    assert (again.masks.instances(again.images.ids[0]) == document.masks.instances(image_id)).all()
    history.undo()
    assert document.masks.layer(image_id).marks == NO_MARKS
    assert document.masks.instances(image_id)[12, 12] == 0


def test_a_project_keeps_them_and_nonsense_is_left_out(tmp_path: Path) -> None:
    document = document_of(photos(tmp_path / "photos"))
    image_id = document.images.ids[0]
    document.masks.set_marks(image_id, ObjectMarks(frozenset({2}), frozenset({3, 9})))
    kept = marks_as_settings(document)
    again = document_of(photos(tmp_path / "photos"))
    take_marks(again, kept)
    assert again.masks.layer(image_id).marks == document.masks.layer(image_id).marks
    for nonsense in (None, [], {"nobody": {}}, {image_id: 7}, {image_id: {"hidden": ["x", -1, True, 1.5]}}):
        other = document_of(photos(tmp_path / "photos"))
        take_marks(other, nonsense)
        assert other.masks.layer(image_id).marks == NO_MARKS


def test_a_new_object_never_inherits_a_mark(tmp_path: Path) -> None:
    document = document_of(photos(tmp_path / "photos"))
    image_id = document.images.ids[0]
    put(document, Rect(1, 1, 5, 5), 4)
    document.masks.set_marks(image_id, ObjectMarks(locked=frozenset({4})))
    document.masks.write(image_id, Rect(1, 1, 5, 5), np.ones((4, 4), np.bool_), UNLABELLED, 0, 0)
    assert next_instance(document, image_id) == 5
    assert document.masks.next_instance(image_id) == 5
