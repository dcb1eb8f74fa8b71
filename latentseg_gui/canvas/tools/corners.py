"""The outline of an object of the mask: its corners are moved, added and taken away."""

from __future__ import annotations

from collections.abc import Callable

from typing_extensions import override

from latentseg_gui.canvas.gestures import Gesture, Pointer, PointerKind
from latentseg_gui.canvas.tools.base import Tool
from latentseg_gui.canvas.tools.click import DRAG_START
from latentseg_gui.canvas.tools.polygon import side_at
from latentseg_gui.document.masks.tools import ToolName


class OutlineTool(Tool):
    """A click shows the corners of an object; drag one or a side, right click takes one away."""

    name = ToolName.OUTLINE
    takes_right_button = True

    @override
    def press(self, pointer: Pointer) -> Gesture | None:
        outline, intents = self.at.outline, self.at.intents
        index = outline.handle_at(pointer.position, self.at.viewport)
        if pointer.is_right:
            if index is not None:
                intents.corner_removed.emit(index)
            return None
        if index is not None:
            return self._drag(pointer, index, lambda x, y: intents.corner_moved.emit(index, x, y))
        points = outline.points
        corners = [self.at.viewport.to_logical(point) for point in (*points, *points[:1])]
        side = side_at(pointer.position, corners)
        if side is not None:
            return self._drag(
                pointer, side + 1, lambda x, y: intents.corner_added.emit(side, x, y), is_new=True
            )
        if self.at.viewport.contains(pointer.xy):
            intents.outline_requested.emit(*pointer.xy)
        return None

    @override
    def hover(self, pointer: Pointer) -> None:
        outline = self.at.outline
        hot = outline.handle_at(pointer.position, self.at.viewport)
        if hot != outline.hot:
            outline.hot = hot
            self._redraw()

    def _drag(
        self, start: Pointer, index: int, tell: Callable[[float, float], None], *, is_new: bool = False
    ) -> Gesture:
        """Shows a corner where the hand is, and says so at the end; the document moves it."""
        outline, pointer, is_moved = self.at.outline, start, False
        before = list(outline.points)
        try:
            while pointer.kind is not PointerKind.RELEASE:
                pointer = yield
                is_moved = is_moved or (pointer.position - start.position).manhattanLength() > DRAG_START / 2
                if is_moved:
                    xy = self.at.viewport.clamped(pointer.xy)
                    outline.points[:] = [*before[:index], xy, *before[index + (not is_new) :]]
                    outline.hot = index
                    self._redraw()
        finally:
            outline.points, outline.hot = before, None
            self._redraw()
        if is_moved:
            tell(*self.at.viewport.clamped(pointer.xy))

    def _redraw(self) -> None:
        self.at.surface.refresh_chrome(self.at.outline)
