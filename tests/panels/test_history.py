from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListView, QToolButton
from pytestqt.qtbot import QtBot

from latentseg_gui.panels.history import HistoryPanel


@pytest.fixture
def panel(qtbot: QtBot) -> HistoryPanel:
    widget = HistoryPanel()
    qtbot.addWidget(widget)
    widget.resize(260, 400)
    widget.show()
    return widget


def view(panel: HistoryPanel) -> QListView:
    found = panel.findChild(QListView)
    assert found is not None
    return found


def labels(panel: HistoryPanel) -> list[str]:
    model = view(panel).model()
    return [str(model.index(row, 0).data()) for row in range(model.rowCount())]


def test_steps_and_the_current_position_are_shown(panel: HistoryPanel) -> None:
    panel.set_steps(["Brush", "Fill", "Delete class cat"], 2)
    assert labels(panel) == ["At the start", "Brush", "Fill", "Delete class cat"]
    assert view(panel).currentIndex().row() == 2
    model = view(panel).model()
    assert model.index(3, 0).data(Qt.ItemDataRole.ForegroundRole) is not None
    assert model.index(2, 0).data(Qt.ItemDataRole.ForegroundRole) is None


def test_new_steps_replace_undone_ones(panel: HistoryPanel) -> None:
    panel.set_steps(["Brush", "Fill"], 1)
    panel.set_steps(["Brush", "Eraser"], 2)
    assert labels(panel) == ["At the start", "Brush", "Eraser"]
    panel.set_steps(["Brush"], 1)
    assert labels(panel) == ["At the start", "Brush"]
    panel.set_steps([], 0)
    assert labels(panel) == ["At the start"]


def test_a_click_goes_there_and_the_current_row_asks_for_nothing(panel: HistoryPanel, qtbot: QtBot) -> None:
    panel.set_steps(["Brush", "Fill"], 2)
    requested: list[int] = []
    panel.go_to_requested.connect(requested.append)
    for row in (0, 2):
        centre = view(panel).visualRect(view(panel).model().index(row, 0)).center()
        qtbot.mouseClick(view(panel).viewport(), Qt.MouseButton.LeftButton, pos=centre)
    assert requested == [0]


def test_undo_and_redo_are_on_where_they_can(panel: HistoryPanel, qtbot: QtBot) -> None:
    undo, redo = panel.findChildren(QToolButton)
    assert not undo.isEnabled()
    panel.set_steps(["Brush"], 1)
    assert undo.isEnabled()
    assert not redo.isEnabled()
    with qtbot.waitSignal(panel.undo_requested):
        undo.click()


def test_one_more_step_after_ten_thousand_refreshes_two_rows(panel: HistoryPanel) -> None:
    steps = [f"Brush {number}" for number in range(10_000)]
    panel.set_steps(steps, len(steps))
    model = view(panel).model()
    spans: list[tuple[int, int]] = []
    resets: list[bool] = []
    model.dataChanged.connect(lambda first, last: spans.append((first.row(), last.row())))
    model.modelReset.connect(lambda: resets.append(True))
    panel.set_steps([*steps, "More"], len(steps) + 1)
    panel.set_steps([*steps, "More"], len(steps))
    assert spans == [(10_000, 10_001), (10_000, 10_001)]
    assert resets == []
    assert view(panel).currentIndex().row() == 10_000
