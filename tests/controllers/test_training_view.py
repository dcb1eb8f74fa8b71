"""The training panel is told what training would do, however little of it is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.training.finetune import FineTuneController
from latentseg_gui.controllers.training.training_view import TrainingViewController
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.types import ImageRecord, Labels, Provenance, Rect
from latentseg_gui.inference.training.messages import PreviewCrops
from latentseg_gui.panels.training import TrainingPanel
from latentseg_gui.workers.lanes import ThreadLane

SHAPE = (40, 40)


def scene(seed: int) -> Labels:
    """A sky (0) above a ground (1) that begins elsewhere in every image."""
    labels = np.ones(SHAPE, np.uint8)
    labels[: np.random.default_rng(seed).integers(10, 30)] = 0
    return labels


class Weights(QObject):
    """As much of the controller of weights as the panel needs."""

    versions_changed, activated = Signal(), Signal(object)
    versions: dict[str, object] = {}  # noqa: RUF012
    live, coming_path, has_failed = object(), None, False

    def activate(self, version: str) -> None:
        """Nothing to do."""

    remove = activate


@dataclass
class Engine:
    """Remembers what it is asked."""

    asked: list[PreviewCrops] = field(default_factory=list)

    def submit(self, request: PreviewCrops, on_answer: Callable[[object], None], *, key: str) -> None:
        self.asked.append(request)


class Desk:
    def __init__(self, qtbot: QtBot, lane: ThreadLane, folder: Path) -> None:
        self.document, self.engine, self.panel, self.lane = Document(), Engine(), TrainingPanel(), lane
        self.sentences: list[str] = []
        qtbot.addWidget(self.panel)
        weights: object = Weights(self.panel)
        self.finetune = FineTuneController(
            self.document,
            weights,  # type: ignore[arg-type]
            training=Jobs(lane, "training", self),
            readers=Jobs(lane, "readers", self),
            errors=self,
            versions_folder=folder,
        )
        self.view = TrainingViewController(
            self.document,
            self.panel,
            finetune=self.finetune,
            weights=weights,  # type: ignore[arg-type]
            engine=self.engine,  # type: ignore[arg-type]
            errors=self,
        )

    def report(self, error: LatentsegError) -> None:
        raise error

    def inform(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def label(self, image_id: str, labels: Labels) -> None:
        if not self.document.images.has(image_id):
            pixels = np.zeros((*SHAPE, 3), np.uint8)
            self.document.images.add_record(ImageRecord(image_id, pixels, pixels))
        self.document.masks.write(image_id, Rect.whole(SHAPE), labels < 255, labels, Provenance.PAINTED)

    def shown(self) -> PreviewCrops:
        self.view.show_crops()
        assert self.lane.wait_idle()
        return self.engine.asked[-1]


@pytest.fixture
def desk(qtbot: QtBot, lane: ThreadLane, tmp_path: Path) -> Desk:
    return Desk(qtbot, lane, tmp_path)


def test_a_few_images_are_shown_as_all_ticked_ones_would_be_learned(desk: Desk) -> None:
    for seed in range(12):
        desk.label(str(seed), scene(seed))
    desk.finetune.samples.set_ticked("3", False)
    request = desk.shown()
    assert len(request.samples) == 4
    assert len(request.rows) == 11
    for rows, seed in zip(request.rows, (seed for seed in range(12) if seed != 3), strict=True):
        assert rows[:, 0].sum() == (scene(seed) == 0).sum()
        assert rows.nbytes < 1000, "not the masks themselves"


def test_masks_are_counted_again_only_where_they_have_changed(desk: Desk) -> None:
    for seed in range(9):
        desk.label(str(seed), scene(seed))
    first = desk.shown().rows
    desk.label("2", 1 - scene(2))
    jobs: list[int] = []
    desk.lane.job_finished.connect(lambda number, _: jobs.append(number))
    second = desk.shown().rows
    assert len(jobs) == 1
    assert [was is now for was, now in zip(first, second, strict=True)] == [each != 2 for each in range(9)]
    assert second[2][0].tolist() == [0, SHAPE[1]]


def test_images_that_go_meanwhile_are_left_out(desk: Desk) -> None:
    for seed in range(9):
        desk.label(str(seed), scene(seed))
    desk.view.show_crops()
    for gone in ("0", "5"):
        desk.document.images.remove(gone)
    assert desk.lane.wait_idle()
    assert len(desk.engine.asked[-1].rows) >= 7
    assert {sample.image_id for sample in desk.engine.asked[-1].samples}.isdisjoint({"0", "5"})


def test_nothing_labelled_is_said(desk: Desk) -> None:
    desk.view.show_crops()
    assert desk.engine.asked == []
    assert "at least one image" in desk.sentences[-1]
