"""Versions of the weights beside each other: from the menu, from the list, and for how long they are kept."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.prediction.compare import CompareController, KeptPredictions
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import ImageRecord
from latentseg_gui.workers.lanes import ThreadLane

SHAPE = (30, 40)


def said(version: str, class_id: int, image_id: str = "cells") -> Prediction:
    labels = np.full(SHAPE, class_id, np.uint8)
    return Prediction(image_id, version, labels, labels)


class Desk:
    """A document with an image, its canvas, and what is told and shown."""

    def __init__(self, qtbot: QtBot, lane: ThreadLane, monkeypatch: pytest.MonkeyPatch) -> None:
        self.document, self.canvas = Document(), CanvasView()
        qtbot.addWidget(self.canvas)
        pixels = np.zeros((*SHAPE, 3), np.uint8)
        self.document.images.add_record(ImageRecord("cells", pixels, pixels))
        self.document.images.current_id = "cells"
        self.sentences: list[str] = []
        self.shown: tuple[str, str] | None = None
        monkeypatch.setattr(self.canvas.comparison, "set", self._remember)
        self.compare = CompareController(
            self.document, self.canvas, jobs=Jobs(lane, "files", self), errors=self
        )

    def _remember(self, left: object, right: object, names: tuple[str, str] = ("", "")) -> None:
        self.shown = None if left is None else names

    def report(self, error: LatentsegError) -> None:
        raise error

    def inform(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def predict(self, version: str, class_id: int) -> None:
        self.document.predictions.set(said(version, class_id))


@pytest.fixture
def desk(qtbot: QtBot, lane: ThreadLane, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(qtbot, lane, monkeypatch)


def test_list_and_menu_show_one_comparison_and_either_ends_it(desk: Desk, lane: ThreadLane) -> None:
    for number, version in enumerate(("shipped", "v1", "v2")):
        desk.predict(version, number % 2)
    desk.compare.toggle_version("shipped")
    assert desk.shown == ("shipped", "v2")
    assert lane.wait_idle()
    assert "0.0 %" in desk.sentences[-1]
    desk.compare.toggle_version("v1")
    assert desk.shown == ("v1", "v2"), "another version, not the end"
    assert lane.wait_idle()
    assert "100.0 %" in desk.sentences[-1]
    desk.compare.set_earlier(False)
    assert (desk.shown, desk.compare.what) == (None, "")
    desk.compare.set_earlier(True)
    assert desk.shown == ("v1", "v2")
    desk.compare.toggle_version("shipped")
    assert desk.shown == ("shipped", "v2")
    desk.compare.toggle_version("shipped")
    assert (desk.shown, desk.compare.what) == (None, "")


def test_changes_are_counted_beside_the_window_and_told_only_while_they_are_compared(
    desk: Desk, lane: ThreadLane
) -> None:
    desk.predict("shipped", 0)
    desk.predict("v1", 1)
    desk.compare.set_earlier(True)
    assert desk.sentences == [], "not in this thread"
    desk.compare.set_earlier(False)
    assert lane.wait_idle()
    assert desk.sentences == []
    desk.compare.set_earlier(True)
    assert lane.wait_idle()
    assert "100.0 %" in desk.sentences[-1]


def test_a_comparison_follows_the_weights_in_use(desk: Desk) -> None:
    desk.predict("shipped", 0)
    desk.predict("v1", 1)
    desk.compare.toggle_version("shipped")
    desk.predict("v2", 0)
    assert desk.shown == ("shipped", "v2")


def test_a_version_that_cannot_be_asked_says_so(desk: Desk) -> None:
    desk.compare.missing.connect(lambda *_: desk.compare.give_up())
    desk.predict("v1", 0)
    desk.compare.toggle_version("shipped")
    assert (desk.shown, desk.compare.what) == (None, "")
    assert "no earlier weights" in desk.sentences[-1]


def test_refits_that_left_the_list_take_no_memory(desk: Desk) -> None:
    for number in range(500):  # a refit after every stroke of an afternoon
        desk.predict(f"v{number}", 0)
        desk.compare.keep_versions(["shipped", f"v{number}"])
    assert len(desk.compare._kept._kept) <= 3


def test_only_so_much_is_kept_and_the_latest_of_it() -> None:
    kept = KeptPredictions(limit=4 * 2 * SHAPE[0] * SHAPE[1])
    for number in range(9):
        kept.add(said("v1", 0, f"image {number}"))
    assert kept.get("image 8", "v1") is not None
    assert kept.get("image 5", "v1") is not None
    assert kept.get("image 4", "v1") is None


def test_classes_that_got_other_numbers_end_what_was_said_with_the_old_ones(desk: Desk) -> None:
    desk.document.set_classes(ClassTable.from_names(["background", "cell", "nucleus"]))
    desk.predict("shipped", 1)
    desk.predict("v1", 1)
    desk.document.set_classes(ClassTable.from_names(["background", "cell", "nucleus", "dirt"]))
    desk.compare.set_earlier(True)
    assert desk.shown == ("shipped", "v1")
    desk.document.set_classes(ClassTable.from_names(["background", "nucleus", "cell"]))
    desk.compare.set_earlier(True)
    assert desk.shown is None


def test_a_version_that_is_asked_for_is_shown_when_it_has_answered(desk: Desk, lane: ThreadLane) -> None:
    asked: list[tuple[str, str]] = []
    desk.compare.missing.connect(lambda *what: asked.append(what))
    desk.predict("v2", 0)
    desk.compare.toggle_version("v1")
    assert (asked, desk.shown, desk.compare.what) == ([("cells", "v1")], None, "version")
    desk.compare.take(said("v1", 1))
    assert desk.shown == ("v1", "v2")
    assert lane.wait_idle()
    assert "100.0 %" in desk.sentences[-1]
    assert desk.document.predictions.of("cells").version == "v2"  # type: ignore[union-attr]


def test_what_is_answered_after_the_end_of_a_comparison_is_not_shown(desk: Desk) -> None:
    desk.predict("v2", 0)
    desk.compare.set_earlier(True)
    desk.compare.set_earlier(False)
    desk.compare.take(said("v1", 1))
    assert (desk.shown, desk.sentences) == (None, [])
    desk.compare.set_earlier(True)
    assert desk.shown == ("v1", "v2"), "it is known by then"
