"""The mouse on the canvas: navigation first, then the tool in the hand."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QWidget

from latentseg_gui.canvas.chrome.brush_cursor import BrushCursor
from latentseg_gui.canvas.chrome.trail import Trail
from latentseg_gui.canvas.display import CanvasDisplay
from latentseg_gui.canvas.gestures import Gesture, GestureRunner, Pointer, PointerKind
from latentseg_gui.canvas.navigation import divider_drag, minimap_drag, pan_drag
from latentseg_gui.canvas.tools import ToolName, make_tools

_SETTLE_MS: Final = 80
"""How long the mouse must rest before `hover_settled`."""


class CanvasPointer(CanvasDisplay):
    """Turns the mouse into gestures, of which one of the view and one of the tool can be in progress."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trail = Trail()
        self._brush = BrushCursor(self.font())
        self._chrome.insert(0, self._trail)
        self._chrome.insert(1, self._brush)
        self._tools = make_tools(self, self._trail)
        self._tool = self._tools[ToolName.CLICK]
        self._work = GestureRunner()
        self._navigation = GestureRunner()
        self._is_space_held = False
        self._hover_xy = (0.0, 0.0)
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(_SETTLE_MS)
        self._settling.timeout.connect(self._settle)
        self.setMouseTracking(True)
        self._show_cursor(None)

    @property
    def tool(self) -> ToolName:
        """The tool in the hand."""
        return self._tool.name

    @property
    def is_busy(self) -> bool:
        """Whether there is a gesture or an unfinished polygon that `abort_gesture` would give up."""
        return self._work.is_active or self._tool.is_busy

    def set_tool(self, name: ToolName) -> None:
        """Takes another tool into the hand; what the one before was doing is aborted."""
        if name == self._tool.name:
            return
        self.abort_gesture()
        self._tool = self._tools[name]
        self._brush.is_shown = self._tool.has_brush
        self.refresh_chrome(self._brush)
        self._show_cursor(self._brush.position)

    def set_brush_diameter(self, diameter: float, caption: str = "") -> None:
        """Shows the brush in its true size, in image pixels, with what there is to say of it."""
        self._brush.diameter, self._brush.caption = diameter, caption
        self.refresh_chrome(self._brush)

    def abort_gesture(self) -> bool:
        """Gives up the stroke, box, line or polygon in progress; whether there was one."""
        was_working = self._work.abort()
        return self._tool.abort() or was_working

    def _forget(self) -> None:
        self.abort_gesture()
        self._navigation.abort()
        super()._forget()

    def _pointer(self, event: QMouseEvent, kind: PointerKind, *, is_double: bool = False) -> Pointer:
        position = event.position()
        xy = self._viewport.to_image(position)
        return Pointer(kind, xy, position, event.button(), event.modifiers(), is_double)

    def _begin(self, pointer: Pointer) -> None:
        if not self.has_image or self._navigation.is_active:
            return
        navigation = self._navigation_at(pointer)
        if navigation is not None:
            self._navigation.start(navigation, pointer.button)
        elif not self._work.is_active:
            self._begin_work(pointer)
        self._show_cursor(pointer.position)

    def _begin_work(self, pointer: Pointer) -> None:
        is_known = pointer.button in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton)
        is_outside = not self._viewport.contains(pointer.xy)
        if pointer.is_right and not self._tool.takes_right_button:
            self.context_menu_requested.emit(self.mapToGlobal(pointer.position).toPoint(), pointer.xy)
        elif pointer.is_double and is_outside and not self._tool.is_busy:
            self.zoom_to_fit()
        elif is_known:
            self._settling.stop()
            self._work.start(self._tool.press(pointer), pointer.button)

    def _navigation_at(self, pointer: Pointer) -> Gesture | None:
        """The drag of the view that a press begins, if it is not meant for the tool."""
        is_left = pointer.button == Qt.MouseButton.LeftButton
        if pointer.button == Qt.MouseButton.MiddleButton or (is_left and self._is_space_held):
            return pan_drag(self, pointer)
        if not is_left or self._work.is_active:
            return None
        if self._divider.is_at(pointer.position, self._viewport):
            return divider_drag(self, pointer)
        if self._minimap.bounds(self._viewport).contains(pointer.position.toPoint()):
            return minimap_drag(self, self._minimap, pointer)
        return None

    def _show_cursor(self, position: QPointF | None) -> None:
        """Shows what a press would do, or what is being done."""
        shape = self._tool.cursor if self.has_image else Qt.CursorShape.ArrowCursor
        if self._navigation.is_active or (self._work.is_active and self._tool.name is ToolName.PAN):
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._is_space_held:
            shape = Qt.CursorShape.OpenHandCursor
        elif position is not None and not self._work.is_active:
            shape = self._cursor_over(position) or shape
        if self.cursor().shape() != shape:
            self.setCursor(shape)

    def _cursor_over(self, position: QPointF) -> Qt.CursorShape | None:
        if self._divider.is_at(position, self._viewport):
            return Qt.CursorShape.SplitHCursor
        if self._minimap.bounds(self._viewport).contains(position.toPoint()):
            return Qt.CursorShape.PointingHandCursor
        is_on_marker = self.markers.index_at(position, self._viewport) is not None
        return Qt.CursorShape.PointingHandCursor if is_on_marker and self.tool is ToolName.CLICK else None

    def _settle(self) -> None:
        if self._viewport.contains(self._hover_xy) and not self.is_busy:
            self.hover_settled.emit(*self._hover_xy)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begins a gesture."""
        self._begin(self._pointer(event, PointerKind.PRESS))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Begins a gesture like any press: fast dabs of a brush arrive as double clicks."""
        self._begin(self._pointer(event, PointerKind.PRESS, is_double=True))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Goes on with a gesture, or hovers."""
        pointer = self._pointer(event, PointerKind.MOVE)
        self._brush.position = pointer.position
        self._hover_xy = pointer.xy
        if not self.has_image:
            return
        self._end_lost(event)
        if self._navigation.is_active:
            self._navigation.send(pointer)
        elif self._work.is_active:
            self._work.send(pointer)
        else:
            self._tool.hover(pointer)
            self._settling.start()
        self.cursor_moved.emit(*self._viewport.to_image(pointer.position))
        self.refresh_chrome(self._brush)
        self._show_cursor(pointer.position)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Ends the gesture that its button began."""
        pointer = self._pointer(event, PointerKind.RELEASE)
        for runner in (self._navigation, self._work):
            if runner.ends_with(event.button()):
                runner.send(pointer)
                break
        self._show_cursor(pointer.position)

    def _end_lost(self, event: QMouseEvent) -> None:
        """Ends a gesture whose release went elsewhere, for example to a window that popped up."""
        for runner in (self._navigation, self._work):
            if runner.is_lost(event.buttons()):
                runner.send(self._pointer(event, PointerKind.RELEASE))
