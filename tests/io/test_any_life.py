"""Any life of a project (edits, saves, failing disks, crashes, recoveries) against plain copies."""

import errno
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.classes import add_class, delete_class, move_class
from latentseg_gui.io import storage
from latentseg_gui.io.project.opening import open_project
from latentseg_gui.io.project.saving import save_project
from latentseg_gui.io.storage import StorageError
from tests.io.faulty_disk import FailingDisk
from tests.io.project_helpers import document_of, paint, photos, state


class Life(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.document = document_of(photos(self.folder / "photos", shape=(16, 20)))
        self.session = save_project(self.document, self.folder / "work")
        self.saved = state(self.document)
        self.follow()

    def teardown(self):
        self.session.abandon()
        shutil.rmtree(self.folder)

    def follow(self):
        """A new history, connected to the journal."""
        self.history = History(self.document)
        session, document = self.session, self.document
        self.history.events.applied.connect(lambda changes: session.record(changes, document))

    def reopen(self):
        opened = open_project(self.folder / "work")
        assert not opened.session.is_read_only
        assert opened.notices == ()
        self.document, self.session = opened.document, opened.session
        return opened.recovery

    @rule(number=st.integers(0, 1), seed=st.integers(0, 50), instance=st.sampled_from([None, 3, 70_000]))
    def stroke(self, number, seed, instance):
        paint(self.document, number, self.history, seed=seed, instance=instance)

    @rule(which=st.integers(0, 2), one=st.integers(1, 5), other=st.integers(1, 5))
    def change_classes(self, which, one, other):
        count = len(self.document.classes)
        one, place = 1 + one % max(1, count - 1), 1 + other % max(1, count - 1)
        one, other = self.document.classes.ids[one], self.document.classes.ids[place]
        if which == 0 or count < 4:
            name = next(f"class {n}" for n in range(99) if f"class {n}" not in self.document.classes.names)
            self.history.do(add_class(self.document, name))
        elif which == 1:
            self.history.do(move_class(self.document, one, place))
        elif one != other:
            self.history.do(delete_class(self.document, one, other))

    @rule()
    def undo(self):
        self.history.undo()

    @rule()
    def redo(self):
        self.history.redo()

    @rule()
    def save(self):
        save_project(self.document, self.folder / "work", self.session)
        self.saved = state(self.document)

    @rule(at=st.integers(0, 25), code=st.sampled_from([errno.ENOSPC, errno.EIO]), is_lasting=st.booleans())
    def save_on_a_bad_disk(self, at, code, is_lasting):
        renamed = []

        class Disk(FailingDisk):
            def replace(self, source, target):
                super().replace(source, target)
                renamed.append(target.name)

        was_dirty = self.document.is_dirty
        storage.disk = Disk(at, code, is_lasting)
        try:
            save_project(self.document, self.folder / "work", self.session)
        except StorageError:
            assert self.document.is_dirty == was_dirty or "project.json" in renamed
        finally:
            storage.disk = storage.Disk()
        if "project.json" in renamed:
            self.saved = state(self.document)

    @rule()
    def crash_and_restore(self):
        before = state(self.document)
        self.session.abandon()
        recovery = self.reopen()
        if recovery is not None:
            recovery.restore(self.document)
        assert state(self.document) == before
        self.follow()

    @rule()
    def crash_and_discard(self):
        self.session.abandon()
        recovery = self.reopen()
        assert state(self.document) == self.saved
        if recovery is not None:
            recovery.discard()
        self.follow()

    @rule()
    def close_and_open(self):
        self.session.close()
        assert self.reopen() is None
        assert state(self.document) == self.saved
        self.follow()

    @invariant()
    def no_temporary_file_is_left(self):
        assert not list(self.folder.rglob("*.tmp"))


Life.TestCase.settings = settings(max_examples=25, stateful_step_count=16, deadline=None)
TestLife = Life.TestCase
