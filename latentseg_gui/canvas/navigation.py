"""Drags that move the view and never disturb the tool."""

from __future__ import annotations

from latentseg_gui.canvas.chrome.minimap import Minimap
from latentseg_gui.canvas.gestures import Gesture, Pointer, PointerKind
from latentseg_gui.canvas.overlays import CanvasOverlays
from latentseg_gui.canvas.surface import CanvasSurface


def pan_drag(canvas: CanvasSurface, pointer: Pointer) -> Gesture:
    """The image follows the hand."""
    last = pointer.position.toPoint()
    while pointer.kind is not PointerKind.RELEASE:
        pointer = yield
        now = pointer.position.toPoint()
        canvas.pan_by(now - last)
        last = now


def minimap_drag(canvas: CanvasSurface, minimap: Minimap, pointer: Pointer) -> Gesture:
    """What is under the hand on the minimap comes into the middle."""
    while pointer.kind is not PointerKind.RELEASE:
        canvas.centre_on(minimap.to_image(pointer.position, canvas.viewport))
        pointer = yield


def divider_drag(canvas: CanvasOverlays, pointer: Pointer) -> Gesture:
    """The divider of a comparison follows the hand."""
    while pointer.kind is not PointerKind.RELEASE:
        pointer = yield
        canvas.set_divider(pointer.position.x() / max(1, canvas.width()))
