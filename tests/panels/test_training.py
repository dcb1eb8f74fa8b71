from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLabel,
    QListView,
    QListWidget,
    QPushButton,
    QSpinBox,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from latentseg_gui.document.training.learning import LearningSettings
from latentseg_gui.document.training.runs import FineTuneProgress, FineTuneResult
from latentseg_gui.panels.training import (
    ClassShare,
    CropShown,
    TrainingItem,
    TrainingPanel,
    TrainingRequest,
    UncertainRegionRow,
    VersionRow,
)
from latentseg_gui.panels.training.plots import MAX_POINTS, ProgressPlot
from latentseg_gui.panels.training.versions import VersionCard

ITEMS = (
    TrainingItem("a", "a.png", 500, 1000, ("cat", "dog")),
    TrainingItem("b", "b.png", 10, 1000, ("cat",)),
)


@pytest.fixture
def panel(qtbot: QtBot) -> TrainingPanel:
    widget = TrainingPanel()
    qtbot.addWidget(widget)
    widget.resize(260, 800)
    widget.show()
    return widget


def push(panel: QWidget, text: str) -> QPushButton:
    return next(each for each in panel.findChildren(QPushButton) if each.text() == text)


def texts(panel: QWidget) -> str:
    return "\n".join(each.text() for each in panel.findChildren(QLabel) if each.isVisible())


def progress(step: int, loss: float = 0.5, metric: float = math.nan) -> FineTuneProgress:
    return FineTuneProgress(step, step / 100, loss, metric, step / 10, "refitting the experts")


def test_start_is_off_with_a_reason_until_there_is_something_to_learn(
    panel: TrainingPanel, qtbot: QtBot
) -> None:
    assert not push(panel, "Start").isEnabled()
    assert "Paint at least two classes on one image." in texts(panel)
    panel.set_samples(ITEMS)
    panel.set_can_start(True)
    assert "Paint at least two classes" not in texts(panel)
    with qtbot.waitSignal(panel.start_requested) as caught:
        push(panel, "Start").click()
    assert caught.args == [TrainingRequest(("a", "b"), "quick", 30.0, LearningSettings())]


def test_ticks_choose_the_images_and_survive_a_refresh(panel: TrainingPanel, qtbot: QtBot) -> None:
    panel.set_samples(ITEMS)
    view = panel.findChild(QListView)
    assert view is not None
    view.setCurrentIndex(view.model().index(0, 0))
    with qtbot.waitSignal(panel.ticks_changed) as caught:
        qtbot.keyClick(view, Qt.Key.Key_Space)
    assert caught.args == [("b",)]
    panel.set_samples((*ITEMS, TrainingItem("c", "c.png", 5, 1000)))
    assert panel.request.image_ids == ("b", "c")
    assert view.model().index(2, 0).data() == "c.png  ·  0.5 % labelled"


def test_an_image_that_goes_and_comes_back_keeps_its_tick(panel: TrainingPanel, qtbot: QtBot) -> None:
    panel.set_samples(ITEMS)
    view = panel.findChild(QListView)
    assert view is not None
    view.setCurrentIndex(view.model().index(1, 0))
    qtbot.keyClick(view, Qt.Key.Key_Space)
    panel.set_samples(ITEMS)
    assert view.currentIndex().row() == 1, "a refresh leaves the place in the list alone"
    panel.set_samples(ITEMS[:1])  # its mask was undone,
    panel.set_samples(ITEMS)  # and redone
    assert panel.request.image_ids == ("a",)


def test_an_empty_list_of_places_says_why(panel: TrainingPanel) -> None:
    assert "Once an image is predicted" in texts(panel)
    rows = [UncertainRegionRow("a.png", f"cat or dog? {number} % unsure") for number in range(20)]
    panel.uncertain_regions.set_regions(rows)
    places = panel.uncertain_regions.findChild(QListWidget)
    assert places is not None
    places.scrollToBottom()
    before = places.verticalScrollBar().value()
    panel.uncertain_regions.set_regions(list(rows))
    assert places.verticalScrollBar().value() == before > 0
    panel.uncertain_regions.set_regions((), "No uncertain region is left.")
    assert "No uncertain region is left." in texts(panel)
    assert "Once an image is predicted" not in texts(panel)


def test_a_run_that_was_cancelled_at_once_leaves_no_empty_curves(panel: TrainingPanel) -> None:
    panel.set_running(True)
    loss, metric = panel.findChildren(ProgressPlot)
    assert loss.isVisible()
    panel.set_running(False)
    assert not loss.isVisible()
    panel.set_running(True)
    panel.add_progress(progress(1, 0.9, 0.871))
    panel.set_running(False)
    assert loss.isVisible()
    assert metric.isVisible()
    low, high = metric._plot.viewRange()[1]
    assert -0.1 < low <= 0.0 < 1.0 <= high < 1.1, "an IoU is between 0 and 1"


