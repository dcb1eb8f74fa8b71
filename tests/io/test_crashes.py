"""S-01, S-02, S-06: a process that is killed while it saves or paints loses at most what it was at.

The victim is a forked child, so that hundreds of rounds take seconds; it ends without cleaning up.
"""

import os
import random
import signal
import time

import pytest

from latentseg_gui.commands.history import History
from latentseg_gui.io import storage
from latentseg_gui.io.project.opening import open_project
from latentseg_gui.io.project.saving import save_project
from tests.io.faulty_disk import DyingDisk
from tests.io.project_helpers import document_of, paint, photos, state

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]


@pytest.fixture
def folder(tmp_path):
    """A saved project with two images."""
    document = document_of(photos(tmp_path / "photos"))
    paint(document, 0, seed=100)
    save_project(document, tmp_path / "work").close()
    return tmp_path / "work"


def in_child(work):
    """Run ``work`` in a forked child and return its process id."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException:
        os._exit(1)


def opened_with_journal(folder):
    """The project with everything that can be recovered, and its history, connected to the journal."""
    opened = open_project(folder)
    if opened.recovery is not None:
        opened.recovery.restore(opened.document)
    history = History(opened.document)
    history.events.applied.connect(lambda changes: opened.session.record(changes, opened.document))
    return opened, history


def recovered(folder, *, is_kept=True):
    """The state that a person finds after the crash; the journal stays for the next round."""
    opened, _ = opened_with_journal(folder)
    assert not opened.session.is_read_only
    found = state(opened.document)
    opened.session.abandon() if is_kept else opened.session.close()
    return found


def test_a_save_that_ends_at_any_operation_leaves_the_old_or_the_new(folder):
    """S-02: with `os._exit` at each operation, and a write torn in the middle."""

    def save(disk):
        opened, history = opened_with_journal(folder)
        paint(opened.document, 0, history, seed=os.getpid())
        paint(opened.document, 1, history, seed=os.getpid() + 1)
        storage.disk = disk
        save_project(opened.document, folder, opened.session)
        opened.session.abandon()

    for at in range(200):
        before = recovered(folder)
        child = in_child(lambda at=at: save(DyingDisk(at)))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, 77)
        opened, history = opened_with_journal(folder)
        # Both strokes were in the journal before the save began: nothing is lost wherever it ended.
        assert state(opened.document) != before
        for number, seed in ((0, child), (1, child + 1)):
            assert paint(opened.document, number, history, seed=seed) is None
        assert not list(folder.rglob("*.tmp"))
        opened.session.abandon()
        if code == 0:
            break
    assert code == 0
    assert at > 10


def save_everything(folder):
    opened, _ = opened_with_journal(folder)
    save_project(opened.document, folder, opened.session)
    opened.session.close()


def kill_rounds(folder, rounds, is_saving):
    rng = random.Random(0)
    expected = document_of([folder.parent / "photos" / f"photo {n} ü.png" for n in range(2)])
    paint(expected, 0, seed=100)
    states = [state(expected)]
    position = 0

    def paint_and_save(start, pipe):
        opened, history = opened_with_journal(folder)
        number = start
        while True:
            paint(opened.document, number % 2, history, seed=number)
            number += 1
            os.write(pipe, number.to_bytes(4, "little"))
            if is_saving and number % 2:
                save_project(opened.document, folder, opened.session)

    survived = 0
    for turn in range(rounds):
        if turn % 10 == 9:  # else the journals of all rounds would be read in each
            save_everything(folder)
        reader, writer = os.pipe()
        child = in_child(lambda start=position, pipe=writer: paint_and_save(start, pipe))
        os.close(writer)
        os.read(reader, 4)
        time_left = rng.uniform(0.002, 0.06)  # a stroke and a save take some 30 ms
        wait(time_left)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        said = position + 1
        while chunk := os.read(reader, 4):
            said = int.from_bytes(chunk, "little")
        os.close(reader)
        while len(states) <= said + 1:
            paint(expected, (len(states) - 1) % 2, seed=len(states) - 1)
            states.append(state(expected))
        found = recovered(folder)
        # Everything that was reported is there; at most the stroke in progress is not.
        assert found[0] in (states[said][0], states[said + 1][0])
        position = said if found[0] == states[said][0] else said + 1
        survived += 1
    return survived


def wait(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        os.sched_yield()


@pytest.mark.parametrize("is_saving", [True, False])
def test_killed_while_painting_and_saving(folder, is_saving):
    assert kill_rounds(folder, 12, is_saving) == 12


@pytest.mark.parametrize("is_saving", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_two_hundred_kills(folder, is_saving):
    assert kill_rounds(folder, 200, is_saving) == 200
