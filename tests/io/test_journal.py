import errno

import numpy as np
import pytest

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.classes import add_class, count_class, delete_class, move_class
from latentseg_gui.document.project.changes import MaskChange
from latentseg_gui.document.types import Rect
from latentseg_gui.io import storage
from latentseg_gui.io.images.reading import read_image
from latentseg_gui.io.project.journal import ImageNote, Journal, JournalHeader, read_journal, replay
from latentseg_gui.io.project.opening import open_project
from latentseg_gui.io.project.saving import journal_files, save_project
from latentseg_gui.io.storage import StorageError
from tests.io.faulty_disk import FailingDisk
from tests.io.project_helpers import SHAPE, document_of, paint, photos, state


@pytest.fixture
def work(tmp_path):
    """A saved project, its session and history, with the journal connected."""
    document = document_of(photos(tmp_path / "photos"))
    history = History(document)
    paint(document, 0, history, seed=1)
    session = save_project(document, tmp_path / "work")
    history.events.applied.connect(lambda changes: session.record(changes, document))
    return document, history, session


def test_everything_that_happens_is_recovered_after_a_crash(work, tmp_path):
    document, history, session = work
    changes = []
    history.events.applied.connect(changes.extend)
    paint(document, 0, history, seed=2)
    history.undo()
    history.undo()
    history.redo()
    for seed in range(3, 8):
        paint(document, seed % 2, history, seed=seed, instance=seed if seed % 2 else None)
    history.do(add_class(document, "Wurzel ü"))
    history.do(move_class(document, 3, 1))
    history.do(delete_class(document, 2, 1))
    history.do(count_class(document, 1, False, 33))
    new = document.images.add_path(photos(tmp_path / "more", 1)[0])
    document.records.attach(read_image(document.images.path(new), image_id=new))
    paint(document, 2, history, seed=9)
    session.abandon()
    opened = open_project(session.folder)
    assert not opened.document.is_dirty
    assert opened.recovery.count == len(changes) > 12
    assert not opened.recovery.is_damaged
    opened.recovery.restore(opened.document)
    assert opened.document.is_dirty
    assert state(opened.document) == state(document)
    opened.session.abandon()
    again = open_project(session.folder)
    again.recovery.restore(again.document)
    assert state(again.document) == state(document)
    save_project(again.document, session.folder, again.session)
    again.session.close()
    assert open_project(session.folder).recovery is None


def test_a_journal_of_schema_1_gives_classes_their_ids(tmp_path):
    """There, moving and deleting classes gave all pixels other ids, by a table."""
    document = document_of(photos(tmp_path / "photos"))
    for number in (0, 1):
        paint(document, number, seed=number + 1)
    path, folder = tmp_path / "journal", tmp_path
    journal = Journal(path, folder, JournalHeader("a", "b"))
    swapped, told = (
        np.arange(256, dtype=np.uint8),
        [["background", "#000000"], ["leaf", "#123456"], ["object", "#654321"]],
    )
    swapped[[1, 2]] = 2, 1
    entries = [[*entry, False, True] for entry in told]
    journal._write({"kind": "classes", "classes": entries, "remap": True}, swapped.tobytes())
    entries[1][0] = "blade"
    journal._write({"kind": "classes", "classes": entries, "remap": False}, b"")
    journal.close()
    before = [document.masks.labels(each).copy() for each in document.images.ids]
    assert replay(read_journal(path.read_bytes()), document, folder) == 2
    assert document.classes.named_ids == ((0, "background"), (1, "blade"), (2, "object"))
    for image_id, labels in zip(document.images.ids, before, strict=True):
        assert np.array_equal(document.masks.labels(image_id), swapped[labels])
        assert document.masks.layer(image_id).num_labelled == np.count_nonzero(labels != 255)


def test_work_after_a_recovery_is_recovered_too(work):
    document, history, session = work
    paint(document, 0, history, seed=2)
    session.abandon()
    for seed in range(5):
        opened = open_project(session.folder)
        assert opened.recovery.count == 1 + seed
        opened.recovery.restore(opened.document)
        assert state(opened.document) == state(document)
        later = History(opened.document)
        later.events.applied.connect(lambda changes, one=opened: one.session.record(changes, one.document))
        paint(opened.document, 1, later, seed=10 + seed)
        paint(document, 1, seed=10 + seed)
        opened.session.abandon()