def test_speed_sets_a_budget_that_can_be_changed(panel: TrainingPanel) -> None:
    thorough = next(
        each for each in panel.findChildren(QToolButton) if each.accessibleName() == "Speed: Thorough"
    )
    thorough.click()
    assert (panel.request.speed, panel.request.seconds) == ("thorough", 180.0)
    panel.set_speed("quick", 45)
    assert (panel.request.speed, panel.request.seconds) == ("quick", 45.0)


def test_what_is_chosen_holds_for_a_start_by_key_as_well(panel: TrainingPanel, qtbot: QtBot) -> None:
    told: list[TrainingRequest] = []
    panel.request_changed.connect(told.append)
    next(b for b in panel.findChildren(QToolButton) if b.text() == "Thorough").click()
    assert (told[-1].speed, told[-1].seconds) == ("thorough", 180.0)
    seconds = next(b for b in panel.findChildren(QSpinBox) if b.accessibleName() == "Time")
    seconds.setValue(90)
    assert told[-1].seconds == 90.0
    next(box for box in panel.findChildren(QCheckBox) if box.text() == "Focal").click()
    assert told[-1].settings.loss == "cross-entropy+dice+focal"
    parts = next(b for b in panel.findChildren(QComboBox) if b.accessibleName() == "Learns")
    parts.setFocus()
    qtbot.keyClick(parts, Qt.Key.Key_Down)
    assert told[-1].settings.parts == "head"


def test_settings_go_with_the_request(panel: TrainingPanel) -> None:
    settings = LearningSettings("focal", "sgd", 0.001, "all", 0.5, "cross", 7)
    panel.set_settings(settings)
    assert panel.request.settings == settings


def test_a_run_can_be_watched_and_cancelled(panel: TrainingPanel, qtbot: QtBot) -> None:
    panel.set_can_start(True)
    panel.set_running(True)
    assert not push(panel, "Start").isVisible()
    panel.add_progress(progress(10, 0.9))
    panel.add_progress(progress(20, 0.7, 0.6))
    panel.add_progress(progress(21, math.nan))
    loss, metric = panel.findChildren(ProgressPlot)
    assert loss.points == ((1.0, 0.9), (2.0, 0.7))
    assert metric.points == ((2.0, 0.6),)
    assert "about 8 s left" in texts(panel)
    assert "Loss  0.700 after 2 s" in texts(panel), "what the numbers below the curve are"
    with qtbot.waitSignal(panel.cancel_requested):
        push(panel, "Cancel").click()
    panel.set_running(False)
    assert push(panel, "Start").isVisible()


def test_long_runs_are_drawn_with_a_bounded_number_of_points(panel: TrainingPanel) -> None:
    plot = panel.findChildren(ProgressPlot)[0]
    for step in range(3 * MAX_POINTS):
        plot._seconds.append(float(step))
        plot._values.append(1.0)
        if step % 100 == 0:
            plot.add(float(step), 1.0)
    plot.add(9999.0, 2.0)
    assert len(plot.points) <= MAX_POINTS * 1.1
    assert plot.points[0][0] == 0.0


@pytest.mark.parametrize(
    ("is_better", "expected"),
    [(True, "v2 is in use now."), (False, "the weights in use stay. v2 is on the list below")],
)
def test_the_outcome_is_told_before_and_after(panel: TrainingPanel, is_better: bool, expected: str) -> None:
    panel.set_outcome(FineTuneResult(Path("w"), "v2", 0.71, 0.84, is_better, 30.0, "Ran out of time."))
    assert "0.710 before, 0.840 after" in texts(panel)
    assert expected in texts(panel)
    assert "Ran out of time." in texts(panel)


def test_an_outcome_that_was_not_measured_says_how_to_judge_it(panel: TrainingPanel) -> None:
    panel.set_outcome(FineTuneResult(Path("w"), "v2", math.nan, math.nan, True, 30.0))
    assert "Too few labels" in texts(panel)
    assert "Compare with the version before" in texts(panel)
    assert "v2 is in use now." in texts(panel)


def test_an_unknown_metric_is_no_number(panel: TrainingPanel) -> None:
    panel.set_outcome(FineTuneResult(Path("w"), "v2", math.nan, 0.84, True, 30.0))
    assert "Mean IoU: 0.840" in texts(panel)
    assert "nan" not in texts(panel)


