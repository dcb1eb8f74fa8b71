"""The hand: what is asked for by which gesture, and that each can be given up."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import (
    QContextMenuEvent,
    QEnterEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPointingDevice,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QListWidget, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.document.masks.tools import ClickDrag, ToolName
from latentseg_gui.document.prediction.proposals import PromptPoint, PromptSet

from .hand import CTRL, LEFT, MIDDLE, NONE, RIGHT, SHIFT, Hand, grabbed, numbered_image

DRAG_TOOLS = {
    ToolName.BRUSH: "stroke_finished",
    ToolName.ERASER: "stroke_finished",
    ToolName.LASSO: "lasso_completed",
    ToolName.SPLIT: "split_line_completed",
    ToolName.JOIN: "join_requested",
    ToolName.NUDGE: "nudge_finished",
    ToolName.CLICK: "box_added",
}


def test_a_stroke_is_told_from_start_to_finish(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.BRUSH)
    hand.drag((50.5, 60.5), (80.5, 60.5), (90.5, 100.5))
    assert hand.names == ["stroke_started", "stroke_moved", "stroke_moved", "stroke_finished"]
    (start, is_erasing), *_ = hand.of("stroke_started")
    assert start == pytest.approx((50.5, 60.5), abs=1)
    assert not is_erasing
    assert hand.of("stroke_moved")[-1][0] == pytest.approx((90.5, 100.5), abs=1)


def test_every_move_of_a_fast_drag_is_told(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.BRUSH)
    places = [(40.5 + i, 100.5 + 60 * np.sin(i / 9)) for i in range(200)]
    hand.drag(*places)
    assert len(hand.of("stroke_moved")) == 199


@pytest.mark.parametrize("tool", [ToolName.BRUSH, ToolName.LASSO])
def test_no_position_of_the_hand_is_left_out_while_it_draws(
    view: CanvasView, hand: Hand, tool: ToolName
) -> None:
    compressing = Qt.ApplicationAttribute.AA_CompressHighFrequencyEvents
    QApplication.setAttribute(compressing, True)
    view.pointer.set_tool(tool)
    for ends_well in (True, False):
        QTest.mousePress(view, LEFT, NONE, QPoint(60, 60))
        assert not QApplication.testAttribute(compressing)
        if ends_well:
            QTest.mouseRelease(view, LEFT, NONE, QPoint(70, 60))
        else:
            view.pointer.abort_gesture()
        assert QApplication.testAttribute(compressing)


def test_ctrl_over_the_brush_announces_that_a_press_would_erase(view: CanvasView, qtbot: QtBot) -> None:
    told: list[bool] = []
    view.erasing_announced.connect(told.append)
    QTest.keyPress(view, Qt.Key.Key_Control)
    QTest.keyRelease(view, Qt.Key.Key_Control)
    assert told == []
    view.pointer.set_tool(ToolName.BRUSH)
    QTest.keyPress(view, Qt.Key.Key_Control)
    QTest.keyRelease(view, Qt.Key.Key_Control)
    assert told == [True, False]


def test_the_size_of_the_brush_is_said_beside_it_inside_the_view(view: CanvasView) -> None:
    view.pointer.set_tool(ToolName.BRUSH)
    for place in (QPoint(5, 5), QPoint(view.width() - 3, view.height() - 3), view.rect().center()):
        QTest.mouseMove(view, place)
        view.pointer.set_brush_diameter(30.0, "erase, 30 px")
        assert view.rect().contains(view.pointer.brush._panel(view.camera.viewport).toAlignedRect())
        view.repaint()
    view.pointer.set_brush_diameter(30.0)
    assert not view.pointer.brush.caption


@pytest.mark.parametrize(
    ("tool", "button", "keys", "is_erasing"),
    [
        (ToolName.BRUSH, LEFT, NONE, False),
        (ToolName.BRUSH, LEFT, SHIFT, False),
        (ToolName.BRUSH, LEFT, CTRL, True),
        (ToolName.BRUSH, RIGHT, NONE, True),
        (ToolName.ERASER, LEFT, NONE, True),
        (ToolName.ERASER, RIGHT, NONE, True),
    ],
)
def test_when_a_stroke_erases(
    view: CanvasView,
    hand: Hand,
    tool: ToolName,
    button: Qt.MouseButton,
    keys: Qt.KeyboardModifier,
    is_erasing: bool,
) -> None:
    view.pointer.set_tool(tool)
    hand.click(50, 50, button, keys)
    assert [entry[1] for entry in hand.of("stroke_started")] == [is_erasing]
    assert hand.names[-1] == "stroke_finished"


def test_fast_dabs_that_arrive_as_double_clicks_all_paint(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.BRUSH)
    hand.double_click(70, 70)
    assert hand.names == ["stroke_started", "stroke_finished"] * 2


def test_a_stroke_may_start_outside_the_image(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.BRUSH)
    hand.drag((-6.0, 50.0), (20.0, 50.0))
    assert hand.of("stroke_started")[0][0][0] < 0


OPEN = ((40.5, 60.5), (80.5, 60.5), (120.5, 90.5))
CLOSED = ((40.5, 40.5), (120.5, 40.5), (120.5, 110.5), (40.5, 110.5), (40.5, 43.5))


@pytest.mark.parametrize(
    ("drag", "button", "keys", "way", "is_positive", "is_loop"),
    [
        (ClickDrag.BOX, LEFT, CTRL, OPEN, True, False),
        (ClickDrag.BOX, LEFT, CTRL, CLOSED, True, True),
        (ClickDrag.BOX, RIGHT, NONE, OPEN, False, False),
        (ClickDrag.BOX, RIGHT, NONE, CLOSED, False, True),
        (ClickDrag.BOX, LEFT, SHIFT, OPEN, False, False),
        (ClickDrag.STROKE, LEFT, NONE, OPEN, True, False),
        (ClickDrag.STROKE, LEFT, NONE, CLOSED, True, False),
        (ClickDrag.STROKE, RIGHT, NONE, CLOSED, False, False),
        (ClickDrag.LASSO, LEFT, NONE, OPEN, True, True),
        (ClickDrag.LASSO, RIGHT, NONE, OPEN, False, True),
        (ClickDrag.LASSO, LEFT, CTRL, OPEN, True, False),
    ],
)
def test_a_drag_with_the_click_tool_draws_a_line(
    view: CanvasView,
    hand: Hand,
    drag: ClickDrag,
    button: Qt.MouseButton,
    keys: Qt.KeyboardModifier,
    way: tuple[tuple[float, float], ...],
    is_positive: bool,
    is_loop: bool,
) -> None:
    view.pointer.set_click_drag(drag)
    hand.drag(*way, button=button, keys=keys)
    assert hand.names == ["line_added"]
    ((places, said_positive, said_loop),) = hand.of("line_added")
    assert (said_positive, said_loop) == (is_positive, is_loop)
    assert places[0] == pytest.approx(way[0], abs=1)
    assert places[-1] == pytest.approx(way[-1], abs=1)


@pytest.mark.parametrize("drag", ClickDrag)
def test_a_press_without_a_drag_is_a_click_whatever_a_drag_draws(
    view: CanvasView, hand: Hand, drag: ClickDrag
) -> None:
    view.pointer.set_click_drag(drag)
    for button, keys in ((LEFT, NONE), (RIGHT, NONE), (LEFT, SHIFT), (LEFT, CTRL)):
        hand.click(60, 60, button, keys)
    assert [entry[2] for entry in hand.of("prompt_added")] == [True, False, False]
    assert len(hand.of("take_up_requested")) == 1


def test_a_box_is_dragged_unless_something_else_is_chosen(view: CanvasView, hand: Hand) -> None:
    hand.drag(*OPEN)
    assert hand.names == ["box_added"]


@pytest.mark.parametrize("drag", [ClickDrag.STROKE, ClickDrag.LASSO])
def test_a_line_that_is_given_up_or_leaves_the_image_asks_for_nothing_outside(
    view: CanvasView, hand: Hand, drag: ClickDrag
) -> None:
    view.pointer.set_click_drag(drag)
    hand.press(50, 50)
    hand.move(80, 80)
    hand.key(Qt.Key.Key_Escape)
    hand.release(90, 60)
    assert hand.names == []
    hand.drag((50, 50), (-40, 60), (60, -30))
    ((places, _, _),) = hand.of("line_added")
    rows, cols = view.camera.viewport.image_shape
    assert all(0 <= x <= cols and 0 <= y <= rows for x, y in places)


def test_lines_are_shown_where_they_were_drawn_and_move_with_their_marker(
    view: CanvasView, hand: Hand
) -> None:
    before = grabbed(view)
    point = PromptPoint(OPEN[-1], True, OPEN)
    view.prompts.set(PromptSet((point,)))
    middle = hand.at(60.5, 60.5)
    assert (grabbed(view)[middle.y(), middle.x()] != before[middle.y(), middle.x()]).any()
    hand.drag(OPEN[-1], (120.5, 120.5))
    assert hand.of("prompt_moved")[0][0] == 0
    moved = point.moved((120.5, 120.5))
    assert moved.way[0] == pytest.approx((40.5, 90.5))
    view.prompts.set(PromptSet())
    assert (grabbed(view) == before).all()


@pytest.mark.parametrize("tool", DRAG_TOOLS)
def test_escape_gives_a_gesture_up(view: CanvasView, hand: Hand, tool: ToolName) -> None:
    view.pointer.set_tool(tool)
    hand.press(50, 50)
    hand.move(80, 80)
    hand.move(90, 60)
    assert view.pointer.is_busy
    hand.key(Qt.Key.Key_Escape)
    hand.move(95, 95)
    hand.release(95, 95)
    assert not view.pointer.is_busy
    assert DRAG_TOOLS[tool] not in hand.names
    assert hand.names[-1:] == [
        f"{told[:-9]}_aborted" for told in (DRAG_TOOLS[tool],) if told.endswith("_finished")
    ]


@pytest.mark.parametrize("tool", DRAG_TOOLS)
@pytest.mark.parametrize("event", ["tool", "image", "hide", "clear"])
def test_what_ends_a_gesture_without_finishing_it(
    view: CanvasView, hand: Hand, tool: ToolName, event: str
) -> None:
    view.pointer.set_tool(tool)
    hand.press(50, 50)
    hand.move(90, 90)
    if event == "tool":
        view.pointer.set_tool(ToolName.FILL)
    elif event == "image":
        view.image.set(numbered_image(100, 100))
    elif event == "hide":
        view.hide()
    else:
        view.image.clear()
    assert not view.pointer.is_busy
    assert DRAG_TOOLS[tool] not in hand.names
    assert hand.names.count("stroke_aborted") == ("stroke" in DRAG_TOOLS[tool])


def test_the_next_gesture_after_an_abort_is_whole(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.BRUSH)
    hand.press(50, 50)
    view.pointer.abort_gesture()
    hand.release(50, 50)
    hand.drag((60, 60), (70, 70))
    assert hand.names == [
        "stroke_started",
        "stroke_aborted",
        "stroke_started",
        "stroke_moved",
        "stroke_finished",
    ]


def test_a_release_that_went_elsewhere_finishes_the_stroke(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.BRUSH)
    hand.press(50, 50)
    where = QPointF(hand.at(80, 80))
    move = QMouseEvent(
        QEvent.Type.MouseMove,
        where,
        view.mapToGlobal(where),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton,
        NONE,
    )
    QApplication.sendEvent(view, move)
    assert hand.names[-1] == "stroke_finished"
    assert not view.pointer.is_busy


@pytest.mark.parametrize("pan", ["middle", "space"])
def test_panning_does_not_disturb_the_tool(view: CanvasView, hand: Hand, pan: str) -> None:
    view.pointer.set_tool(ToolName.BRUSH)
    view.camera.zoom_to(3.0)
    before = view.camera.viewport.offset
    button = MIDDLE if pan == "middle" else LEFT
    if pan == "space":
        QTest.keyPress(view, Qt.Key.Key_Space)
    start = QPoint(200, 200)
    QTest.mousePress(view, button, NONE, start)
    QTest.mouseMove(view, start + QPoint(40, 25))
    QTest.mouseRelease(view, button, NONE, start + QPoint(40, 25))
    QTest.keyRelease(view, Qt.Key.Key_Space)
    assert view.camera.viewport.offset == (before[0] + 40, before[1] + 25)
    assert hand.heard == []
    hand.click(160, 120)
    assert hand.names == ["stroke_started", "stroke_finished"]


def test_panning_in_the_middle_of_a_stroke(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.BRUSH)
    view.camera.zoom_to(3.0)
    hand.press(150, 120)
    QTest.mousePress(view, MIDDLE, NONE, QPoint(200, 200))
    QTest.mouseMove(view, QPoint(230, 200))
    QTest.mouseRelease(view, MIDDLE, NONE, QPoint(230, 200))
    hand.move(155, 125)
    hand.release(155, 125)
    assert hand.names == ["stroke_started", "stroke_moved", "stroke_finished"]
    assert hand.of("stroke_moved")[0][0] == pytest.approx((155, 125), abs=0.6)


@pytest.mark.parametrize("keys", [NONE, CTRL])
def test_the_wheel_zooms_at_the_cursor(view: CanvasView, hand: Hand, keys: Qt.KeyboardModifier) -> None:
    place = hand.at(200, 90)
    before = view.camera.zoom
    seen = view.camera.viewport.to_image(QPointF(place))
    hand.wheel(200, 90, 2, keys)
    assert view.camera.zoom > before * 1.4
    assert view.camera.viewport.to_image(QPointF(place)) == pytest.approx(seen, abs=1.0)
    assert "brush_diameter_change_requested" not in hand.names


def test_the_wheel_with_shift_asks_for_another_brush(view: CanvasView, hand: Hand) -> None:
    before = view.camera.zoom
    view.pointer.set_tool(ToolName.BRUSH)
    hand.wheel(100, 100, 1, SHIFT)
    hand.wheel(100, 100, -1, SHIFT)
    (larger,), (smaller,) = hand.of("brush_diameter_change_requested")
    assert larger > 1 > smaller
    assert view.camera.zoom == before
    assert not hand.of("border_move_requested")


def test_the_wheel_with_shift_moves_the_border_of_what_is_clicked(view: CanvasView, hand: Hand) -> None:
    before = view.camera.zoom
    view.pointer.set_tool(ToolName.CLICK)
    hand.wheel(100, 100, -1, SHIFT)
    hand.wheel(100, 100, 2, SHIFT)
    assert hand.of("border_move_requested") == [(-1,), (2,)]
    assert not hand.of("brush_diameter_change_requested")
    assert view.camera.zoom == before


def test_the_zoom_halts_at_100_percent_and_goes_on(view: CanvasView, hand: Hand) -> None:
    view.camera.zoom_to(0.9)
    hand.wheel(160, 120, 1)
    assert view.camera.zoom == 1.0
    hand.wheel(160, 120, 1)
    assert view.camera.zoom > 1.2


def test_a_zoom_in_the_middle_of_a_stroke(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.BRUSH)
    hand.press(100, 100)
    hand.wheel(100, 100, 5)
    hand.move(104, 101)
    hand.release(104, 101)
    assert hand.of("stroke_moved")[-1][0] == pytest.approx((104, 101), abs=0.5)
    assert hand.names[-1] == "stroke_finished"


@pytest.mark.parametrize(
    ("button", "keys", "is_positive"), [(LEFT, NONE, True), (RIGHT, NONE, False), (LEFT, SHIFT, False)]
)
def test_clicks_are_positive_or_negative(
    view: CanvasView, hand: Hand, button: Qt.MouseButton, keys: Qt.KeyboardModifier, is_positive: bool
) -> None:
    hand.click(120.5, 130.5, button, keys)
    ((x, y, said),) = hand.of("prompt_added")
    assert (x, y) == pytest.approx((120.5, 130.5), abs=1)
    assert said is is_positive


def test_a_shaky_click_is_no_box(view: CanvasView, hand: Hand) -> None:
    place = hand.at(100, 100)
    QTest.mousePress(view, LEFT, NONE, place)
    QTest.mouseMove(view, place + QPoint(2, 2))
    QTest.mouseRelease(view, LEFT, NONE, place + QPoint(2, 2))
    assert hand.names == ["prompt_added"]


def test_a_drag_is_a_box_inside_the_image_whatever_its_direction(view: CanvasView, hand: Hand) -> None:
    hand.drag((200, 150), (100, 100), (-7, 60))
    ((x0, y0, x1, y1),) = hand.of("box_added")
    assert (x0, y0, x1, y1) == pytest.approx((0, 60, 200, 150), abs=1.0)
    assert x0 == 0


def test_clicks_beside_the_image_say_nothing(view: CanvasView, hand: Hand) -> None:
    for tool in (ToolName.CLICK, ToolName.FILL, ToolName.WAND, ToolName.PICKER):
        view.pointer.set_tool(tool)
        hand.click(-5, -5)
    assert hand.heard == []


def test_markers_are_moved_and_removed(view: CanvasView, hand: Hand) -> None:
    prompts = PromptSet((PromptPoint((60.5, 60.5), True), PromptPoint((200.5, 100.5), False)))
    view.prompts.set(prompts)
    hand.drag((200.5, 100.5), (180, 120), (150, 140))
    ((index, x, y),) = hand.of("prompt_moved")
    assert (index, x, y) == pytest.approx((1, 150, 140), abs=1)
    hand.click(60.5, 60.5, RIGHT)
    assert hand.of("prompt_removed") == [(0,)]
    assert "prompt_added" not in hand.names


def test_a_marker_that_is_let_go_by_escape_returns(view: CanvasView, hand: Hand) -> None:
    view.prompts.set(PromptSet((PromptPoint((60.5, 60.5), True),)))
    hand.press(60.5, 60.5)
    hand.move(120, 120)
    assert view.prompts.markers.position(0) == pytest.approx((120, 120), abs=1)
    hand.key(Qt.Key.Key_Escape)
    assert view.prompts.markers.position(0) == (60.5, 60.5)
    assert hand.heard == []


@pytest.mark.parametrize(
    ("tool", "signal"),
    [
        (ToolName.FILL, "fill_requested"),
        (ToolName.WAND, "wand_requested"),
        (ToolName.PICKER, "pick_requested"),
    ],
)
def test_tools_of_one_press(view: CanvasView, hand: Hand, tool: ToolName, signal: str) -> None:
    view.pointer.set_tool(tool)
    hand.click(33.5, 44.5)
    assert hand.names == [signal]
    assert hand.of(signal)[0] == pytest.approx((33.5, 44.5), abs=1)


@pytest.mark.parametrize("close", ["first corner", "double click", "enter"])
def test_a_polygon_is_closed(view: CanvasView, hand: Hand, close: str) -> None:
    view.pointer.set_tool(ToolName.POLYGON)
    corners = [(50, 50), (150, 50), (150, 150), (60, 140)]
    for corner in corners:
        hand.click(*corner)
    if close == "first corner":
        hand.click(50, 50)
    elif close == "enter":
        hand.key(Qt.Key.Key_Return)
    else:
        hand.double_click(60, 140)
    ((points,),) = hand.of("polygon_completed")
    assert np.array(points) == pytest.approx(np.array(corners), abs=1)
    assert not view.pointer.is_busy


def test_a_polygon_can_be_edited_before_it_is_closed(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.POLYGON)
    for corner in [(50, 50), (150, 50), (150, 150), (60, 140), (20, 20)]:
        hand.click(*corner)
    hand.key(Qt.Key.Key_Backspace)
    hand.drag((150, 150), (180, 180), (200, 190))
    hand.click(100, 50, keys=SHIFT)
    hand.click(60, 140, RIGHT)
    hand.key(Qt.Key.Key_Return)
    ((points,),) = hand.of("polygon_completed")
    assert np.array(points) == pytest.approx(np.array([(50, 50), (100, 50), (150, 50), (200, 190)]), abs=1)


def test_a_polygon_is_given_up_at_once_and_needs_three_corners(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.POLYGON)
    hand.click(50, 50)
    hand.click(150, 50)
    hand.key(Qt.Key.Key_Return)
    assert view.pointer.is_busy
    hand.key(Qt.Key.Key_Escape)
    assert not view.pointer.is_busy
    assert hand.heard == []


def test_a_lasso_tells_its_way_and_a_dab_is_none(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.LASSO)
    hand.click(100, 100)
    assert hand.heard == []
    hand.drag((50, 50), (150, 50), (150, 150), (50, 150))
    ((points,),) = hand.of("lasso_completed")
    assert np.array(points) == pytest.approx(np.array([(50, 50), (150, 50), (150, 150), (50, 150)]), abs=1)


def test_a_cut_tells_its_way_and_a_click_marks_a_part(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.SPLIT)
    hand.drag((50, 50), (90, 120), (150, 80))
    ((points,),) = hand.of("split_line_completed")
    assert np.array(points) == pytest.approx(np.array([(50, 50), (90, 120), (150, 80)]), abs=1)
    hand.click(60, 70)
    assert hand.of("split_seed_added") == [pytest.approx((60, 70), abs=1)]


def test_joining_tells_both_ends(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.JOIN)
    hand.drag((50, 50), (90, 120), (150, 80))
    ((start, end),) = hand.of("join_requested")
    assert start == pytest.approx((50, 50), abs=1)
    assert end == pytest.approx((150, 80), abs=1)


def test_corners_are_dragged_added_and_taken_away(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.OUTLINE)
    hand.click(60, 60)
    assert hand.of("outline_requested") == [pytest.approx((60, 60), abs=1)]
    corners = [(50.0, 50.0), (150.0, 50.0), (150.0, 150.0)]
    view.outline.set(corners)
    hand.drag((150, 50), (160, 60), (170, 40))
    ((index, *xy),) = hand.of("corner_moved")
    assert index == 1
    assert xy == pytest.approx((170, 40), abs=1)
    hand.drag((100, 100), (90, 110), (70, 130))
    ((side, *xy),) = hand.of("corner_added")
    assert side == 2, "the last side goes back to the first corner"
    assert xy == pytest.approx((70, 130), abs=1)
    hand.click(150, 150, RIGHT)
    assert hand.of("corner_removed") == [(2,)]
    assert hand.of("context_menu_requested") == []


def test_a_push_is_told_from_start_to_finish(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.NUDGE)
    hand.drag((50.5, 60.5), (80.5, 60.5))
    assert hand.names == ["nudge_started", "nudge_moved", "nudge_finished"]


def test_a_right_click_without_another_use_asks_for_the_menu(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.FILL)
    hand.click(80, 90, RIGHT)
    ((place, xy),) = hand.of("context_menu_requested")
    assert xy == pytest.approx((80, 90), abs=1)
    assert view.mapFromGlobal(place) == hand.at(80, 90)


def test_the_menu_key_asks_for_the_menu(view: CanvasView, hand: Hand) -> None:
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(), view.mapToGlobal(QPoint()))
    QApplication.sendEvent(view, event)
    assert hand.names == ["context_menu_requested"]


def test_a_double_click_on_empty_fits(view: CanvasView, hand: Hand) -> None:
    view.camera.zoom_to(0.5)
    QTest.mouseDClick(view, LEFT, NONE, QPoint(3, 3))
    assert view.camera.viewport.is_whole_visible
    assert view.camera.zoom == pytest.approx(view.camera.viewport.fit_scale)
    assert hand.heard == []


def test_the_minimap_moves_the_view(view: CanvasView, hand: Hand) -> None:
    view.camera.zoom_to(8.0)
    area = view.image.minimap.bounds(view.camera.viewport)
    QTest.mouseClick(view, LEFT, NONE, area.topLeft() + QPoint(area.width() // 4, area.height() // 2))
    x, y = view.camera.viewport.to_image(QPointF(250, 200))
    assert (x, y) == pytest.approx((80, 120), abs=8)
    assert hand.heard == []


def test_the_divider_of_a_comparison_is_dragged(view: CanvasView, hand: Hand) -> None:
    ones = np.ones((240, 320), np.uint8)
    view.comparison.set(ones, ones)
    QTest.mousePress(view, LEFT, NONE, QPoint(250, 200))
    QTest.mouseMove(view, QPoint(100, 200))
    QTest.mouseRelease(view, LEFT, NONE, QPoint(100, 200))
    assert view.comparison.divider.fraction == pytest.approx(0.2)
    assert hand.heard == []


def test_cursor_and_hover_are_told(qtbot: QtBot, view: CanvasView, hand: Hand) -> None:
    told = [view.cursor_moved, view.hover_rested, view.hover_stayed]
    with qtbot.waitSignals(told, order="strict") as blocker:
        hand.move(30.5, 40.5)
    for each in blocker.all_signals_and_args:
        assert each.args == pytest.approx((30.5, 40.5), abs=1)
    with qtbot.waitSignal(view.cursor_left):
        QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))


def test_the_canvas_is_silent_without_an_image(qtbot: QtBot) -> None:
    view = CanvasView()
    qtbot.addWidget(view)
    view.show()
    hand = Hand(view)
    for tool in ToolName:
        view.pointer.set_tool(tool)
        hand.drag((5, 5), (60, 60))
        hand.click(20, 20, RIGHT)
        hand.wheel(20, 20, 1)
        hand.move(30, 30)
    assert hand.heard == []


@pytest.mark.parametrize(("key", "is_mine"), [(Qt.Key.Key_Escape, True), (Qt.Key.Key_A, False)])
def test_keys_of_a_gesture_come_before_shortcuts(
    view: CanvasView, hand: Hand, key: Qt.Key, is_mine: bool
) -> None:
    view.pointer.set_tool(ToolName.BRUSH)
    idle = QKeyEvent(QEvent.Type.ShortcutOverride, key, NONE)
    idle.ignore()
    QApplication.sendEvent(view, idle)
    assert not idle.isAccepted()
    hand.press(50, 50)
    busy = QKeyEvent(QEvent.Type.ShortcutOverride, key, NONE)
    busy.ignore()
    QApplication.sendEvent(view, busy)
    assert busy.isAccepted() is is_mine


def enter(view: CanvasView) -> None:
    where = QPointF(20, 20)
    QApplication.sendEvent(view, QEnterEvent(where, where, view.mapToGlobal(where)))


def test_the_mouse_brings_the_keyboard_unless_somebody_types(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    edit, listing, canvas = QLineEdit(), QListWidget(), CanvasView()
    layout = QVBoxLayout(window)
    for part in (edit, listing, canvas):
        layout.addWidget(part)
    window.show()
    window.activateWindow()
    edit.setFocus()
    qtbot.waitUntil(edit.hasFocus)
    enter(canvas)
    assert edit.hasFocus()
    listing.setFocus()
    enter(canvas)
    assert canvas.hasFocus()


def test_a_slow_lasso_has_no_more_points_than_it_needs(view: CanvasView, hand: Hand) -> None:
    view.pointer.set_tool(ToolName.LASSO)
    view.camera.zoom_to(1.0)
    hand.drag(*[(50.5 + i, 50.5) for i in range(150)], (200.5, 150.5), (50.5, 150.5))
    ((points,),) = hand.of("lasso_completed")
    assert len(points) <= 55
    assert points[-1] == pytest.approx((50.5, 150.5), abs=1)


def test_the_view_can_be_moved_without_a_mouse(view: CanvasView, hand: Hand) -> None:
    view.camera.zoom_to(4.0)
    x, y = view.camera.viewport.offset
    hand.key(Qt.Key.Key_Left)
    hand.key(Qt.Key.Key_Down)
    assert view.camera.viewport.offset == (x + 64, y - 64)
    hand.key(Qt.Key.Key_Plus)
    assert view.camera.zoom == pytest.approx(5.0)
    assert hand.heard == []


def test_a_pinch_zooms_at_the_fingers(view: CanvasView, hand: Hand) -> None:
    before, where = view.camera.zoom, QPointF(300, 250)
    seen = view.camera.viewport.to_image(where)
    pinch = QNativeGestureEvent(
        Qt.NativeGestureType.ZoomNativeGesture,
        QPointingDevice.primaryPointingDevice(),
        2,
        where,
        where,
        view.mapToGlobal(where),
        0.3,
        QPointF(),
    )
    QApplication.sendEvent(view, pinch)
    assert view.camera.zoom == pytest.approx(before * 1.3)
    assert view.camera.viewport.to_image(where) == pytest.approx(seen, abs=1)
