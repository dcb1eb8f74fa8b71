"""What is left on the screen after many small refreshes is what a whole repaint would draw."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from latentseg_gui.canvas import CanvasView
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.document.prediction.proposals import PromptPoint, PromptSet
from latentseg_gui.document.types import Labels, Rect

from .hand import Hand, grabbed


def on_screen(view: CanvasView) -> np.ndarray:
    """The window as it was last painted, part by part; nothing is painted for this."""
    QApplication.processEvents()
    image = view.screen().grabWindow(view.winId()).toImage().convertToFormat(QImage.Format.Format_RGB32)
    packed = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    return packed[..., 2::-1].astype(int)


def assert_no_traces(view: CanvasView) -> None:
    left = on_screen(view)
    assert np.abs(left - grabbed(view)).max() <= 2


@pytest.mark.parametrize("scale", [0.7, 1.0, 6.0])
def test_a_brush_that_paints_leaves_no_traces(
    view: CanvasView, hand: Hand, labels: Labels, scale: float
) -> None:
    def dab(xy: tuple[float, float], is_erasing: bool = False) -> None:
        row, col = int(xy[1]), int(xy[0])
        rect = Rect(row - 8, col - 8, row + 8, col + 8).clipped((240, 320))
        labels[rect.slices] = 3
        view.labels.update(rect)

    view.labels.set(labels)
    view.pointer.set_tool(ToolName.BRUSH)
    view.pointer.set_brush_diameter(17.0)
    view.camera.zoom_to(scale)
    view.stroke_started.connect(dab)
    view.stroke_moved.connect(dab)
    on_screen(view)
    hand.press(150, 110)
    for step in range(12):
        hand.move(150 + 2 * step, 110 + 20 * np.sin(step / 3))
        on_screen(view)
    hand.release(175, 115)
    assert_no_traces(view)


def test_markers_badge_and_lines_leave_no_traces(view: CanvasView, hand: Hand) -> None:
    on_screen(view)
    points = [PromptPoint((40.0 + 30 * i, 60.0 + 11 * i), i % 2 == 0) for i in range(6)]
    for count in (1, 4, 6, 2, 0):
        view.prompts.set(PromptSet(tuple(points[:count]), (20.0, 30.0, 90.0 + 20 * count, 150.0)))
        view.status.set_pending(count % 4 == 0, "encoding the image" if count else "")
        assert_no_traces(view)
    view.status.set_pending(False)
    view.prompts.set(PromptSet(tuple(points)))
    hand.press(40, 60)
    for step in range(5):
        hand.move(60 + 30 * step, 200 - 30 * step)
        assert_no_traces(view)
    hand.release(180, 80)
    assert_no_traces(view)


@pytest.mark.parametrize("tool", [ToolName.LASSO, ToolName.SPLIT, ToolName.CLICK, ToolName.POLYGON])
def test_lines_in_progress_leave_no_traces(view: CanvasView, hand: Hand, tool: ToolName) -> None:
    view.pointer.set_tool(tool)
    on_screen(view)
    hand.press(60, 60)
    for place in [(200, 70), (210, 180), (100, 150), (90, 80)]:
        hand.move(*place)
        assert_no_traces(view)
    hand.release(90, 80)
    hand.move(150, 30)
    assert_no_traces(view)
    view.pointer.abort_gesture()
    assert_no_traces(view)


def test_keys_maps_and_dividers_leave_no_traces(view: CanvasView, labels: Labels) -> None:
    on_screen(view)
    view.heatmap.set(np.eye(6), caption="short")
    assert_no_traces(view)
    view.heatmap.set(np.eye(6), caption="a caption that is a good deal longer than the one before")
    assert_no_traces(view)
    view.camera.zoom_to(5.0)
    view.camera.pan_by(QPoint(31, -17))
    assert_no_traces(view)
    view.comparison.set(labels, labels, ("before", "after"))
    for fraction in (0.2, 0.9, 0.4):
        view.comparison.set_divider(fraction)
        assert_no_traces(view)
    view.comparison.set(None, None)
    view.heatmap.set(None)
    assert_no_traces(view)


def test_a_proposal_that_changes_leaves_no_traces(view: CanvasView) -> None:
    on_screen(view)
    for row, col, size in [(10, 10, 60), (100, 150, 30), (0, 0, 240), (50, 60, 5)]:
        view.proposal.set(Rect(row, col, row + size, col + size), np.ones((size, size), np.bool_))
        assert_no_traces(view)
    view.proposal.set(None, None)
    assert_no_traces(view)