def test_closing_leaves_nothing_to_recover(work):
    document, history, session = work
    paint(document, 0, history, seed=2)
    session.close()
    assert journal_files(session.folder) == []
    opened = open_project(session.folder)
    assert opened.recovery is None
    assert state(opened.document) != state(document)
    opened.session.close()


def test_discarding_keeps_what_was_saved_and_puts_the_rest_aside(work):
    document, history, session = work
    saved = (session.folder / "project.json").read_bytes()
    paint(document, 0, history, seed=2)
    session.abandon()
    opened = open_project(session.folder)
    opened.recovery.discard()
    assert len(list(session.folder.glob("*.discarded"))) == 1
    assert (session.folder / "project.json").read_bytes() == saved
    opened.session.close()
    again = open_project(session.folder)
    assert again.recovery is None
    save_project(again.document, session.folder, again.session)
    assert not list(session.folder.glob("*.discarded"))
    again.session.close()


def test_changes_after_a_failed_save_are_found_even_if_there_were_none_before(tmp_path, monkeypatch):
    document = document_of(photos(tmp_path / "photos"))
    session = save_project(document, tmp_path / "work")
    session.close()
    opened = open_project(tmp_path / "work")
    monkeypatch.setattr(storage, "disk", FailingDisk(2, errno.ENOSPC))
    with pytest.raises(StorageError):
        save_project(opened.document, tmp_path / "work", opened.session)
    monkeypatch.setattr(storage, "disk", storage.Disk())
    command = paint(opened.document, 0, seed=3)
    opened.session.record(command.changes, opened.document)
    opened.session.abandon()
    again = open_project(tmp_path / "work")
    again.recovery.restore(again.document)
    assert state(again.document) == state(opened.document)
    again.session.close()


def test_undecided_recovery_is_offered_again(work):
    document, history, session = work
    paint(document, 0, history, seed=2)
    session.abandon()
    open_project(session.folder).session.close()
    opened = open_project(session.folder)
    assert opened.recovery.count == 1
    opened.session.abandon()


def test_a_journal_grows_by_little_per_stroke_and_survives_a_full_disk(work, monkeypatch):
    document, history, session = work
    (path,) = journal_files(session.folder)
    paint(document, 0, history, seed=2)
    before = path.stat().st_size
    paint(document, 0, history, seed=3)
    assert path.stat().st_size - before < 2000
    good = path.read_bytes()
    monkeypatch.setattr(storage, "disk", FailingDisk(0, errno.ENOSPC))
    command = paint(document, 0, seed=4)
    with pytest.raises(StorageError, match="full"):
        session.record(command.changes, document)
    assert path.read_bytes() == good
    session.record(command.changes, document)
    session.sync_journal()
    session.abandon()
    opened = open_project(session.folder)
    opened.recovery.restore(opened.document)
    assert state(opened.document) == state(document)
    opened.session.close()


@pytest.fixture
def journal_bytes(tmp_path):
    """A journal of a few strokes, and the states of the document before each of them."""
    document = document_of(photos(tmp_path / "photos", 1, (12, 14)))
    header = JournalHeader("project", "base")
    journal = Journal(tmp_path / "journal", tmp_path, header)
    states = [state(document)]
    for seed in range(4):
        command = paint(document, 0, seed=seed, instance=seed or None)
        journal.append(command.change, document)
        states.append(state(document))
    edit = add_class(document, "root")
    edit.apply(document)
    journal.append(edit.after, document)
    states.append(state(document))
    journal.sync()
    journal.close()
    return (tmp_path / "journal").read_bytes(), states, tmp_path


def replayed(data, folder):
    document = document_of([folder / "photos" / "photo 0 ü.png"])
    contents = read_journal(data)
    replay(contents, document, folder)
    return contents, state(document)


