"""Nothing that a user did is lost: closing, projects, the journal, a crash while painting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from latentseg_gui.app import main as application
from latentseg_gui.app.log import state_folder
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.session import Session
from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.patch import Ink, area_patch
from latentseg_gui.document.types import Rect
from latentseg_gui.io import storage as disk_module
from latentseg_gui.io.project.opening import open_project
from tests.e2e.conftest import Witness
from tests.e2e.person import Person
from tests.e2e.saved_projects import Answers, make_project, paint, save
from tests.leaks import no_leaks

pytestmark = pytest.mark.usefixtures("without_model")


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    generator = np.random.default_rng(0)
    paths = [folder / f"photo {number}.png" for number in range(3)]
    for path in paths:
        Image.fromarray(generator.integers(0, 255, (60, 80, 3), np.uint8)).save(path)
    return paths


@pytest.fixture
def answers(session: Session, monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(session, monkeypatch)


def untitled_folders() -> list[Path]:
    folder = state_folder() / "untitled"
    return list(folder.iterdir()) if folder.exists() else []


def test_closing_without_masks_asks_nothing(person: Person, answers: Answers, photos: list[Path]) -> None:
    person.open(photos[0])
    assert untitled_folders(), "a journal is ready before the first stroke"
    assert person.window.close()
    assert not answers.asked
    assert not untitled_folders()


def test_a_first_save_suggests_a_new_folder_beside_the_images(
    person: Person, answers: Answers, photos: list[Path]
) -> None:
    person.open(photos[0].parent)
    paint(person)
    person.choose("save_project")
    assert answers.suggestion == photos[0].parent.parent / "photos project"
    assert not answers.suggestion.exists()


def test_cancel_keeps_the_window_and_writes_nothing(
    person: Person, answers: Answers, photos: list[Path]
) -> None:
    person.open(photos[0])
    mask = paint(person)
    kept = untitled_folders()
    assert not person.window.close()
    assert person.window.isVisible()
    assert len(answers.asked) == 1
    assert (person.mask == mask).all()
    assert untitled_folders() == kept
    paint(person, 40.0)
    assert person.session.history.position == 2, "work goes on"


def test_discard_closes_and_offers_nothing_next_time(
    person: Person, answers: Answers, photos: list[Path]
) -> None:
    person.open(photos[0])
    paint(person)
    answers.action = "discard"
    assert person.window.close()
    assert not untitled_folders()


def test_save_on_closing_writes_the_project(
    person: Person, answers: Answers, photos: list[Path], tmp_path: Path
) -> None:
    person.open(photos[0])
    mask = paint(person)
    image_id = person.image_id
    assert image_id is not None
    answers.action, answers.folder = "save", tmp_path / "work"
    assert person.window.close()
    assert not untitled_folders()
    opened = open_project(tmp_path / "work")
    assert not opened.session.is_read_only, "the lock is free"
    assert opened.recovery is None
    assert (opened.document.masks.labels(image_id) == mask).all()
    opened.session.close()


def test_a_save_on_closing_that_fails_keeps_the_window(
    person: Person, answers: Answers, told: Witness, photos: list[Path], tmp_path: Path
) -> None:
    person.open(photos[0])
    paint(person)
    in_the_way = tmp_path / "file"
    in_the_way.write_text("a file, not a folder")
    answers.action, answers.folder = "save", in_the_way
    assert not person.window.close()
    assert person.session.document.is_dirty
    person.wait_for(lambda: told.errors, 5)
    assert untitled_folders()


def test_a_project_is_saved_again_and_again(
    person: Person, answers: Answers, photos: list[Path], tmp_path: Path
) -> None:
    person.open(*photos)
    mask = paint(person)
    first = person.image_id
    assert person.window.windowTitle().startswith("●")
    answers.folder = tmp_path / "work"
    save(person)
    assert not untitled_folders(), "its work is in the project now"
    assert person.window.windowTitle() == "photo 0.png - work - latentseg"
    paint(person, 40.0)
    assert first is not None
    before = person.mask
    save(person)
    assert (open_masks(tmp_path / "work", first) == before).all()
    assert not (before == mask).all()


def open_masks(folder: Path, image_id: str) -> np.ndarray:
    """The mask that a project holds, read by another window."""
    opened = open_project(folder)
    assert opened.session.is_read_only, "the window has it open"
    labels = np.array(opened.document.masks.labels(image_id))
    opened.session.abandon()
    return labels


def test_a_folder_with_a_manifest_opens_as_project(
    person: Person, answers: Answers, photos: list[Path], tmp_path: Path
) -> None:
    ids, labels = make_project(tmp_path / "work", photos)
    person.open(photos[2])
    person.open(tmp_path / "work")
    assert person.session.document.images.ids == tuple(ids)
    assert (person.mask == labels).all()
    assert not person.session.history.can_undo
    assert not answers.asked
    assert person.window.windowTitle() == "photo 0.png - work - latentseg"


@pytest.mark.parametrize("kept", [True, False])
def test_a_project_opens_at_the_image_that_was_shown_last(
    person: Person, answers: Answers, photos: list[Path], tmp_path: Path, *, kept: bool
) -> None:
    person.open(*photos)
    first, second, third = person.session.document.images.ids
    person.session.images.show(second)
    person.wait_for(lambda: person.image_id == second)
    for name in ("work", "copy"):
        answers.folder = folder = tmp_path / name
        person.session.storage.save_as()
        person.wait_for(lambda folder=folder: _is_saved(person, folder))
    person.session.images.show(third)
    person.wait_for(lambda: person.image_id == third)
    if not kept:
        photos[1].unlink()
    person.open(tmp_path / "work")
    assert person.window.windowTitle().endswith(" - work - latentseg")
    assert person.image_id == (second if kept else first), "one that is gone is not shown"


def _is_saved(person: Person, folder: Path) -> bool:
    project = person.session.storage.project
    return project is not None and project.folder == folder


def test_opening_a_project_asks_about_unsaved_masks(
    person: Person, answers: Answers, photos: list[Path], tmp_path: Path
) -> None:
    _, labels = make_project(tmp_path / "work", photos)
    person.open(photos[2])
    mask = paint(person)
    person.session.images.open([tmp_path / "work"])
    person.wait_for(lambda: answers.asked, 20)
    assert (person.mask == mask).all(), "cancelled: everything is as it was"
    again = open_project(tmp_path / "work")
    assert not again.session.is_read_only, "and the project is not locked"
    again.session.close()
    answers.action = "discard"
    person.open(tmp_path / "work")
    assert (person.mask == labels).all()
    assert not person.session.document.is_dirty


def test_a_pasted_picture_is_part_of_the_project(
    person: Person, answers: Answers, photos: list[Path], tmp_path: Path
) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8)
    person.open(photos[0])
    person.session.images.paste(pixels)
    image_id = person.image_id
    assert image_id is not None
    mask = paint(person)
    kept = person.session.document.images.path(image_id)
    assert kept is not None
    assert kept.is_relative_to(state_folder()), "a crash does not take it"
    answers.folder = tmp_path / "work"
    save(person)
    assert (open_masks(tmp_path / "work", image_id) == mask).all()
    path = person.session.document.images.path(image_id)
    assert path is not None
    assert path.is_relative_to(tmp_path / "work")
    with Image.open(path) as picture:
        assert (np.asarray(picture) == pixels).all()


def test_missing_images_are_rows_that_say_so_and_keep_their_masks(
    person: Person, answers: Answers, photos: list[Path], tmp_path: Path
) -> None:
    ids, labels = make_project(tmp_path / "work", photos)
    photos[0].unlink()
    person.open(tmp_path / "work")
    document = person.session.document
    assert person.image_id == ids[1]
    assert document.records.error(ids[0]) is not None
    paint(person)
    save(person)
    assert (open_masks(tmp_path / "work", ids[0]) == labels).all()


def test_a_project_that_is_open_elsewhere_is_read_only(
    person: Person, answers: Answers, told: Witness, photos: list[Path], tmp_path: Path
) -> None:
    ids, _ = make_project(tmp_path / "work", photos)
    owner = open_project(tmp_path / "work")
    person.open(tmp_path / "work")
    assert any("is open elsewhere" in sentence for sentence in told.sentences)
    assert "(read-only)" in person.window.windowTitle()
    manifest = (tmp_path / "work" / "project.json").read_bytes()
    mask = paint(person)
    assert (person.mask == mask).all()
    answers.folder = tmp_path / "copy"
    save(person)
    assert (tmp_path / "work" / "project.json").read_bytes() == manifest
    assert (open_masks(tmp_path / "copy", ids[0]) == mask).all()
    owner.session.close()


def test_a_failed_save_keeps_the_dirty_mark_and_says_so_once(
    person: Person,
    answers: Answers,
    told: Witness,
    photos: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person.open(photos[0])
    paint(person)
    answers.folder = tmp_path / "work"
    save(person)
    paint(person, 40.0)
    session = person.session
    with monkeypatch.context() as patch:
        patch.setattr(disk_module.disk, "replace", _full_disk)
        for _ in range(5):
            session.storage.autosave()
            assert session.lanes.files.wait_idle(10_000)
            assert session.document.is_dirty
    assert len(told.errors) == 1
    session.storage.autosave()
    person.wait_for(lambda: not session.document.is_dirty, 20)
    assert len(told.errors) == 1
    assert person.image_id is not None
    assert (open_masks(tmp_path / "work", person.image_id) == person.mask).all()


def _full_disk(source: Path, target: Path) -> None:
    raise OSError(28, "No space left on device")


def test_a_journal_that_cannot_be_written_does_not_stop_the_work(
    person: Person, answers: Answers, told: Witness, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    person.open(photos[0])
    with monkeypatch.context() as patch:
        patch.setattr(disk_module.disk, "write", _full_write)
        for row in (10.0, 30.0, 50.0):
            paint(person, row)
    assert person.session.history.position == 3
    assert len(told.errors) == 1


def _full_write(descriptor: int, data: memoryview) -> int:
    raise OSError(28, "No space left on device")


PAINTER = """
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from latentseg_gui.app import main as application
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.controllers.training.weights import WeightsController
from tests.e2e.person import Person

