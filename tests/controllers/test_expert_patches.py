"""What excites an expert: collected from the images that were looked at, and a way back to each place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.experts.inspect import InspectController
from latentseg_gui.controllers.experts.patches import ExpertPatchesController
from latentseg_gui.document.document import Document
from latentseg_gui.document.experts.experts import DOZEN, ExpertPatch, ExpertPatches
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import ImageRecord, Rect
from latentseg_gui.inference.experts.messages import FindPatches
from latentseg_gui.panels.experts import ExpertsPanel
from tests.held import HeldJobs
from tests.panels.random_maps import random_maps

EXPERTS = 3


def weights(version: str, attention: str = "") -> WeightsInfo:
    return WeightsInfo(
        version, None, ("background", "object"), (), EXPERTS, 2, "CPU", "", attention=attention
    )


def patches_in(image_id: str, version: str, *shares: float) -> ExpertPatches:
    """The same shares for every expert, from left to right in the image."""
    row = tuple(
        ExpertPatch(image_id, share, Rect(0, 8 * n, 8, 8 * n + 8), np.full((8, 8, 3), 20 * n, np.uint8))
        for n, share in enumerate(shares)
    )
    return ExpertPatches(image_id, version, (row,) * EXPERTS)


class Places:
    """Where somebody went."""

    def __init__(self) -> None:
        self.gone_to: list[tuple[str, Rect]] = []

    def go_to(self, image_id: str, rect: Rect) -> None:
        self.gone_to.append((image_id, rect))


class House:
    def __init__(self, qtbot: QtBot) -> None:
        self.panel, canvas = ExpertsPanel(), CanvasView()
        self.canvas = canvas  # the widgets outlive the test body
        for widget in (self.panel, canvas):
            qtbot.addWidget(widget)
        self.document, self.engine, self.places = Document(), HeldJobs(), Places()
        pixels = np.zeros((16, 96, 3), np.uint8)
        for name in "ab":
            self.document.images.add_record(ImageRecord(name, pixels, pixels))
        self.inspect = InspectController(self.document, self.panel, canvas, engine=HeldJobs())
        self.patches = ExpertPatchesController(
            self.document,
            self.panel,
            self.inspect,
            navigator=self.places,  # type: ignore[arg-type]
            engine=self.engine,
        )
        self.use("v1", "looks")
        self.panel.resize(300, 900)
        self.panel.show()
        self.panel.sources.set_experts(random_maps(heads=2, count=EXPERTS))
        self.panel.view.patches_fold.set_open(True)
        self.section = self.panel.view.patches

    def use(self, version: str, attention: str = "") -> None:
        self.patches.use_weights(weights(version, attention))

    def look_at(self, image_id: str, version: str = "v1") -> None:
        maps = replace(random_maps(heads=2, count=EXPERTS), image_id=image_id, version=version)
        self.inspect.maps_arrived.emit(maps)

    def shares(self) -> list[float]:
        return [each.share for each in self.section.shown]


@pytest.fixture
def house(qtbot: QtBot) -> House:
    return House(qtbot)


def test_each_image_that_is_looked_at_adds_its_squares_and_the_strongest_come_first(house: House) -> None:
    assert "Choose an expert" in house.section.about
    house.panel.selection.choose(1)
    house.look_at("a")
    assert house.engine.requests == [FindPatches("a")]
    house.engine.answer(lambda asked: patches_in(asked.image_id, "v1", 0.9, 0.5))
    assert house.shares() == [0.9, 0.5]
    house.look_at("a")
    assert not house.engine.requests, "an image is looked at once"
    house.look_at("b")
    house.engine.answer(lambda asked: patches_in(asked.image_id, "v1", 0.7, 0.6))
    assert house.shares() == [0.9, 0.7, 0.6, 0.5]
    assert "2 of 2 images" in house.section.about


def test_a_dozen_is_enough_and_a_second_look_takes_the_place_of_the_first(house: House) -> None:
    house.panel.selection.choose(0)
    house.patches.add(patches_in("a", "v1", *(n / 100 for n in range(10))))
    house.patches.add(patches_in("b", "v1", *(n / 50 for n in range(10))))
    assert len(house.shares()) == DOZEN
    assert house.shares() == sorted(house.shares(), reverse=True)
    house.patches.add(patches_in("a", "v1", 0.99))
    assert [each.image_id for each in house.section.shown].count("a") == 1


def test_a_press_goes_to_the_place(house: House) -> None:
    house.panel.selection.choose(2)
    house.patches.add(patches_in("b", "v1", 0.4, 0.8))
    buttons = [each for each in house.section.findChildren(QToolButton) if each.isVisibleTo(house.section)]
    assert len(buttons) == 2
    assert "80 %" in buttons[0].accessibleName()
    assert not buttons[0].icon().isNull()
    buttons[0].setFocus(Qt.FocusReason.TabFocusReason)
    buttons[0].click()
    assert house.places.gone_to == [("b", Rect(0, 8, 8, 16))]


def test_squares_keep_their_size_however_wide_the_panel_is(house: House) -> None:
    """Squares that follow the width of a panel whose width follows them never come to an end."""
    house.panel.selection.choose(0)
    house.patches.add(patches_in("a", "v1", 0.4, 0.8))
    button = next(each for each in house.section.findChildren(QToolButton) if each.isVisibleTo(house.section))
    before = button.size()
    for width in (260, 700, 261):
        house.panel.resize(width, 900)
        QApplication.processEvents()
        assert button.size() == before
    assert house.section.minimumSizeHint().width() <= 260 - 16


def test_other_weights_make_it_stale_and_those_that_attend_to_the_same_do_not(house: House) -> None:
    house.panel.selection.choose(0)
    house.patches.add(patches_in("a", "v1", 0.9))
    house.use("v2", "looks")
    assert house.shares() == [0.9], "a refit attends to the same"
    house.use("v3", "looks otherwise")
    assert not house.shares()
    house.look_at("a", "v3")
    house.engine.answer(lambda asked: patches_in(asked.image_id, "v2", 0.3))
    assert not house.shares(), "what was found with the weights before is not shown"
    house.look_at("a", "v3")
    house.engine.answer(lambda asked: patches_in(asked.image_id, "v3", 0.2))
    assert house.shares() == [0.2]


def test_an_image_that_leaves_the_list_takes_its_squares_with_it(house: House) -> None:
    house.panel.selection.choose(0)
    house.patches.add(patches_in("a", "v1", 0.9))
    house.patches.add(patches_in("b", "v1", 0.8))
    house.document.images.remove("a")
    assert [each.image_id for each in house.section.shown] == ["b"]
    assert house.patches.missing() == []
    house.patches.add(patches_in("a", "v1", 0.9))
    assert [each.image_id for each in house.section.shown] == ["b"], "an answer that comes after it"


def test_a_failure_of_what_nobody_asked_for_is_not_told(house: House) -> None:
    house.look_at("a")
    house.engine.fail("out of memory")
    assert not house.engine.errors.errors
    assert house.patches.missing() == ["a", "b"]
