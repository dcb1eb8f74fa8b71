"""A click model of others, opened in the real window: it answers clicks, its objects say so, and one goes back."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from latentseg_gui import cli
from latentseg_gui.app import main as application
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.document.prediction.proposals import MaskProposal
from tests.e2e.conftest import Witness
from tests.e2e.nursery import workers_from_nursery
from tests.e2e.person import Person
from tests.leaks import no_leaks
from tests.model.click_models import small

pytest.importorskip("onnxruntime")

TITLE = "mobile_sam (Segment Anything)"
RED = (130.0, 40.0)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.sam(tmp_path_factory.mktemp("pair"))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A red rectangle on grey."""
    pixels = np.full((90, 200, 3), 30, np.uint8)
    pixels[15:60, 100:175] = (220, 40, 40)
    Image.fromarray(pixels).save(tmp_path / "red.png")
    return tmp_path / "red.png"


def proposal_of(person: Person) -> MaskProposal:
    assert person.image_id is not None
    proposal = person.session.document.prompts.proposal(person.image_id)
    assert proposal is not None
    return proposal


def status_of(person: Person) -> str:
    return " ".join(label.text() for label in person.window.statusBar().findChildren(QLabel))


def open_click_model(person: Person, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person.session.dialogs, "choose_file", lambda *_: path)
    person.choose("open_click_model")
    person.wait_for(lambda: person.session.click_model.title == TITLE, what="the click model answers")


