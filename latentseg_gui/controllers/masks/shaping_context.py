"""What the controllers that shape objects by hand have in common."""

from __future__ import annotations

from dataclasses import dataclass

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.controllers.masks.objects import ObjectsController
from latentseg_gui.controllers.masks.tool import ToolController
from latentseg_gui.document.document import Document


@dataclass(frozen=True, slots=True)
class ShapingContext:
    """Whom they ask and tell.

    Attributes:
        document: holds the masks with the objects.
        edits: the queue through which every change goes.
        canvas: says what the hand does, and shows outlines.
        objects: the choice of objects.
        tool: which tool is in the hand, and its size.
        errors: hears of what could not be done.
    """

    document: Document
    edits: EditQueue
    canvas: CanvasView
    objects: ObjectsController
    tool: ToolController
    errors: ErrorSink