WeightsController.activate_shipped = lambda self: None  # painting needs no model
application.application()
person = Person(application.start(Reporter()))
person.open(Path(sys.argv[1]))
person.choose("tool_brush")
for number in range(10_000):
    row = 3.0 + number % 55
    person.choose("tool_eraser" if number % 7 == 6 else "tool_brush")
    person.drag((5.0 + number % 11, row), (30.0 + number % 40, row))
    print(number + 1, person.session.history.position, (person.mask == 1).sum(), flush=True)
"""


def said(changes: int) -> str:
    """How many changes the question about recovery speaks of."""
    return "(1 change)" if changes == 1 else f"({changes} changes)"


@pytest.mark.parametrize(
    "strokes",
    [
        1,
        4,
        12,
        *(pytest.param(number, marks=pytest.mark.slow) for number in range(2, 52) if number not in (4, 12)),
    ],
)
def test_a_kill_while_painting_loses_at_most_one_stroke(
    qtbot: QtBot, own_home: Path, photos: list[Path], strokes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    painter = subprocess.Popen(
        [sys.executable, "-c", PAINTER, str(photos[0])],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[2],
    )
    assert painter.stdout is not None
    seen: dict[int, int] = {}
    with painter.stdout as lines:
        for line in lines:
            _, position, pixels = (int(each) for each in line.split())
            seen[position] = pixels
            if position >= strokes:
                painter.send_signal(signal.SIGKILL)
                break
        painter.wait()
        for line in lines:
            if len(line.split()) == 3 and line.endswith("\n"):
                _, position, pixels = (int(each) for each in line.split())
                seen[position] = pixels
    asked: list[str] = []

    def restore(self: object, title: str, text: str, actions: Sequence[tuple[str, str]]) -> str:
        asked.append(text)
        return "restore"

    monkeypatch.setattr("latentseg_gui.app.dialogs.QtDialogs.choose_action", restore)
    with no_leaks():
        application.application()
        session = application.start(Reporter())
        person = Person(session)
        person.wait_for(lambda: person.image_id is not None, 30)
        assert len(asked) == 1
        restored = int((person.mask == 1).sum())
        newest = max(seen)
        told = [text for text in (said(newest), said(newest + 1)) if text in asked[0]]
        assert told, (newest, asked)
        if said(newest) in asked[0]:
            assert restored == seen[newest]
        assert session.storage.has_unsaved
        paint(person)
        monkeypatch.setattr(session.dialogs, "choose_action", lambda *_: "discard")
        qtbot.wait(600)  # panels that follow the mask at leisure are done
        started = monotonic()
        assert person.window.close()
        application.finish(session)
        assert monotonic() - started < 5.0
    assert not untitled_folders()


@pytest.mark.parametrize("answer", ["restore", "discard", None])
def test_a_project_that_crashed_offers_what_was_not_saved(
    person: Person, answers: Answers, photos: list[Path], tmp_path: Path, answer: str | None
) -> None:
    ids, labels = make_project(tmp_path / "work", photos)
    crashed = open_project(tmp_path / "work")
    history = History(crashed.document)
    history.events.applied.connect(lambda changes: crashed.session.record(changes, crashed.document))
    whole = Rect(0, 0, 60, 80)
    history.do(area_patch(crashed.document, ids[0], whole, np.ones((60, 80), bool), Ink(1), "Everything"))
    crashed.session.abandon()
    answers.action = answer
    person.open(photos[2])
    before = person.image_id
    person.session.images.open([tmp_path / "work"])
    person.wait_for(lambda: answers.asked, 20)
    assert said(1) in answers.asked[0]
    if answer is None:
        assert person.image_id == before
        again = open_project(tmp_path / "work")
        assert again.recovery is not None, "it is offered again"
        again.session.abandon()
        return
    person.wait_for(lambda: person.image_id == ids[0], 20)
    expected = np.ones_like(labels) if answer == "restore" else labels
    assert (person.mask == expected).all()
    assert person.session.document.is_dirty == (answer == "restore")


def test_a_project_of_a_newer_version_is_shown_and_never_written(
    person: Person, answers: Answers, photos: list[Path], tmp_path: Path
) -> None:
    ids, labels = make_project(tmp_path / "work", photos)
    manifest = tmp_path / "work" / "project.json"
    newer = manifest.read_text().replace('"schema": 2', '"schema": 3')
    manifest.write_text(newer)
    person.open(tmp_path / "work")
    assert (person.mask == labels).all()
    assert "(read-only)" in person.window.windowTitle()
    paint(person, 50.0)
    answers.action = "discard"
    assert person.window.close()
    assert manifest.read_text() == newer
    assert ids
