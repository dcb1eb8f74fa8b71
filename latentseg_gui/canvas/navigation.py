"""Drags that move the view and never disturb the tool."""

from __future__ import annotations

from latentseg_gui.canvas.camera import Camera
from latentseg_gui.canvas.chrome.minimap import Minimap
from latentseg_gui.canvas.gestures import Gesture, Pointer, PointerKind
from latentseg_gui.canvas.parts.comparison import ComparisonPart


def pan_drag(camera: Camera, pointer: Pointer) -> Gesture:
    """The image follows the hand."""
    last = pointer.position.toPoint()
    while pointer.kind is not PointerKind.RELEASE:
        pointer = yield
        now = pointer.position.toPoint()
        camera.pan_by(now - last)
        last = now


def minimap_drag(camera: Camera, minimap: Minimap, pointer: Pointer) -> Gesture:
    """What is under the hand on the minimap comes into the middle."""
    while pointer.kind is not PointerKind.RELEASE:
        camera.centre_on(minimap.to_image(pointer.position, camera.viewport))
        pointer = yield


def divider_drag(comparison: ComparisonPart, width: int, pointer: Pointer) -> Gesture:
    """The divider of a comparison follows the hand, on a view of so many logical pixels."""
    while pointer.kind is not PointerKind.RELEASE:
        pointer = yield
        comparison.set_divider(pointer.position.x() / max(1, width))
