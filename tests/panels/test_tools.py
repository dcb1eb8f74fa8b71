from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QPushButton, QSlider, QSpinBox, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.panels.tools import ToolOptionsBar


@pytest.fixture
def bar(qtbot: QtBot) -> ToolOptionsBar:
    widget = ToolOptionsBar()
    qtbot.addWidget(widget)
    widget.resize(1200, 60)
    widget.show()
    return widget


def named(bar: ToolOptionsBar, kind: type[QWidget], name: str) -> QWidget:
    return next(each for each in bar.findChildren(kind) if each.accessibleName() == name)


def push(bar: ToolOptionsBar, text: str) -> QPushButton:
    return next(each for each in bar.findChildren(QPushButton) if each.text() == text)


@pytest.mark.parametrize(
    ("tool", "shown", "hidden"),
    [("brush", "Size", "Tolerance"), ("wand", "Tolerance", "Size"), ("eraser", "Size", "Tolerance")],
)
def test_only_the_options_of_the_tool_are_shown(
    bar: ToolOptionsBar, tool: str, shown: str, hidden: str
) -> None:
    bar.set_tool(ToolName[tool.upper()])
    assert named(bar, QSlider, shown).isVisible()
    assert not named(bar, QSlider, hidden).isVisible()
    assert not push(bar, "Accept").isVisible()


def test_the_size_is_set_by_slider_and_field_and_setters_stay_silent(
    bar: ToolOptionsBar, qtbot: QtBot
) -> None:
    requested: list[int] = []
    bar.diameter_requested.connect(requested.append)
    bar.set_tool(ToolName.BRUSH)
    bar.set_diameter(40)
    assert requested == []
    slider = named(bar, QSlider, "Size")
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert requested == [41]
    field = named(bar, QSpinBox, "Size")
    assert isinstance(field, QSpinBox)
    assert field.value() == 41
    field.setValue(900)
    assert requested == [41, 900]


def test_accept_and_clear_need_a_proposal(bar: ToolOptionsBar, qtbot: QtBot) -> None:
    bar.set_tool(ToolName.CLICK)
    assert not push(bar, "Accept").isEnabled()
    bar.set_proposal_available(True)
    with qtbot.waitSignals([bar.accept_requested, bar.clear_requested]):
        push(bar, "Accept").click()
        push(bar, "Clear").click()


def test_switches_report_what_the_user_wants(bar: ToolOptionsBar, qtbot: QtBot) -> None:
    bar.set_tool(ToolName.BRUSH)
    protect = next(each for each in bar.findChildren(QCheckBox) if each.text() == "Protect others")
    with qtbot.waitSignal(bar.protect_requested) as caught:
        qtbot.keyClick(protect, Qt.Key.Key_Space)
    assert caught.args == [True]
    bar.set_tool(ToolName.ERASER)
    with qtbot.waitSignal(bar.eraser_mode_requested) as mode:
        named(bar, QToolButton, "Eraser leaves: Background").click()  # type: ignore[attr-defined]
    assert mode.args == ["background"]


def test_display_switches(bar: ToolOptionsBar, qtbot: QtBot) -> None:
    display = bar.display
    with qtbot.waitSignal(display.layer_requested) as layer:
        named(bar, QToolButton, "Layer: Model").click()  # type: ignore[attr-defined]
    assert layer.args == ["prediction"]
    with qtbot.waitSignal(display.outlines_requested) as outlines:
        named(bar, QCheckBox, "Outlines only").click()  # type: ignore[attr-defined]
    assert outlines.args == [True]
    display.set_opacity(0.3)
    slider = named(bar, QSlider, "Opacity")
    with qtbot.waitSignal(display.opacity_requested) as opacity:
        qtbot.keyClick(slider, Qt.Key.Key_Left)
    assert opacity.args == [pytest.approx(0.29)]


def test_a_narrow_bar_wraps_instead_of_cutting(bar: ToolOptionsBar) -> None:
    bar.set_tool(ToolName.CLICK)
    layout = bar.layout()
    assert layout is not None
    assert layout.heightForWidth(500) > layout.heightForWidth(1400)
    assert bar.minimumSizeHint().width() <= 300


def test_the_display_starts_a_line_of_its_own_where_it_fits_on_one(bar: ToolOptionsBar, qtbot: QtBot) -> None:
    bar.set_tool(ToolName.CLICK)
    bar.show()
    parts = bar.display.parts
    for width, lines in ((1400, 1), (800, 1), (300, 2)):
        bar.resize(width, 300)
        qtbot.waitUntil(lambda width=width: bar.width() == width)
        is_one_line = max(each.y() for each in parts) < min(each.geometry().bottom() for each in parts)
        assert is_one_line == (lines == 1)
    bar.resize(800, 300)
    qtbot.waitUntil(lambda: bar.width() == 800)
    assert parts[0].y() > push(bar, "Accept").geometry().bottom()


def test_it_is_of_one_height_for_every_tool_at_any_width(bar: ToolOptionsBar) -> None:
    bar.show()
    layout = bar.layout()
    assert layout is not None
    for width in range(500, 2400, 12):
        heights = set()
        for tool in ToolName:
            bar.set_tool(tool)
            heights.add(layout.heightForWidth(width))
        assert len(heights) == 1, width
