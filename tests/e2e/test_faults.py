"""Faults while the window is used: timers that fail, files that change, homes that cannot be written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from latentseg_gui.app import main as application
from latentseg_gui.app.log import start_log, stop_log
from latentseg_gui.app.projects import Autosave, RecentProjects
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.patch import Ink, area_patch
from latentseg_gui.controllers.project import journal_keeper
from latentseg_gui.document.types import Rect
from latentseg_gui.io import storage as disk_module
from latentseg_gui.io.project.opening import open_project
from tests.e2e.conftest import Witness
from tests.e2e.person import Person
from tests.e2e.saved_projects import Answers, make_project, paint, save
from tests.leaks import no_leaks

pytestmark = pytest.mark.usefixtures("without_model")

SHAPE = (60, 80)


@pytest.fixture
def answers(session: object, monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(session, monkeypatch)  # type: ignore[arg-type]


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    generator = np.random.default_rng(0)
    paths = [folder / f"photo {number}.png" for number in range(3)]
    for path in paths:
        Image.fromarray(generator.integers(0, 255, (*SHAPE, 3), np.uint8)).save(path)
    return paths


def test_an_autosave_that_fails_is_tried_again_by_its_timers_and_said_once(
    person: Person,
    answers: Answers,
    told: Witness,
    photos: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S-09."""
    person.open(photos[0])
    paint(person)
    answers.folder = tmp_path / "work"
    save(person)
    autosave = person.session.findChild(Autosave)
    assert autosave is not None
    autosave._idle.setInterval(30)
    autosave._at_least.setInterval(60)
    failures: list[Path] = []

    def full(source: Path, target: Path) -> None:
        failures.append(target)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(disk_module.disk, "replace", full)
        paint(person, 40.0)
        person.wait_for(lambda: len(failures) >= 5, 20, "the timers have tried five times")
        assert person.session.document.is_dirty
    person.wait_for(lambda: not person.session.document.is_dirty, 20, "the timers have saved it")
    assert len(told.errors) == 1


def test_a_project_that_another_program_changes_is_not_saved_by_itself_and_it_is_said_once(
    person: Person, answers: Answers, told: Witness, photos: list[Path], tmp_path: Path
) -> None:
    """S-15."""
    person.open(photos[0])
    paint(person)
    answers.folder = tmp_path / "work"
    save(person)
    manifest = tmp_path / "work" / "project.json"
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    theirs = manifest.read_bytes()
    paint(person, 40.0)
    for _ in range(3):
        person.session.storage.autosave()
    assert sum("changed by another program" in each for each in told.sentences) == 1
    person.choose("save_project")
    assert "changed by another program" in answers.asked[-1]
    assert manifest.read_bytes() == theirs, "the safe answer is the default"
    answers.is_confirmed = True
    save(person)
    assert manifest.read_bytes() != theirs


@pytest.mark.parametrize("how", ["deleted", "other picture", "no picture"])
def test_an_image_that_is_taken_away_while_open_stays_usable(
    person: Person, answers: Answers, told: Witness, photos: list[Path], tmp_path: Path, how: str
) -> None:
    """S-15: unlink or rewrite it, then undo, save, come back."""
    person.open(*photos[:2])
    first = person.image_id
    assert first is not None
    mask = paint(person)
    paint(person, 40.0)
    if how == "deleted":
        photos[0].unlink()
    elif how == "other picture":
        Image.new("RGB", (SHAPE[1], SHAPE[0]), "red").save(photos[0])
    else:
        photos[0].write_bytes(b"nothing that can be read")
    person.choose("undo")
    assert (person.mask == mask).all()
    answers.folder = tmp_path / "work"
    save(person)
    session, document = person.session, person.session.document
    person.choose("next_image")
    person.wait_for(lambda: person.image_id != first, 20)
    document.records.release(first)
    session.images.show(first)
    if how == "other picture":
        person.wait_for(lambda: person.image_id == first, 20)
        assert any("has changed since it was opened" in each for each in told.sentences)
    else:
        person.wait_for(lambda: document.records.error(first) is not None, 20)
        assert person.image_id != first, "the image before stays open"
    assert (document.masks.labels(first) == mask).all()
    paint(person, 20.0)
    save(person)
    opened = open_project(tmp_path / "work")
    try:
        assert (opened.document.masks.labels(first) == mask).all() or how == "other picture"
    finally:
        opened.session.abandon()


