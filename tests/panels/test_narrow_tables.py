"""In a narrow panel, long names give way: figures stay in sight, and names end where it can be seen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QListWidget
from pytestqt.qtbot import QtBot

from latentseg_gui.document.masks.classes import SegmentationClass
from latentseg_gui.document.training.compared_networks import NetworkOutcome
from latentseg_gui.panels.classes.row import ClassRow
from latentseg_gui.panels.evaluation.panel import EvaluationPanel
from latentseg_gui.panels.evaluation.tables import ClassTableView, ConfusionTable
from latentseg_gui.panels.evaluation.values import ClassFigures, EvaluationShown, ImageFigures
from latentseg_gui.panels.training.outcome_table import OutcomeTable

LONG = "cytoplasm of stained tissue, second batch"
NAMES = ("background", "cell wall", LONG, "debris")


def figures() -> EvaluationShown:
    classes = tuple(ClassFigures(number, name, "#aa5500", 0.5, 0.1, 0.2) for number, name in enumerate(NAMES))
    images = (ImageFigures("i", f"{LONG}, {LONG}, site 3.tif", 0.3, 100),)
    return EvaluationShown("Mean IoU 0.5", "on all", classes, np.full((4, 4), 25, np.int64), images)


@pytest.fixture
def panel(qtbot: QtBot) -> EvaluationPanel:
    panel = EvaluationPanel()
    qtbot.addWidget(panel)
    panel.resize(320, 900)
    panel.show()
    panel.set_evaluation(figures())
    qtbot.wait(50)
    return panel


def test_all_figures_of_a_class_are_in_sight_beside_a_long_name(panel: EvaluationPanel) -> None:
    table = panel.findChild(ClassTableView)
    assert table is not None
    header = table.horizontalHeader()
    assert header.length() <= table.viewport().width()
    assert all(table.columnWidth(column) >= table.sizeHintForColumn(column) for column in (1, 2, 3))
    item = table.item(2, 0)
    assert item is not None
    assert item.toolTip() == LONG


def test_a_long_name_leaves_room_for_the_confusion(panel: EvaluationPanel) -> None:
    table = panel.findChild(ConfusionTable)
    assert table is not None
    assert table.columnWidth(0) < table.viewport().width() / 2
    assert table.columnWidth(3) <= table.columnWidth(0) + 1
    head = table.horizontalHeaderItem(3)
    assert head is not None
    assert head.toolTip() == LONG


def test_names_of_images_are_shortened_in_the_middle(panel: EvaluationPanel) -> None:
    images = panel.findChild(QListWidget)
    assert images is not None
    assert images.textElideMode() == Qt.TextElideMode.ElideMiddle
    assert not images.horizontalScrollBar().isVisible()


def test_a_long_name_of_a_class_ends_in_dots_and_is_whole_while_it_is_typed(qtbot: QtBot) -> None:
    row = ClassRow(2)
    qtbot.addWidget(row)
    row.resize(220, 30)
    row.set_entry(SegmentationClass(LONG, "#aa5500"), 2)
    row.show()
    name = row.findChild(QLineEdit)
    assert name is not None
    qtbot.waitUntil(lambda: name.text().endswith("…"))
    assert LONG.startswith(name.text()[:-1])
    assert LONG in row.toolTip()
    row.begin_rename()
    assert name.text() == LONG
    row.end_rename()
    assert name.text().endswith("…")
    row.resize(900, 30)
    qtbot.waitUntil(lambda: name.text() == LONG)


def test_a_long_name_leaves_the_figures_of_compared_networks_in_sight(qtbot: QtBot) -> None:
    table = OutcomeTable()
    qtbot.addWidget(table)
    outcome = NetworkOutcome("unet", "U-Net", 0.6, (0.9, 0.5, 0.7, math.nan), 60.0, 7_700_000)
    table.set_outcomes([outcome], NAMES)
    assert table.columnWidth(4) < table.fontMetrics().horizontalAdvance(LONG)
    head = table.horizontalHeaderItem(4)
    assert head is not None
    assert head.toolTip() == LONG
