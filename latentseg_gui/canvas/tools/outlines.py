"""Areas and cuts drawn freehand, and the line that joins two objects."""

from __future__ import annotations

from typing import ClassVar, Final

from typing_extensions import override

from latentseg_gui.canvas.gestures import Gesture, Pointer, PointerKind, every_sample
from latentseg_gui.canvas.tools.base import Tool
from latentseg_gui.canvas.tools.click import DRAG_START
from latentseg_gui.document.masks.tools import ToolName

_STEP: Final = 3.0
"""Logical pixels between two points of a line drawn freehand."""


class LassoTool(Tool):
    """A line drawn around an area, closed on release."""

    name = ToolName.LASSO
    is_closed: ClassVar[bool] = True
    fewest_points: ClassVar[int] = 3

    @override
    def press(self, pointer: Pointer) -> Gesture | None:
        return self._draw(pointer)

    def _draw(self, pointer: Pointer) -> Gesture:
        trail = self.trail
        trail.points, trail.is_closed, trail.has_handles = [pointer.xy], self.is_closed, False
        try:
            with every_sample():
                while pointer.kind is not PointerKind.RELEASE:
                    pointer = yield
                    is_last = pointer.kind is PointerKind.RELEASE and pointer.xy != trail.points[-1]
                    if is_last or self._is_step(pointer):
                        self._extend(pointer.xy)
                        self.redraw()
            points = list(trail.points)
        finally:
            trail.clear()
            self.redraw()
        if len(points) >= self.fewest_points:
            self._complete(points)

    def _is_step(self, pointer: Pointer) -> bool:
        """Whether the hand has moved far enough to be worth a point: a slow line has no more than a fast one."""
        away = self.at.viewport.to_logical(self.trail.points[-1]) - pointer.position
        return away.manhattanLength() >= _STEP

    def _extend(self, xy: tuple[float, float]) -> None:
        self.trail.points.append(xy)

    def _complete(self, points: list[tuple[float, float]]) -> None:
        self.at.intents.lasso_completed.emit(points)


class SplitTool(LassoTool):
    """A line drawn across an object, along which it is to be cut; or a click into each of its parts."""

    name = ToolName.SPLIT
    is_closed = False
    fewest_points = 1

    def _complete(self, points: list[tuple[float, float]]) -> None:
        if self._is_click(points):
            if self.at.viewport.contains(points[0]):
                self.at.intents.split_seed_added.emit(*points[0])
        else:
            self.at.intents.split_line_completed.emit(points)

    def _is_click(self, points: list[tuple[float, float]]) -> bool:
        start, *others = [self.at.viewport.to_logical(point) for point in points]
        return all((other - start).manhattanLength() <= DRAG_START for other in others)


class JoinTool(LassoTool):
    """A straight line from one object to another."""

    name = ToolName.JOIN
    is_closed = False
    fewest_points = 2

    def _is_step(self, pointer: Pointer) -> bool:
        return True

    def _extend(self, xy: tuple[float, float]) -> None:
        self.trail.points[1:] = [xy]

    def _complete(self, points: list[tuple[float, float]]) -> None:
        self.at.intents.join_requested.emit(points[0], points[-1])