def test_the_journal_is_on_the_disk_soon_after_a_stroke(
    person: Person, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was painted longer ago than two seconds survives a power cut."""
    person.open(photos[0])
    synced: list[str] = []
    sync = disk_module.disk.sync

    def seen(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    monkeypatch.setattr(disk_module.disk, "sync", seen)
    paint(person)
    assert not any("journal" in each for each in synced), "not in the middle of painting"
    waited = journal_keeper.SYNC_MS / 1000 + 10
    person.wait_for(lambda: any("journal" in each for each in synced), waited, "the journal is synced")


@pytest.mark.parametrize("fault", ["settings are garbage", "state is a file", "log is a folder"])
def test_the_window_opens_whatever_the_home_is_like(
    qtbot: QtBot, own_home: Path, photos: list[Path], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """S-18: defaults, said once, and work goes on."""
    state = own_home / "latentseg"
    if fault == "settings are garbage":
        state.mkdir()
        (state / "settings.json").write_bytes(b"\x00\xff{{{")
    elif fault == "state is a file":
        state.write_text("in the way")
    else:
        (state / "latentseg.log").mkdir(parents=True)
        (state / "crash.log").mkdir()
    with no_leaks():
        application.application()
        start_log(state)
        reporter = Reporter()
        told = Witness(reporter)
        session = application.start(reporter)
        try:
            person = Person(session)
            person.open(photos[0])
            paint(person)
            paint(person, 40.0)
            QApplication.processEvents()
            expected = {"settings are garbage": 1, "state is a file": 2, "log is a folder": 0}
            assert len(told.errors) == expected[fault], told.errors
            assert session.history.position == 2
        finally:
            application.finish(session)
            stop_log()


@pytest.mark.parametrize("is_agreed", [True, False])
def test_recovered_work_can_be_opened_as_a_copy(
    person: Person, answers: Answers, photos: list[Path], tmp_path: Path, is_agreed: bool
) -> None:
    """The project stays as the crash left it, and offers the changes again."""
    ids, labels = make_project(tmp_path / "work", photos)
    crashed = open_project(tmp_path / "work")
    history = History(crashed.document)
    history.events.applied.connect(lambda changes: crashed.session.record(changes, crashed.document))
    everything = area_patch(
        crashed.document, ids[0], Rect.whole(SHAPE), np.ones(SHAPE, bool), Ink(1), "Everything"
    )
    history.do(everything)
    crashed.session.abandon()
    before = {path.name: path.read_bytes() for path in (tmp_path / "work").iterdir() if path.is_file()}
    answers.action, answers.folder = "copy", tmp_path / "copy" if is_agreed else None
    person.session.images.open([tmp_path / "work"])
    person.wait_for(lambda: answers.asked, 20)
    if is_agreed:
        person.wait_for(lambda: person.image_id == ids[0], 20)
        assert (person.mask == 1).all()
        project = person.session.storage.project
        assert project is not None
        assert project.folder == tmp_path / "copy"
        paint(person, 20.0)
        save(person)
    after = {path.name: path.read_bytes() for path in (tmp_path / "work").iterdir() if path.is_file()}
    assert {name: data for name, data in after.items() if name != ".lock"} == {
        name: data for name, data in before.items() if name != ".lock"
    }
    again = open_project(tmp_path / "work")
    try:
        assert again.recovery is not None, "it is offered again"
        assert (again.document.masks.labels(ids[0]) == labels).all()
    finally:
        again.session.abandon()


def test_recent_files_are_in_a_menu(person: Person, photos: list[Path], told: Witness) -> None:
    person.open(photos[0])
    person.open(photos[1])
    recent = person.session.findChild(RecentProjects)
    assert recent is not None
    recent.menu.aboutToShow.emit()
    names = [action.text() for action in recent.menu.actions()]
    assert names[:2] == ["photo 1.png", "photo 0.png"]
    recent.menu.actions()[1].trigger()
    person.wait_for(lambda: person.session.document.images.name(person.image_id or "") == "photo 0.png", 20)
    recent.menu.actions()[-1].trigger()
    recent.menu.aboutToShow.emit()
    assert [action.isEnabled() for action in recent.menu.actions()] == [False]


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_project_that_may_not_be_written_any_more_is_saved_elsewhere(
    person: Person,
    answers: Answers,
    told: Witness,
    photos: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
) -> None:
    """S-04: said with what to do about it, nothing is lost, and another folder is all that it takes."""
    person.open(photos[0])
    paint(person)
    answers.folder = tmp_path / "work"
    save(person)
    mask = paint(person, 40.0)
    create = disk_module.disk.create

    def refused(folder: Path) -> tuple[int, Path]:
        if folder.is_relative_to(tmp_path / "work"):
            raise OSError(code, "refused")
        return create(folder)

    monkeypatch.setattr(disk_module.disk, "create", refused)
    person.choose("save_project")
    person.wait_for(lambda: told.errors, 20)
    assert "Nothing was lost" in str(told.errors[-1])
    assert "The project “work” was not saved" in told.errors[-1].what
    assert "Save somewhere else" in told.errors[-1].action
    assert person.session.document.is_dirty
    answers.folder = tmp_path / "elsewhere"
    person.choose("save_project_as")
    person.wait_for(lambda: not person.session.document.is_dirty, 20, "it is saved there")
    opened = open_project(tmp_path / "elsewhere")
    assert (opened.document.masks.labels(opened.document.images.ids[0]) == mask).all()
    opened.session.abandon()