def test_a_journal_cut_anywhere_gives_what_is_whole(journal_bytes):
    """S-07: cut at every byte."""
    data, states, folder = journal_bytes
    full = read_journal(data)
    assert len(full.records) == 6
    assert isinstance(full.records[0], ImageNote)
    ends = full.ends
    results = {}
    for length in range(len(data)):
        contents = read_journal(data[:length])
        whole = sum(end <= length for end in ends)
        assert contents.ends == ends[:whole]
        assert len(contents.records) == max(0, whole - 1)
        assert contents.is_damaged == (length not in (0, *ends))
        results[len(contents.records)] = length
    for count, length in results.items():
        assert replayed(data[:length], folder)[1] == states[max(0, count - 1)]
    assert replayed(data, folder)[1] == states[-1]


def test_a_flipped_bit_ends_the_journal_there(journal_bytes):
    data, states, folder = journal_bytes
    rng = np.random.default_rng(0)
    for place in rng.integers(0, 8 * len(data), 200).tolist():
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        contents = read_journal(bytes(flipped))
        whole = [end for end in read_journal(data).ends if end <= place // 8]
        assert list(contents.ends) == whole
        assert contents.is_damaged
        if place % 10 == 0:
            _, found = replayed(bytes(flipped), folder)
            assert found in states


@pytest.mark.parametrize("data", [b"", b"x", bytes(1000), b"LSj1" + b"\xff" * 100, b"\x89PNG" * 50])
def test_what_is_no_journal_is_read_as_nothing(data):
    contents = read_journal(data)
    assert contents.header is None
    assert contents.records == ()
    assert contents.is_damaged == bool(data)


def test_changes_that_do_not_fit_are_not_applied(journal_bytes):
    data, _, folder = journal_bytes
    contents = read_journal(data)
    document = document_of(photos(folder / "others", 1, (5, 6)))
    before = state(document)
    assert replay(contents, document, folder) == 0
    assert state(document) == before
    outside = MaskChange("image-1", (Rect(0, 0, 9, 9),), False, b"")
    overlapping = MaskChange("image-1", (Rect(0, 0, 5, 6), Rect(0, 0, 1, 1)), False, b"")
    for change in (outside, overlapping, MaskChange("image-9", (Rect(0, 0, 1, 1),), False, b"")):
        broken = type(contents)(contents.header, (change,), (1, 2), 2, False)
        assert replay(broken, document, folder) == 0
        assert state(document) == before


def test_the_end_of_a_damaged_journal_is_put_aside_and_told(work):
    document, history, session = work
    states = [state(document)]
    for seed in range(2, 5):
        paint(document, 0, history, seed=seed)
        states.append(state(document))
    session.abandon()
    (path,) = journal_files(session.folder)
    data = path.read_bytes()
    path.write_bytes(data[:-7])
    opened = open_project(session.folder)
    assert opened.recovery.is_damaged
    opened.recovery.restore(opened.document)
    assert state(opened.document) == states[2]
    (bad,) = session.folder.glob("*.bad")
    assert data[:-7].endswith(bad.read_bytes())
    assert len(bad.read_bytes()) > 0
    opened.session.abandon()
    again = open_project(session.folder)
    assert not again.recovery.is_damaged
    again.recovery.restore(again.document)
    assert state(again.document) == states[2]
    again.session.close()


@pytest.mark.parametrize("kind", ["project", "base", "version", "rubbish"])
def test_a_journal_of_something_else_is_never_applied(work, tmp_path, kind):
    document, history, session = work
    paint(document, 0, history, seed=2)
    command = history.entries[-1]
    session.close()
    manifest = session.manifest
    header = JournalHeader(
        "another" if kind == "project" else manifest.project, "another" if kind == "base" else manifest.save
    )
    path = session.folder / "journal-x.log"
    journal = Journal(path, session.folder, header)
    journal.append(command.change, document)
    journal.close()
    if kind == "version":
        path.write_bytes(path.read_bytes().replace(b'"format":1', b'"format":2'))
    if kind == "rubbish":
        path.write_bytes(b"rubbish")
    opened = open_project(session.folder)
    assert opened.recovery is None
    assert state(opened.document) != state(document)
    assert any("set aside" in notice for notice in opened.notices)
    assert (session.folder / "journal-x.log.bad").exists()
    assert opened.document.masks.shape(opened.document.images.ids[0]) == SHAPE
    opened.session.close()