def test_versions_can_be_used_compared_and_removed(panel: TrainingPanel, qtbot: QtBot) -> None:
    rows = (
        VersionRow("v2", 0.84, "12:01", "2 images", is_active=True),
        VersionRow("v1", 0.71, "11:50", "1 image"),
        VersionRow("shipped", is_removable=False),
    )
    panel.set_versions(rows)

    def button(name: str) -> QWidget | None:
        every = (*panel.findChildren(QPushButton), *panel.findChildren(QToolButton))
        return next((each for each in every if each.accessibleName() == name), None)

    assert button("Use v2") is None
    assert button("Remove shipped") is None
    signals = {
        "Use v1": panel.activate_requested,
        "Compare v1 with the one in use": panel.compare_requested,
        "Remove v1": panel.remove_requested,
    }
    for name, signal in signals.items():
        with qtbot.waitSignal(signal) as caught:
            button(name).click()  # type: ignore[union-attr]
        assert caught.args == ["v1"]


def test_versions_are_replaced_not_piled_up(panel: TrainingPanel, qtbot: QtBot) -> None:
    for number in range(30):
        panel.set_versions([VersionRow(f"v{number}"), VersionRow("shipped")])
    qtbot.waitUntil(lambda: len(panel.findChildren(VersionCard)) == 2)


def test_the_class_summary_names_every_class(panel: TrainingPanel) -> None:
    panel.set_class_summary([ClassShare("cat", "#e69f00", 1200), ClassShare("dog", "#56b4e9", 8)])
    assert "cat 1,200 px · dog 8 px" in texts(panel)


def test_everything_fits_a_narrow_dock(panel: TrainingPanel) -> None:
    panel.set_samples([TrainingItem("a", "a file with a very long name.png" * 3, 5, 10)])
    panel.set_versions([VersionRow("fine-tuned 12", 0.9, "12:01:33", "5 images, 3 classes")])
    panel.set_running(True)
    view = panel.findChild(QListView)
    assert view is not None
    content = view.parentWidget()
    assert content is not None
    assert content.minimumSizeHint().width() <= 249


def button(panel: TrainingPanel, text: str) -> QPushButton:
    return next(each for each in panel.findChildren(QPushButton) if each.text() == text)


def test_a_run_can_be_held_and_finished(panel: TrainingPanel, qtbot: QtBot) -> None:
    panel.set_running(True)
    panel.add_progress(FineTuneProgress(4, 0.25, 0.5, math.nan, 50.0, "learning shapes"))
    assert "about 2 min 30 s left" in texts(panel)
    with qtbot.waitSignal(panel.pause_requested) as caught:
        button(panel, "Pause").click()
    assert caught.args == [True]
    panel.set_paused(True)
    assert "Paused" in texts(panel)
    assert button(panel, "Go on").isVisibleTo(panel)
    panel.add_progress(FineTuneProgress(5, 0.26, 0.5, math.nan, 51.0, "learning shapes"))
    assert "Paused" in texts(panel)
    panel.set_paused(False)
    assert "step 5" in texts(panel)
    with qtbot.waitSignal(panel.finish_requested):
        button(panel, "Finish").click()
    panel.set_running(False)
    assert not button(panel, "Pause").isVisibleTo(panel)


def test_losses_add_up_and_one_is_always_chosen(panel: TrainingPanel) -> None:
    boxes = {box.text(): box for box in panel.findChildren(QCheckBox)}
    boxes["Lovász"].click()
    assert panel.request.settings.loss == "cross-entropy+dice+lovasz"
    for name in ("Lovász", "Dice", "Cross-entropy"):
        boxes[name].click()
    assert panel.request.settings.loss == "cross-entropy"


def test_what_training_sees_is_shown(panel: TrainingPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.crops_requested):
        button(panel, "Show what training sees").click()
    crop = np.zeros((40, 60, 3), np.uint8)
    panel.set_crops([CropShown(crop, crop + 9)] * 4)
    panel.set_crops([CropShown(crop, crop + 9)] * 2)
    shown = [
        label for label in panel.findChildren(QLabel) if label.accessibleName().startswith("Training crop")
    ]
    assert len(shown) == 2
    assert button(panel, "Draw others")


@pytest.mark.parametrize(
    ("after", "words"), [(0.5, "Worse, so the weights in use stay"), (0.9, "Not better")]
)
def test_a_run_that_got_worse_says_so(panel: TrainingPanel, after: float, words: str) -> None:
    panel.set_outcome(FineTuneResult(Path("w"), "v2", 0.9, after, False, 30.0))
    assert words in texts(panel)
    assert "v2 is on the list below" in texts(panel)
