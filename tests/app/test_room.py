"""On small screens what is used all the time is in sight: five classes, Start, what came of it, names of panels."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QLabel,
    QMenu,
    QPushButton,
    QTabBar,
    QToolBar,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from latentseg_gui.app.help import Help
from latentseg_gui.app.samples import sample_paths
from latentseg_gui.app.session import Session
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.document.training.learning import LATENT_EXPERT, NetworkChoice
from latentseg_gui.document.training.runs import FineTuneResult
from latentseg_gui.panels.classes.row import ClassRow
from latentseg_gui.panels.commands.shortcut_sheet import ShortcutSheet
from latentseg_gui.panels.evaluation.tables import ClassTableView
from latentseg_gui.panels.evaluation.values import ClassFigures
from latentseg_gui.panels.files import SampleImage
from latentseg_gui.panels.output import OutputDialog
from latentseg_gui.panels.output.dialog import OutputQuestion, Scope
from latentseg_gui.panels.widgets import Scrolled

CHOICE = NetworkChoice(
    LATENT_EXPERT, "Latent experts", "What comes with the program, for few masks.", "Much else.", 5_540_018
)


@pytest.fixture(params=[(1366, 768), (1280, 800)], ids=str)
def small(request: pytest.FixtureRequest, composed: Session) -> Session:
    """The window on a small screen, or on one of high resolution at 200 %, with five classes and a run behind it."""
    window = composed.window
    window.resize(*request.param)
    composed.document.set_classes(ClassTable.from_names(("background", "sky", "road", "tree", "car", "sign")))
    window.show_panel("classes")
    window.show_panel("training")
    window.training.network.set_networks((CHOICE,), LATENT_EXPERT)
    measured = "held-out pixels of 1 image"
    window.training.set_outcome(
        FineTuneResult(Path("v1.safetensors"), "v1", 0.5, 0.7, True, 30.0, validated_on=measured)
    )
    for _ in range(4):
        QApplication.processEvents()
    return composed


def hidden_part(widget: QWidget) -> int:
    """How many pixels of the height of a widget are cut off."""
    seen = QRect(widget.rect())
    above = widget.parentWidget()
    while above is not None and not widget.isWindow():
        seen &= QRect(widget.mapFrom(above, QPoint(0, 0)), above.size())
        above = None if above.isWindow() else above.parentWidget()
    return widget.height() - seen.height()


def test_five_classes_start_and_what_came_of_it_are_in_sight(small: Session) -> None:
    window = small.window
    rows = window.classes.findChildren(ClassRow)
    assert len(rows) == 6, "five, and the background"
    start = next(each for each in window.training.findChildren(QPushButton) if each.text() == "Start")
    outcome = next(each for each in window.training.findChildren(QLabel) if "0.700 after" in each.text())
    for widget in (*rows, start, outcome):
        assert widget.isVisible()
        assert hidden_part(widget) == 0, widget


def test_a_class_just_added_is_in_sight(small: Session) -> None:
    window = small.window
    add = next(each for each in window.classes.findChildren(QPushButton) if each.text() == "Add class")
    for _ in range(4):
        add.click()
        for _ in range(6):
            QApplication.processEvents()
        rows = window.classes.findChildren(ClassRow)
        assert hidden_part(rows[-1]) == 0, len(rows)


def test_a_run_that_begins_is_scrolled_to_and_does_not_take_the_panel_from_the_user(small: Session) -> None:
    training = small.window.training
    scroll = training.findChild(Scrolled)
    assert scroll is not None
    bar = scroll.verticalScrollBar()
    bar.setValue(bar.maximum())
    assert bar.value() > 0
    training.set_running(True)
    QApplication.processEvents()
    pause = next(each for each in training.findChildren(QPushButton) if each.text() == "Pause")
    assert pause.isVisible()
    assert hidden_part(pause) == 0
    bar.setValue(50)
    training.set_running(False)
    QApplication.processEvents()
    assert bar.value() == 50


def test_headings_of_the_figures_are_whole(small: Session) -> None:
    window = small.window
    window.show_panel("evaluation")
    table = window.findChild(ClassTableView)
    assert table is not None
    table.set_classes([ClassFigures(1, "sky", "#56b4e9", 0.5, 0.25, 0.25)])
    QApplication.processEvents()
    header = table.horizontalHeader()
    for column in range(table.columnCount()):
        title = table.horizontalHeaderItem(column)
        assert title is not None
        lines = title.text().split("\n")
        if header.textElideMode() != Qt.TextElideMode.ElideNone:
            assert len(lines) == 1, "Qt cuts a title of two lines off in the first"
        widest = max(header.fontMetrics().horizontalAdvance(each) for each in lines)
        assert header.sectionSize(column) >= widest, title.text()


def test_all_samples_and_what_can_be_dropped_are_in_sight(small: Session, qtbot: QtBot) -> None:
    page = small.window.empty_state

    def tiles_in_sight() -> list[QToolButton]:
        tiles = page.findChildren(QToolButton)
        return [each for each in tiles if each.property("role") == "sample" and each.isVisible()]

    qtbot.waitUntil(lambda: len(tiles_in_sight()) == len(sample_paths()))  # or they would come in between
    grey = np.zeros((60, 80, 3), np.uint8)
    page.set_samples([SampleImage(str(number), f"Sample {number}", grey) for number in range(6)])
    qtbot.waitUntil(
        lambda: [each.text() for each in tiles_in_sight()] == [f"Sample {number}" for number in range(6)]
    )
    tiles = tiles_in_sight()
    dropped = next(each for each in page.findChildren(QLabel) if "dropped here" in each.text())
    for widget in (*tiles, dropped):
        assert widget.isVisible()
        assert hidden_part(widget) == 0, widget


def test_the_names_of_all_panels_can_be_read(small: Session) -> None:
    bars = [bar for bar in small.window.findChildren(QTabBar) if bar.isVisible() and bar.count() > 1]
    names = {bar.tabText(index) for bar in bars for index in range(bar.count())}
    assert {"Classes", "Training", "Objects", "Evaluation"} <= names
    for bar in bars:
        for index in range(bar.count()):
            needed = bar.fontMetrics().horizontalAdvance(bar.tabText(index))
            assert bar.tabRect(index).width() >= needed, bar.tabText(index)
        assert bar.tabRect(bar.count() - 1).right() <= bar.width()


def test_all_of_the_tool_bar_is_in_sight(small: Session) -> None:
    bar = small.window.findChild(QToolBar, "tool_bar")
    assert bar is not None
    hidden = [each.text() for each in bar.actions() if not bar.widgetForAction(each).isVisible()]
    assert hidden == []


def test_the_options_of_every_tool_take_two_rows_at_most(small: Session) -> None:
    options = small.window.options
    for tool in ToolName:
        small.window.action[tool.action].trigger()
        QApplication.processEvents()
        shown = [each for each in options.children() if isinstance(each, QWidget) and each.isVisible()]
        middles = sorted(each.geometry().center().y() for each in shown)
        rows = 1 + sum(low - high > 12 for high, low in pairwise(middles))
        assert rows <= 2, f"{tool.action}: {middles}"
        assert all(hidden_part(each) == 0 for each in shown)
        assert all(each.width() >= each.minimumSizeHint().width() for each in shown), tool.action


def test_the_picture_stays_where_it_is_from_step_to_step_of_the_tour(small: Session) -> None:
    window, tops = small.window, set()
    for text in ("Click.", "Right-click where it is too much, and click where something is missing. " * 2):
        window.tour.show_step(("Point", "Correct and accept", "Teach"), 1, text)
        for _ in range(4):
            QApplication.processEvents()
        assert hidden_part(window.tour) == 0
        tops.add(window.canvas.mapTo(window, QPoint(0, 0)).y())
    assert len(tops) == 1


def test_every_menu_is_one_column_that_fits_the_screen(small: Session) -> None:
    bar = small.window.menuBar()
    menus = [menu for each in bar.actions() if isinstance(menu := each.menu(), QMenu)]
    assert {"Edit", "Objects"} <= {menu.title() for menu in menus}
    for menu in menus:
        places = [menu.actionGeometry(each) for each in menu.actions() if each.isVisible()]
        assert len({each.x() for each in places}) == 1, f"{menu.title()} has a second column"
        assert max(each.bottom() for each in places) <= 768 - bar.height() - 20, menu.title()


def test_nothing_is_squeezed_where_an_export_is_chosen(small: Session) -> None:
    formats = tuple((str(number), f"Format {number}") for number in range(17))
    scopes = (Scope("one", "This image"), Scope("all", "All images"))
    explanation = "Masks of your images are written, in the formats that you choose."
    question = OutputQuestion(
        "Export", explanation, scopes, formats, ("0",), "/masks", "Export", is_completed=False
    )
    dialog = OutputDialog(question, small.window)
    dialog.show()
    for _ in range(4):
        QApplication.processEvents()
    for each in dialog.findChildren(QAbstractButton):
        if each.isVisible():
            assert each.height() >= each.sizeHint().height(), each.text()
    for label in dialog.findChildren(QLabel):
        assert not label.isVisible() or label.height() >= label.heightForWidth(label.width()), label.text()
    dialog.close()


def test_all_words_of_the_key_sheet_can_be_read(small: Session) -> None:
    Help(small.window).show_keys()
    sheet = small.window.findChild(ShortcutSheet)
    assert sheet is not None
    for _ in range(4):
        QApplication.processEvents()
    labels = [each for each in sheet.findChildren(QLabel) if each.text()]
    assert len(labels) > 100
    for each in labels:
        needed = each.sizeHint()
        if each.wordWrap():
            needed = QSize(each.minimumSizeHint().width(), each.heightForWidth(each.width()))
        assert each.width() >= needed.width(), each.text()
        assert each.height() >= needed.height(), each.text()
    sheet.close()


def test_what_is_on_has_a_tick(small: Session) -> None:
    window = small.window
    ticks = {each.accessibleName(): each for each in window.options.findChildren(QCheckBox)}
    for action, name in (
        ("show_outlines", "Outlines only"),
        ("show_uncertainty", "Where the model is unsure"),
    ):
        assert not ticks[name].isChecked()
        window.action[action].trigger()
        assert ticks[name].isChecked()
        ticks[name].click()
        assert not window.action[action].isChecked()