def test_clicks_are_answered_by_it_and_objects_keep_its_name(
    person: Person, pair: Path, picture: Path, told: Witness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.open(picture)
    person.segment(RED)
    assert proposal_of(person).made_by == ""
    open_click_model(person, pair / "mobile_sam.encoder.onnx", monkeypatch)
    assert any(TITLE in sentence for sentence in told.sentences)
    assert TITLE in status_of(person)
    person.wait_for(lambda: proposal_of(person).made_by == TITLE, what="the click is answered anew")
    truth = np.zeros((90, 200), np.bool_)
    truth[15:60, 100:175] = True
    found = np.zeros_like(truth)
    found[proposal_of(person).rect.slices] = proposal_of(person).mask
    assert (found & truth).sum() / (found | truth).sum() > 0.65
    person.press(Qt.Key.Key_Return)
    document, image_id = person.session.document, person.image_id
    assert image_id is not None
    number = int(document.masks.layer(image_id).instances[40, 130])
    assert document.makers.of(image_id, number) == TITLE
    assert TITLE in person.session.history.entries[-1].label
    (untitled,) = person.session.storage.sessions
    written = b"".join(path.read_bytes() for path in untitled.folder.glob("journal-*"))
    assert TITLE.encode() in written, "it survives a crash with the object"
    person.choose("undo")
    person.choose("redo")
    assert document.makers.of(image_id, number) == TITLE

    monkeypatch.setattr(person.session.dialogs, "choose_new_folder", lambda *_: tmp_path / "project")
    person.choose("save_project")
    person.wait_for(lambda: not document.is_dirty, what="the project is saved")
    assert TITLE in (tmp_path / "project" / "project.json").read_text(encoding="utf-8")
    listed = person.window.objects.view.model()
    person.wait_for(lambda: listed.rowCount() > 0, what="the list of objects is up to date")
    cells = [str(listed.index(0, column).data()) for column in range(listed.columnCount())]
    assert f"clicked: {TITLE}" in cells
    options = ("--project", tmp_path / "project", "-o", tmp_path / "out", "--format", "csv")
    assert cli.main(["export", *map(str, options)]) == 0
    assert TITLE in (tmp_path / "out" / "objects.csv").read_text(encoding="utf-8")

    person.choose("own_clicks")
    person.wait_for(lambda: person.session.click_model.title == "", what="the model itself answers again")
    person.segment((30.0, 70.0))
    assert proposal_of(person).made_by == ""
    assert TITLE not in status_of(person)
    assert told.errors == []


def test_what_else_its_click_may_mean_is_shown_by_the_key(
    person: Person, told: Witness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.full((90, 200, 3), 30, np.uint8)
    pixels[..., 0] = np.linspace(250, 30, 200)  # where the red ends is a matter of opinion
    Image.fromarray(pixels).save(tmp_path / "fading.png")
    person.open(tmp_path / "fading.png")
    open_click_model(person, small.sam(tmp_path, step=0.8), monkeypatch)
    person.segment((12.0, 45.0))
    first = proposal_of(person)
    said = len(told.sentences)
    person.press(Qt.Key.Key_Q)
    note = person.canvas.status.note
    person.wait_for(lambda: note.text or len(told.sentences) > said, what="another meaning is shown")
    assert note.text.startswith("2 of "), told.sentences
    assert proposal_of(person).made_by == TITLE
    assert proposal_of(person) is not first
    assert not told.errors


@pytest.mark.parametrize("then", ["there", "changed", "gone"])
def test_it_is_opened_again_at_the_next_start(
    qtbot: QtBot, own_home: Path, pair: Path, picture: Path, tmp_path: Path, then: str
) -> None:
    mine = Path(shutil.copytree(pair, tmp_path / "mine"))
    with workers_from_nursery(), no_leaks():
        application.application()
        first = application.start(Reporter())
        first.click_model.open(mine / "mobile_sam.decoder.onnx")
        Person(first).wait_for(lambda: first.click_model.title == TITLE, what="the click model answers")
        application.finish(first)
    if then == "changed":
        small.sam(mine, 1)
    elif then == "gone":
        shutil.rmtree(mine)
    with workers_from_nursery(), no_leaks():
        application.application()
        second = application.start(Reporter())
        told, person = Witness(second.reporter), Person(second)
        if then == "gone":
            person.wait_for(lambda: told.errors, what="it is said")
            assert "mobile_sam.decoder.onnx" in told.errors[0].what
            assert "model itself" in told.errors[0].action
            assert second.click_model.title == ""
            person.choose("own_clicks")
            assert second.preferences.click_model == "", "forgotten when the user says so"
        else:
            person.wait_for(lambda: second.click_model.title == TITLE, what="it answers again")
            assert any("have changed" in each for each in told.sentences) == (then == "changed")
        person.open(picture)
        person.segment(RED)
        assert proposal_of(person).made_by == ("" if then == "gone" else TITLE)
        application.finish(second)


def kill(person: Person) -> None:
    pid = person.session.lanes.engine.child_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    person.wait_for(lambda: person.session.lanes.engine.child_pid not in (None, pid), what="the next process")


def test_it_answers_again_after_its_process_was_killed(
    person: Person, pair: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.open(picture)
    open_click_model(person, pair / "mobile_sam.decoder.onnx", monkeypatch)
    person.segment(RED)
    assert proposal_of(person).made_by == TITLE
    person.choose("cancel")
    kill(person)
    person.segment(RED)
    assert proposal_of(person).made_by == TITLE


def test_files_that_are_gone_when_its_process_was_killed_leave_the_model_itself(
    person: Person, pair: Path, picture: Path, told: Witness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Path(shutil.copytree(pair, tmp_path / "mine"))
    person.open(picture)
    open_click_model(person, mine / "mobile_sam.decoder.onnx", monkeypatch)
    shutil.rmtree(mine)
    kill(person)
    person.wait_for(lambda: told.errors, what="it is said")
    assert "mobile_sam.decoder.onnx" in told.errors[0].what
    person.wait_for(lambda: person.session.click_model.title == "", what="the model itself answers")
    assert TITLE not in status_of(person)
    person.segment(RED)
    assert proposal_of(person).made_by == ""


def test_a_bad_file_is_said_and_clicks_stay_as_they_were(
    person: Person, picture: Path, told: Witness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.open(picture)
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    monkeypatch.setattr(person.session.dialogs, "choose_file", lambda *_: tmp_path / "model.onnx")
    person.choose("open_click_model")
    person.wait_for(lambda: told.errors, what="the reason is said")
    assert "model.onnx" in told.errors[0].what
    assert "not an ONNX file" in told.errors[0].what
    person.segment(RED)
    assert proposal_of(person).made_by == ""


def test_a_folder_opens_it_as_well_and_one_with_two_of_them_is_said(
    person: Person, pair: Path, picture: Path, told: Witness, tmp_path: Path
) -> None:
    """Dropped, or by "Open folder...": the same way leads to it."""
    person.open(picture)
    many = tmp_path / "many"
    shutil.copytree(pair, many)
    for path in sorted(many.iterdir()):
        shutil.copy(path, many / f"other.{path.name}")
    person.session.images.open([many])
    person.wait_for(lambda: told.errors, what="the reason is said")
    assert "2 encoders and 2 decoders" in told.errors[0].what
    person.session.images.open([pair])
    person.wait_for(lambda: person.session.click_model.title == TITLE, what="the click model answers")
    assert len(person.session.document.images.ids) == 1
    assert len(told.errors) == 1


def test_a_dropped_file_opens_it_too(person: Person, pair: Path, picture: Path) -> None:
    person.session.images.open([picture, *sorted(pair.iterdir())])
    person.wait_for(lambda: person.session.click_model.title == TITLE, what="the click model answers")
    person.wait_for(lambda: person.canvas.image.is_shown, what="the image is shown")
    assert len(person.session.document.images.ids) == 1
