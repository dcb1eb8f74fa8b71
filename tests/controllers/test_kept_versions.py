"""Versions that come on the list are in the project before anything else happens to them."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from latentseg_gui.commands.history import History
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.training.kept_versions import VersionKeeper
from latentseg_gui.controllers.training.weights import Version, WeightsController
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.training.runs import FineTuneResult
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.inference.messages import LoadWeights
from latentseg_gui.io import storage as disk_module
from latentseg_gui.io.project.manifest import WeightsList
from latentseg_gui.io.project.opening import open_project
from latentseg_gui.io.project.saving import ProjectSession, save_project
from latentseg_gui.workers.lanes import ThreadLane
from tests.held import HeldJobs


@dataclass
class Sink:
    errors: list[LatentsegError] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)

    def report(self, error: LatentsegError) -> None:
        self.errors.append(error)

    def inform(self, sentence: str) -> None:
        self.sentences.append(sentence)


class Engine(HeldJobs):
    """Takes orders to load weights, and does nothing before it is told to."""

    @property
    def orders(self) -> list[LoadWeights]:
        return self.requests

    def load(self) -> None:
        """The last order is carried out."""
        self.answer(
            lambda order: WeightsInfo(
                order.version, order.path, ("background", "object"), (), 4, 2, "cpu", ""
            ),
            index=-1,
        )


@dataclass
class Dialogs:
    is_sure: bool = True
    asked: list[str] = field(default_factory=list)

    def confirm(self, title: str, text: str, action: str) -> bool:
        self.asked.append(text)
        return self.is_sure


class Storage(QObject):
    project_changed = Signal()
    saved = Signal()

    def __init__(self, session: ProjectSession) -> None:
        super().__init__()
        self.project: ProjectSession | None = session
        self.sessions: tuple[ProjectSession, ...] = (session,)
        self.versions: object = None


class Desk:
    """A list of versions, a project, and whoever keeps the one in the other."""

    def __init__(self, lane: ThreadLane, tmp_path: Path) -> None:
        self.document, self.sink, self.engine, self.dialogs = Document(), Sink(), Engine(), Dialogs()
        self.run = tmp_path / "run"
        self.run.mkdir()
        self.session = save_project(self.document, tmp_path / "work")
        self.storage = Storage(self.session)
        self.files = Jobs(lane, "files", self.sink)
        self.weights = WeightsController(
            self.document,
            History(self.document),
            engine=self.engine,  # type: ignore[arg-type]
            files=self.files,
            dialogs=self.dialogs,  # type: ignore[arg-type]
            errors=self.sink,
        )
        self.keeper = VersionKeeper(
            self.weights,
            self.storage,  # type: ignore[arg-type]
            files=self.files,
            errors=self.sink,
            folder=self.run,
        )
        self.weights.versions_changed.connect(self.keeper.note_change)
        self.storage.project_changed.connect(self.keeper.note_change)
        self.storage.saved.connect(self.keeper.note_save)
        self.noted: list[WeightsList] = []
        self.keeper.noted.connect(self._on_noted)

    def _on_noted(self, session: ProjectSession, listed: WeightsList) -> None:
        session.record_weights(listed)
        self.noted.append(listed)

    def train(self, name: str, content: bytes, *, is_refit: bool = False) -> Path:
        path = self.run / f"{name}.safetensors"
        path.write_bytes(content)
        result = FineTuneResult(path, name, 0.5, 0.75, True, 12.0)
        self.weights.adopt(result, images=2, is_live=True, is_refit=is_refit)
        return path

    def files_in_project(self) -> list[bytes]:
        return sorted(path.read_bytes() for path in (self.session.folder / "weights").glob("*"))


@pytest.fixture
def desk(lane: ThreadLane, tmp_path: Path) -> Desk:
    return Desk(lane, tmp_path)


def test_what_was_trained_is_noted_before_the_call_returns(desk: Desk) -> None:
    desk.train("v1", b"first")
    (listed,) = desk.noted
    assert [version.name for version in listed.versions] == ["v1"]
    assert listed.in_use == "v1"
    assert desk.files_in_project() == [b"first"]
    assert desk.keeper.unsaved == ("v1",)
    desk.session.abandon()
    opened = open_project(desk.session.folder)
    assert opened.recovery is not None
    assert opened.recovery.weights == listed
    opened.session.close()


def test_on_another_disk_it_is_copied_beside_the_window(
    desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_module.disk, "link", _refuse(errno.EXDEV))
    path = desk.train("v1", b"first")
    assert desk.noted == []
    qtbot.waitUntil(lambda: bool(desk.noted))
    assert desk.files_in_project() == [b"first"]
    (kept,) = (desk.session.folder / "weights").iterdir()
    assert not kept.samefile(path)
    desk.session.close()


def test_a_full_disk_is_said_once_and_it_is_tried_again(
    desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(disk_module.disk, "link", _refuse(errno.EXDEV))
        patch.setattr(disk_module.disk, "write", _refuse(errno.ENOSPC))
        desk.train("v1", b"first")
        qtbot.waitUntil(lambda: bool(desk.sink.errors))
        desk.train("v2", b"second")
        qtbot.waitUntil(lambda: desk.files.lane.is_idle)
    assert len(desk.sink.errors) == 1
    assert "cannot be kept" in desk.sink.errors[0].what
    desk.train("v3", b"third")
    qtbot.waitUntil(lambda: bool(desk.noted))
    qtbot.waitUntil(lambda: [v.name for v in desk.noted[-1].versions] == ["v1", "v2", "v3"])
    assert desk.files_in_project() == [b"first", b"second", b"third"]
    desk.session.close()


def test_refits_take_each_others_place_and_leave_nothing_behind(desk: Desk, qtbot: QtBot) -> None:
    for number in range(6):
        desk.train(f"v{number}", bytes([number]), is_refit=True)
        qtbot.waitUntil(lambda name=f"v{number}": _is_noted(desk, name))
    desk.session.weights.sweep(desk.session.manifest.weights)
    assert len(desk.files_in_project()) <= 4
    desk.session.close()


def test_the_file_of_a_refit_stays_for_as_long_as_it_is_in_use(desk: Desk) -> None:
    in_use = desk.train("v0", b"0", is_refit=True)
    desk.engine.load()
    others = [desk.train(f"v{number}", bytes([number]), is_refit=True) for number in range(1, 5)]
    assert in_use.read_bytes() == b"0"
    assert "v0" in desk.weights.versions
    assert [path.exists() for path in others] == [False, False, True, True]
    desk.session.close()


def _is_noted(desk: Desk, name: str) -> bool:
    return bool(desk.noted) and desk.noted[-1].versions[-1].name == name


def test_a_file_of_the_user_is_copied_not_shared(desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    own = tmp_path / "own.safetensors"
    own.write_bytes(b"mine")
    desk.weights.take_over([], "shipped")
    desk.weights.versions["own"] = Version("own", own)
    desk.weights.versions_changed.emit()
    qtbot.waitUntil(lambda: bool(desk.noted))
    own.write_bytes(b"MINE")
    assert desk.files_in_project() == [b"mine"]
    assert desk.keeper.unsaved == (), "nothing was taught that closing would lose"
    assert desk.keeper.is_changed
    desk.session.close()


def test_a_version_is_dropped_only_by_whoever_is_sure(desk: Desk) -> None:
    desk.train("v1", b"first")
    desk.train("v2", b"second")
    desk.dialogs.is_sure = False
    desk.weights.remove("v1")
    assert "v1" in desk.weights.versions
    desk.dialogs.is_sure = True
    desk.weights.remove("v1")
    assert list(desk.weights.versions) == ["shipped", "v2"]
    assert all("“v1”" in text for text in desk.dialogs.asked)
    desk.weights.remove("v2")
    assert "v2" in desk.weights.versions, "it is in use"
    assert desk.files_in_project() == [b"first", b"second"], "until the project is saved"
    desk.session.close()


def test_a_damaged_version_is_listed_and_cannot_be_used(desk: Desk, tmp_path: Path) -> None:
    desk.train("v1", b"first")
    listed, sources = desk.keeper.at_hand()
    desk.session.write(desk.session.snapshot(desk.document, None, listed, sources))
    desk.session.close()
    (path,) = (desk.session.folder / "weights").iterdir()
    path.write_bytes(b"fIrst")
    opened = open_project(desk.session.folder)
    desk.storage.project, desk.storage.sessions = opened.session, (opened.session,)
    orders = len(desk.engine.orders)
    desk.keeper.take_over(opened.session, is_untitled=False)
    assert desk.weights.versions["v1"].is_lost
    assert [order.version for order in desk.engine.orders[orders:]] == ["shipped"]
    desk.weights.activate("v1")
    assert "damaged" in desk.sink.sentences[-1]
    assert desk.weights.chosen == "v1", "what was in use is in use again once its file is back"
    assert not desk.keeper.is_changed
    again, _ = desk.keeper.at_hand()
    assert again is not None
    assert [version.name for version in again.versions] == ["v1"]
    desk.weights.remove("v1")
    assert "v1" not in desk.weights.versions
    opened.session.close()


def _refuse(code: int) -> Callable[..., None]:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, "no")

    return refuse
