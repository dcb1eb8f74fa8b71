"""Sliders make objects anew, the count follows, and the model is not asked."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.classes import count_class
from latentseg_gui.commands.prediction.proposals import accept_prediction
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.prediction.separate import SeparateController
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import ImageRecord
from latentseg_gui.panels.counting import CountingPanel
from latentseg_gui.workers.lanes import ThreadLane
from tests.discs import hills, predicted

DEPTH = hills((20, 20, 10), (20, 36, 10), (45, 80, 6))


class Desk:
    """A document with two images, the panel, and who joins them."""

    def __init__(self, qtbot: QtBot, lane: ThreadLane) -> None:
        self.document, self.panel, self.lane = Document(), CountingPanel(), lane
        qtbot.addWidget(self.panel)
        pixels = np.zeros((*DEPTH.shape, 3), np.uint8)
        for name in ("a", "b"):
            self.document.images.add_record(ImageRecord(name, pixels, pixels))
        self.document.images.current_id = "a"
        self.separate = SeparateController(self.document, self.panel, jobs=Jobs(lane, "objects", self))

    def report(self, error: LatentsegError) -> None:
        raise error

    def set(self, name: str, slider: str, value: int) -> None:
        """Moves a slider as a hand does."""
        getattr(self.panel, f"_{slider}")._slider.setValue(value)
        assert self.lane.wait_idle()

    def predict(self, prediction: Prediction) -> None:
        self.document.predictions.set(prediction)
        assert self.lane.wait_idle()


@pytest.fixture
def desk(qtbot: QtBot, lane: ThreadLane) -> Desk:
    desk = Desk(qtbot, lane)
    desk.panel._smoothness._slider.setValue(0)
    return desk


def test_a_prediction_is_counted_at_once_and_sliders_change_the_count(desk: Desk) -> None:
    assert desk.panel.count_text == "No count"
    desk.predict(predicted(DEPTH))
    assert desk.panel.count_text == "3 objects"
    depth = desk.document.predictions.of("a").depth
    desk.set("a", "separation", 0)
    assert desk.panel.count_text == "2 objects"
    desk.set("a", "separation", 70)
    assert desk.panel.count_text == "3 objects"
    desk.set("a", "threshold", 95)
    assert desk.panel.count_text == "0 objects"
    desk.set("a", "threshold", 60)
    assert desk.panel.count_text == "3 objects"
    assert desk.document.predictions.of("a").depth is depth, "nothing was predicted again"


def test_the_smallest_size_and_whether_it_is_counted_belong_to_the_class(desk: Desk) -> None:
    desk.predict(predicted(DEPTH))
    history = History(desk.document)
    history.do(count_class(desk.document, 1, True, 200))
    assert desk.lane.wait_idle()
    assert desk.panel.count_text == "2 objects"
    assert desk.panel._smallest.value == 200
    history.do(count_class(desk.document, 1, False, 200))
    assert desk.lane.wait_idle()
    assert desk.panel.count_text == "No count"
    assert not desk.panel._is_thing.isChecked()
    history.undo()
    history.undo()
    assert desk.lane.wait_idle()
    assert desk.panel.count_text == "3 objects"


def test_a_prediction_that_is_old_stays_old(desk: Desk) -> None:
    desk.predict(predicted(DEPTH))
    desk.document.predictions.mark_stale(version="v2")
    desk.set("a", "separation", 0)
    assert desk.panel.count_text == "2 objects"
    assert desk.document.predictions.is_stale("a")


def test_objects_of_images_that_nobody_looks_at_follow(desk: Desk, qtbot: QtBot) -> None:
    from dataclasses import replace

    desk.predict(predicted(DEPTH))
    desk.predict(replace(predicted(DEPTH), image_id="b"))
    desk.set("a", "separation", 0)
    qtbot.waitUntil(lambda: desk.document.predictions.of("b").instances.max() == 2)
    desk.document.images.current_id = "b"
    assert desk.panel.count_text == "2 objects"


def test_what_is_accepted_has_the_objects_that_were_counted(desk: Desk) -> None:
    desk.predict(predicted(DEPTH))
    History(desk.document).do(accept_prediction(desk.document, "a"))
    assert len(np.unique(desk.document.masks.instances("a"))) == 1 + 3


def test_weights_that_do_not_tell_objects_apart_say_so(desk: Desk) -> None:
    desk.predict(Prediction("a", "v1", np.ones(DEPTH.shape, np.uint8), np.ones(DEPTH.shape, np.uint8)))
    assert desk.panel.count_text == "No count"
    assert not desk.panel._separation._slider.isEnabled()
    assert "train" in desk.panel._why.text()
