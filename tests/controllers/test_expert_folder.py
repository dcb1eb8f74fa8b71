"""Measuring a whole folder: every image once, in between of other work, until it is stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.experts.changes import ExpertChangesController
from latentseg_gui.controllers.experts.folder import ExpertFolderController
from latentseg_gui.controllers.experts.inspect import InspectController
from latentseg_gui.controllers.experts.patches import ExpertPatchesController
from latentseg_gui.document.document import Document
from latentseg_gui.document.experts.experts import ExpertPatch, ExpertPatches, ExpertShares
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import ImageRecord, Rect
from latentseg_gui.inference.messages import MeasureShares
from latentseg_gui.panels.experts import ExpertsPanel
from latentseg_gui.panels.experts.values import FolderAffinity
from tests.held import HeldJobs


class Told:
    """Hears what the user is told."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def inform(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def report(self, error: Exception) -> None:
        raise error


def weights(version: str) -> WeightsInfo:
    return WeightsInfo(version, None, ("background", "object"), (), 3, 2, "CPU", "")


class House:
    """Four images of which none was looked at; one is read already."""

    def __init__(self, panel: ExpertsPanel, canvas: CanvasView) -> None:
        self.document = Document()
        pixels = np.zeros((8, 8, 3), np.uint8)
        self.document.images.add_record(ImageRecord("pasted", pixels, pixels))
        self.ids = self.document.images.add_paths([Path(f"/nowhere/{name}.png") for name in "abc"])
        self.engine, self.readers, self.told = HeldJobs(), HeldJobs(), Told()
        inspect = InspectController(self.document, panel, canvas, engine=self.engine)
        inspect.use_weights(weights("v1"))
        self.changes = ExpertChangesController(self.document, panel, inspect)
        self.patches = ExpertPatchesController(
            self.document,
            panel,
            inspect,
            navigator=None,  # type: ignore[arg-type]
            engine=self.engine,
        )
        self.panel = panel
        self.folder = ExpertFolderController(
            self.document,
            panel,
            (inspect, self.changes, self.patches),
            engine=self.engine,
            readers=self.readers,
            errors=self.told,
        )
        self.shown: list[FolderAffinity | None] = []
        panel.view.comparisons.set_folder_affinity = self.shown.append  # type: ignore[method-assign]

    def read(self) -> None:
        pixels = np.zeros((8, 8, 3), np.uint8)
        self.readers.answer(lambda work: ImageRecord(work.keywords["image_id"], pixels, pixels))

    def measure(self, version: str = "v1") -> None:
        assert isinstance(self.engine.requests[0], MeasureShares)
        shares = np.full((3, 2), 1 / 6, np.float32)

        def found(image_id: str) -> ExpertPatches:
            square = ExpertPatch(image_id, 0.5, Rect(0, 0, 8, 8), np.zeros((8, 8, 3), np.uint8))
            return ExpertPatches(image_id, version, ((square,),) * 3)

        self.engine.answer(
            lambda request: ExpertShares(request.image_id, version, shares, found(request.image_id))
        )


@pytest.fixture
def house(qtbot: QtBot) -> House:
    panel, canvas = ExpertsPanel(), CanvasView()
    qtbot.addWidget(panel)
    qtbot.addWidget(canvas)
    return House(panel, canvas)


def test_every_image_is_measured_once_one_after_the_other(house: House) -> None:
    fractions: list[float] = []
    house.folder.progressed.connect(lambda _, fraction: fractions.append(fraction))
    house.folder.start()
    house.folder.start()
    house.measure()
    for _ in "abc":
        assert len(house.readers.requests) == 1
        assert not house.engine.requests
        house.read()
        house.measure()
    assert not house.folder.is_running
    assert fractions == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert house.shown[-1] is not None
    assert (house.shown[-1].images, house.shown[-1].total) == (4, 4)
    assert house.shown[-1].shares.sum(axis=1) == pytest.approx(1)
    assert "4 images" in house.told.sentences[-1]
    assert house.patches.missing() == [], "what excites the experts is known of all"
    house.folder.start()
    assert "already" in house.told.sentences[-1]


def test_what_was_measured_stays_when_the_run_is_stopped(house: House) -> None:
    house.folder.start()
    house.measure()
    house.folder.cancel()
    house.read()
    assert not house.engine.requests, "what is read after the end is not measured"
    assert house.shown[-1] is not None
    assert house.shown[-1].images == 1
    house.folder.start()
    assert len(house.readers.requests) == 1, "it goes on where it was"


def test_an_image_that_cannot_be_read_is_left_out(house: House) -> None:
    house.folder.start()
    house.measure()
    house.readers.fail("broken")
    for _ in "bc":
        house.read()
        house.measure()
    assert "3 images" in house.told.sentences[-1]
    assert "1 could not" in house.told.sentences[-1]


def test_images_that_leave_the_list_leave_the_table(house: House) -> None:
    house.folder.start()
    house.measure()
    house.document.images.remove("pasted")
    assert house.shown[-1] is None
    house.document.images.remove(house.ids[1])
    house.read()
    house.measure()
    house.read()
    house.measure()
    assert house.shown[-1] is not None
    assert (house.shown[-1].images, house.shown[-1].total) == (2, 2)


def test_other_weights_end_the_run(house: House) -> None:
    house.folder.start()
    house.folder.use_weights(weights("v2"))
    assert not house.folder.is_running
    assert "weights have changed" in house.told.sentences[-1]
    house.measure()
    assert not house.shown
