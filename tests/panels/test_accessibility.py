from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QScrollBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from latentseg_gui.document.masks.classes import SegmentationClass
from latentseg_gui.panels.classes import ClassesPanel
from latentseg_gui.panels.experts import ExpertsPanel
from latentseg_gui.panels.feedback import DeviceBadge, JobsIndicator
from latentseg_gui.panels.files import EmptyStateWidget, FileEntry, FilesPanel, SampleImage
from latentseg_gui.panels.history import HistoryPanel
from latentseg_gui.panels.tools import ToolOptionsBar
from latentseg_gui.panels.training import TrainingItem, TrainingPanel, VersionRow
from latentseg_gui.panels.widgets import Fold
from tests.panels.random_maps import random_maps

CONTROLS = (QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)


def files() -> QWidget:
    panel = FilesPanel()
    panel.set_entries([FileEntry("a", "a.png")])
    return panel


def empty() -> QWidget:
    widget = EmptyStateWidget()
    widget.set_samples([SampleImage("cat", "A cat", np.zeros((4, 4, 3), np.uint8))])
    return widget


def classes() -> QWidget:
    panel = ClassesPanel()
    panel.set_classes([SegmentationClass("background", "#000000"), SegmentationClass("cat", "#e69f00")])
    return panel


def experts() -> QWidget:
    panel = ExpertsPanel()
    panel.sources.set_experts(random_maps())
    panel.selection.choose(1)
    panel.pixels.pin((3.0, 3.0))
    return panel


def training() -> QWidget:
    panel = TrainingPanel()
    panel.set_samples([TrainingItem("a", "a.png", 5, 10)])
    panel.set_versions([VersionRow("v1", 0.5, is_active=True), VersionRow("shipped")])
    panel.set_can_start(True)
    return panel


def jobs() -> QWidget:
    widget = JobsIndicator()
    widget.set_job(1, "one")
    widget.set_job(2, "two")
    return widget


def history() -> QWidget:
    panel = HistoryPanel()
    panel.set_steps(["Brush"], 1)
    return panel


PANELS = (files, empty, classes, experts, training, jobs, history, ToolOptionsBar, DeviceBadge)


@pytest.fixture(params=PANELS, ids=lambda make: make.__name__)
def panel(request: pytest.FixtureRequest, qtbot: QtBot) -> QWidget:
    make: Callable[[], QWidget] = request.param
    widget = make()
    qtbot.addWidget(widget)
    widget.resize(260, 700)
    widget.show()
    for fold in widget.findChildren(Fold):
        fold.set_open(True)
    return widget


def controls(panel: QWidget) -> list[QWidget]:
    every = [panel, *panel.findChildren(QWidget)]
    return [
        each
        for each in every
        if isinstance(each, CONTROLS)
        and not isinstance(each, QScrollBar)
        and each.isVisible()
        and not each.objectName().startswith("qt_")
        and not isinstance(each.parentWidget(), (QAbstractSpinBox, QComboBox, QLineEdit))
    ]


def is_reached_by_arrows(widget: QWidget) -> bool:
    """Qt makes one tab stop of an exclusive group, at the checked button."""
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    checked = group.checkedButton() if group is not None else None
    return checked is not None and bool(checked.focusPolicy() & Qt.FocusPolicy.TabFocus)


def test_every_control_has_a_name_for_the_screen_reader(panel: QWidget) -> None:
    found = controls(panel)
    assert found
    nameless = [
        each
        for each in found
        if not each.accessibleName() and not (isinstance(each, QAbstractButton) and each.text())
    ]
    assert nameless == []


def test_every_control_can_be_reached_by_keyboard(panel: QWidget) -> None:
    unreachable = [
        each
        for each in controls(panel)
        if not each.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not (isinstance(each, QLineEdit) and each.isReadOnly())
        and not is_reached_by_arrows(each)
    ]
    assert unreachable == []


def test_tab_goes_round_through_the_panel(panel: QWidget, qtbot: QtBot) -> None:
    wanted = {
        each for each in controls(panel) if each.isEnabled() and each.focusPolicy() & Qt.FocusPolicy.TabFocus
    }
    seen: set[QWidget] = set()
    widget: QWidget = panel
    for _ in range(500):
        widget = widget.nextInFocusChain()
        seen.add(widget)
        if widget is panel:
            break
    assert wanted <= seen | {panel}


def test_a_panel_fits_a_dock_of_260_pixels(panel: QWidget) -> None:
    if isinstance(panel, ToolOptionsBar):
        pytest.skip("a bar over the canvas, never in a dock; it wraps")
    assert panel.minimumSizeHint().width() <= 260
