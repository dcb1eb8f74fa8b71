"""The size of brush and eraser, as it is set and as it is said."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.masks.tool import ToolController
from latentseg_gui.document.masks.tools import ToolName


@pytest.fixture
def canvas(qtbot: QtBot) -> CanvasView:
    view = CanvasView()
    qtbot.addWidget(view)
    return view


def test_ctrl_shows_the_size_of_the_eraser_before_anything_is_erased(canvas: CanvasView) -> None:
    tool = ToolController(canvas)
    tool.use_tool(ToolName.ERASER)
    tool.set_diameter(60)
    tool.use_tool(ToolName.BRUSH)
    tool.set_diameter(20)
    canvas.erasing_announced.emit(True)
    assert (canvas.pointer.brush.diameter, canvas.pointer.brush.caption) == (60.0, "erase, 60 px")
    canvas.erasing_announced.emit(False)
    assert (canvas.pointer.brush.diameter, canvas.pointer.brush.caption) == (20.0, "")


def test_a_new_size_is_said_for_a_moment(canvas: CanvasView, qtbot: QtBot) -> None:
    tool = ToolController(canvas)
    tool.use_tool(ToolName.BRUSH)
    tool.set_diameter(33)
    assert canvas.pointer.brush.caption == "33 px"
    qtbot.waitUntil(lambda: not canvas.pointer.brush.caption)
    assert canvas.pointer.brush.diameter == 33.0
