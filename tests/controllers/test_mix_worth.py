"""What is said of the weights: whether they use their experts, and on what that was measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from latentseg_gui.controllers.experts.mix_worth import IMAGES, MixWorthController
from latentseg_gui.controllers.prediction.class_mapping import LabelMap
from latentseg_gui.controllers.training.weights import Version
from latentseg_gui.document.document import Document
from latentseg_gui.document.experts.experts import MixCounted
from latentseg_gui.document.training.mix_worth import MixWorth
from latentseg_gui.document.training.runs import TrainingSample
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.inference.experts.messages import CountEvenMix
from latentseg_gui.panels.experts.mix_note import MixNote
from tests.held import HeldJobs

SHIPPED = MixWorth(0.864, 0.786, 30, is_own=False)


class Labelled(QObject):
    """Images with labels."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.image_ids: tuple[str, ...] = ()

    def ready(self, limit: int, on_samples, _on_failure) -> None:
        pixels, labels = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8)
        samples = [TrainingSample(each, pixels, labels, labels, None) for each in self.image_ids]
        on_samples(tuple(samples[:limit]))


class Weights(QObject):
    """The versions, and the one in use."""

    def __init__(self) -> None:
        super().__init__()
        self.live: WeightsInfo | None = None
        self.versions: dict[str, Version] = {}

    def keep(self, version: Version) -> None:
        self.versions[version.name] = version


class House:
    def __init__(self, qtbot: QtBot) -> None:
        self.note, self.weights, self.labelled, self.engine = MixNote(), Weights(), Labelled(), HeldJobs()
        qtbot.addWidget(self.note)
        self.experts = type("Experts", (), {"labels": LabelMap()})()
        self.controller = MixWorthController(
            Document(),
            self.note,
            self.experts,
            weights=self.weights,  # type: ignore[arg-type]
            labelled=self.labelled,  # type: ignore[arg-type]
            engine=self.engine,
        )
        self.labelled.changed.connect(self.controller.show)  # as the flow does
        self.button = self.note.findChild(QPushButton)
        assert self.button is not None

    def use(
        self,
        name: str,
        *,
        images: int = 0,
        is_refit: bool = False,
        mix_worth: MixWorth | None = None,
        capabilities: frozenset[str] = frozenset({"experts"}),
    ) -> None:
        info = WeightsInfo(name, None, ("background", "foreground"), (), 4, 2, "CPU", "")
        self.weights.live = replace(info, mix_worth=mix_worth, capabilities=capabilities)
        self.weights.versions.setdefault(name, Version(name, None, images=images, is_refit=is_refit))
        self.experts.labels = LabelMap(self.weights.live)
        self.controller.use_weights(self.weights.live)

    def count(self, learned: list[list[int]], even: list[list[int]], version: str) -> None:
        assert isinstance(self.engine.requests[0], CountEvenMix)
        self.engine.answer(
            lambda asked: MixCounted(asked.image_id, version, np.array(learned), np.array(even))
        )


@pytest.fixture
def house(qtbot: QtBot) -> House:
    return House(qtbot)


GOOD, POOR = [[90, 10], [10, 90]], [[60, 40], [40, 60]]


def test_shipped_weights_say_what_was_measured_when_they_were_made(house: House) -> None:
    house.use("default", mix_worth=SHIPPED)
    assert "use their experts" in house.note.text
    assert "cost 0.08 of the mean IoU (0.79 instead of 0.86, on 30 held-out pictures)" in house.note.text
    assert house.button.isHidden(), "there is nothing to measure with"


def test_on_request_they_are_measured_on_what_is_labelled(house: House) -> None:
    house.use("default", mix_worth=SHIPPED)
    house.labelled.image_ids = ("a", "b")
    house.labelled.changed.emit()
    assert not house.button.isHidden()
    house.button.click()
    house.button.click()
    assert "Measuring" in house.note.text
    for _ in "ab":
        assert len(house.engine.requests) == 1, "one after the other, so that clicks come in between"
        house.count(GOOD, POOR, "default")
    assert "0.43 instead of 0.82, on your labels of 2 images" in house.note.text
    worth = house.weights.versions["default"].mix_worth
    assert worth is not None
    assert worth.cost == pytest.approx(90 / 110 - 60 / 140)


def test_a_version_that_was_fine_tuned_is_measured_by_itself_and_once(house: House) -> None:
    house.labelled.image_ids = tuple("abcdefghijkl")
    house.use("v1", images=3)
    for _ in range(IMAGES):
        house.count(GOOD, GOOD, "v1")
    assert not house.engine.requests, "a few images are enough"
    assert "hardly use their experts" in house.note.text
    assert "+0.00" in house.note.text.replace("-0.00", "+0.00")
    house.use("v2", images=3)
    house.use("v1", images=3)
    kept = [each for each in house.engine.requests if isinstance(each, CountEvenMix)]
    assert all(each.image_id == "a" for each in kept)
    assert "hardly use" in house.note.text, "what is known of a version is not measured again"


def test_live_refits_are_not_measured_with_every_stroke(house: House) -> None:
    house.labelled.image_ids = ("a",)
    house.use("v1", images=1, is_refit=True)
    assert not house.engine.requests
    assert "was not measured" in house.note.text
    assert not house.button.isHidden()


def test_an_answer_of_the_weights_before_is_dropped(house: House) -> None:
    house.labelled.image_ids = ("a",)
    house.use("v1", images=1)
    house.use("v2", images=1, is_refit=True)
    house.count(GOOD, POOR, "v1")
    assert house.weights.versions["v1"].mix_worth is None
    assert house.weights.versions["v2"].mix_worth is None
    assert "was not measured" in house.note.text


def test_a_failure_leaves_what_was_known(house: House) -> None:
    house.use("default", mix_worth=SHIPPED)
    house.labelled.image_ids = ("a",)
    house.controller.measure()
    house.engine.fail("out of memory")
    assert "held-out" in house.note.text
    assert not house.engine.errors.errors


def test_networks_without_experts_say_nothing(house: House) -> None:
    house.labelled.image_ids = ("a",)
    house.use("u-net", images=3, capabilities=frozenset())
    assert house.note.isHidden()
    assert not house.engine.requests
