"""The mouse on the canvas: navigation first, then the tool in the hand."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent

from latentseg_gui.canvas.camera import Camera
from latentseg_gui.canvas.chrome.brush_cursor import BrushCursor
from latentseg_gui.canvas.chrome.minimap import Minimap
from latentseg_gui.canvas.gestures import Gesture, GestureRunner, Pointer, PointerKind
from latentseg_gui.canvas.parts.comparison import ComparisonPart
from latentseg_gui.canvas.parts.image import ImagePart
from latentseg_gui.canvas.tools import Workplace, make_tools
from latentseg_gui.document.masks.tools import ClickDrag, ToolName

_SETTLE_MS: Final = 80
"""How long the mouse must rest before `hover_rested`."""

_STAY_MS: Final = 200
"""How much longer before `hover_stayed`: a hand on its way does not stop for so long."""


class PointerHandler(QObject):
    """Turns the mouse into gestures, of which one of the view and one of the tool can be in progress.

    Attributes:
        brush: the circle around the mouse.
    """

    def __init__(self, at: Workplace, image: ImagePart, comparison: ComparisonPart) -> None:
        super().__init__(at.intents)
        self.brush = BrushCursor(at.intents.font())
        self._at = at
        self._widget = at.intents
        self._image = image
        self._comparison = comparison
        self._tools = make_tools(at)
        self._tool = self._tools[ToolName.CLICK]
        self._work = GestureRunner()
        self._navigation = GestureRunner()
        self._is_space_held = False
        self._hover_xy = (0.0, 0.0)
        self._resting = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._resting.timeout.connect(self._on_rested)
        self._staying = QTimer(self, singleShot=True, interval=_STAY_MS)
        self._staying.timeout.connect(self._on_stayed)
        self.show_cursor(None)

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
        self.brush.is_shown = self._tool.has_brush
        self._at.surface.refresh_chrome(self.brush)
        self.show_cursor(self.brush.position)

    def set_click_drag(self, drag: ClickDrag) -> None:
        """Says what a drag with the click tool draws; one in progress is aborted."""
        self.abort_gesture()
        self._tools[ToolName.CLICK].drag = drag

    def set_brush_diameter(self, diameter: float, caption: str = "") -> None:
        """Shows the brush in its true size, in image pixels, with what there is to say of it."""
        self.brush.diameter, self.brush.caption = diameter, caption
        self._at.surface.refresh_chrome(self.brush)

    def abort_gesture(self) -> bool:
        """Gives up the stroke, box, line or polygon in progress; whether there was one."""
        was_working = self._work.abort()
        return self._tool.abort() or was_working

    def abort_all(self) -> None:
        """Gives up whatever is in progress, moves of the view included."""
        self._navigation.abort()
        self.abort_gesture()

    def press(self, event: QMouseEvent, *, is_double: bool = False) -> None:
        """Begins a gesture."""
        pointer = self._pointer(event, PointerKind.PRESS, is_double=is_double)
        if not self._image.is_shown or self._navigation.is_active:
            return
        navigation = self._navigation_at(pointer)
        if navigation is not None:
            self._navigation.start(navigation, pointer.button)
        elif not self._work.is_active:
            self._begin_work(pointer)
        self.show_cursor(pointer.position)

    def move(self, event: QMouseEvent) -> None:
        """Goes on with a gesture, or hovers."""
        pointer = self._pointer(event, PointerKind.MOVE)
        self.brush.position = pointer.position
        self._hover_xy = pointer.xy
        if not self._image.is_shown:
            return
        self._end_lost(event)
        if self._navigation.is_active:
            self._navigation.send(pointer)
        elif self._work.is_active:
            self._work.send(pointer)
        else:
            self._tool.hover(pointer)
            self._staying.stop()
            self._resting.start()
        self._widget.cursor_moved.emit(*self._at.viewport.to_image(pointer.position))
        self._at.surface.refresh_chrome(self.brush)
        self.show_cursor(pointer.position)

    def release(self, event: QMouseEvent) -> None:
        """Ends the gesture that its button began."""
        pointer = self._pointer(event, PointerKind.RELEASE)
        for runner in (self._navigation, self._work):
            if runner.ends_with(event.button()):
                runner.send(pointer)
                break
        self.show_cursor(pointer.position)

    def leave(self) -> None:
        """The mouse is no longer over the canvas."""
        self.brush.position = None
        self._stop_resting()
        self._at.surface.refresh_chrome(self.brush)
        self._widget.cursor_left.emit()

    def send_key(self, key: int) -> bool:
        """Hands a key to the tool in the hand; whether it was meant for it."""
        return self._tool.key(key)

    def hold_space(self, is_held: bool) -> None:
        """While Space is held, a drag moves the view."""
        self._is_space_held = is_held
        self.show_cursor(None)

    def hold_eraser(self, is_held: bool) -> None:
        """Ctrl over the brush: the next press erases, with the size of the eraser."""
        if self.tool is ToolName.BRUSH and not self._work.is_active and self._image.is_shown:
            self._widget.erasing_announced.emit(is_held)

    def show_cursor(self, position: QPointF | None) -> None:
        """Shows what a press would do, or what is being done."""
        shape = self._tool.cursor if self._image.is_shown else Qt.CursorShape.ArrowCursor
        if self._navigation.is_active:
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._is_space_held:
            shape = Qt.CursorShape.OpenHandCursor
        elif position is not None and not self._work.is_active:
            shape = self._cursor_over(position) or shape
        if self._widget.cursor().shape() != shape:
            self._widget.setCursor(shape)

    def _pointer(self, event: QMouseEvent, kind: PointerKind, *, is_double: bool = False) -> Pointer:
        position = event.position()
        xy = self._at.viewport.to_image(position)
        return Pointer(kind, xy, position, event.button(), event.modifiers(), is_double)

    def _begin_work(self, pointer: Pointer) -> None:
        is_known = pointer.button in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton)
        is_outside = not self._at.viewport.contains(pointer.xy)
        if pointer.is_right and not self._tool.takes_right_button:
            place = self._widget.mapToGlobal(pointer.position).toPoint()
            self._widget.context_menu_requested.emit(place, pointer.xy)
        elif pointer.is_double and is_outside and not self._tool.is_busy:
            self._at.camera.zoom_to_fit()
        elif is_known:
            self._stop_resting()
            self._work.start(self._tool.press(pointer), pointer.button)

    def _navigation_at(self, pointer: Pointer) -> Gesture | None:
        """The drag of the view that a press begins, if it is not meant for the tool."""
        camera, minimap = self._at.camera, self._image.minimap
        is_left = pointer.button == Qt.MouseButton.LeftButton
        if pointer.button == Qt.MouseButton.MiddleButton or (is_left and self._is_space_held):
            return _pan_drag(camera, pointer)
        if not is_left or self._work.is_active:
            return None
        if self._comparison.divider.is_at(pointer.position, camera.viewport):
            return _divider_drag(self._comparison, self._widget.width(), pointer)
        if minimap.bounds(camera.viewport).contains(pointer.position.toPoint()):
            return _minimap_drag(camera, minimap, pointer)
        return None

    def _cursor_over(self, position: QPointF) -> Qt.CursorShape | None:
        viewport = self._at.viewport
        if self._comparison.divider.is_at(position, viewport):
            return Qt.CursorShape.SplitHCursor
        if self._image.minimap.bounds(viewport).contains(position.toPoint()):
            return Qt.CursorShape.PointingHandCursor
        is_on_marker = self._at.markers.index_at(position, viewport) is not None
        return Qt.CursorShape.PointingHandCursor if is_on_marker and self.tool is ToolName.CLICK else None

    def _on_rested(self) -> None:
        if self._at.viewport.contains(self._hover_xy) and not self.is_busy:
            self._widget.hover_rested.emit(*self._hover_xy)
            self._staying.start()

    def _on_stayed(self) -> None:
        if not self.is_busy:
            self._widget.hover_stayed.emit(*self._hover_xy)

    def _stop_resting(self) -> None:
        self._resting.stop()
        self._staying.stop()

    def _end_lost(self, event: QMouseEvent) -> None:
        """Ends a gesture whose release went elsewhere, for example to a window that popped up."""
        for runner in (self._navigation, self._work):
            if runner.is_lost(event.buttons()):
                runner.send(self._pointer(event, PointerKind.RELEASE))


def _pan_drag(camera: Camera, pointer: Pointer) -> Gesture:
    """The image follows the hand."""
    last = pointer.position.toPoint()
    while pointer.kind is not PointerKind.RELEASE:
        pointer = yield
        now = pointer.position.toPoint()
        camera.pan_by(now - last)
        last = now


def _minimap_drag(camera: Camera, minimap: Minimap, pointer: Pointer) -> Gesture:
    """What is under the hand on the minimap comes into the middle."""
    while pointer.kind is not PointerKind.RELEASE:
        camera.centre_on(minimap.to_image(pointer.position, camera.viewport))
        pointer = yield


def _divider_drag(comparison: ComparisonPart, width: int, pointer: Pointer) -> Gesture:
    """The divider of a comparison follows the hand, on a view of so many logical pixels."""
    while pointer.kind is not PointerKind.RELEASE:
        pointer = yield
        comparison.set_divider(pointer.position.x() / max(1, width))
