"""The tool in the hand and its options."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal

from latentseg_gui.canvas import CanvasView
from latentseg_gui.document.masks.tools import ToolName

_SMALLEST, _LARGEST = 1.0, 1000.0
_STEP = 1.25
_SAID_MS = 900


@dataclass(slots=True)
class PaintOptions:
    """What the tool options bar sets.

    Attributes:
        brush_diameter: in image pixels.
        eraser_diameter: in image pixels; the eraser keeps a size of its own.
        is_erasing_to_background: whether the eraser says "this is background" or takes labels away.
        protect_others: whether pixels of other classes stay as they are.
        keeps_larger: whether an object that is cut in two keeps its larger part only.
        wand_tolerance: largest difference in any colour channel, 0..255.
    """

    brush_diameter: float = 24.0
    eraser_diameter: float = 24.0
    is_erasing_to_background: bool = True
    protect_others: bool = False
    keeps_larger: bool = False
    wand_tolerance: float = 24.0


class ToolController(QObject):
    """Which tool acts on the canvas, and how large, tolerant and careful it is."""

    diameter_changed = Signal(int)
    tool_changed = Signal(object)
    """The `ToolName` in the hand."""

    def __init__(self, canvas: CanvasView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._tool = ToolName.CLICK
        self.options = PaintOptions()
        self._said = QTimer(self, singleShot=True, interval=_SAID_MS)
        self._said.timeout.connect(self.show_diameter)
        canvas.brush_diameter_change_requested.connect(self.scale_diameter)
        canvas.erasing_announced.connect(self._on_erasing_announced)

    @property
    def tool(self) -> ToolName:
        """The tool in the hand."""
        return self._tool

    def use_tool(self, tool: ToolName) -> None:
        """Puts another tool into the hand."""
        self._tool = tool
        self._canvas.pointer.set_tool(tool)
        self.show_diameter()
        self.diameter_changed.emit(int(self.diameter))
        self.tool_changed.emit(tool)

    def scale_diameter(self, factor: float) -> None:
        """Makes the brush (or the eraser, if that is in the hand) larger or smaller."""
        diameter = self.diameter * factor
        # At small sizes a factor alone would round back to where it was.
        step = 1.0 if factor > 1 else -1.0
        if abs(diameter - self.diameter) < 1.0:
            diameter = self.diameter + step
        self.set_diameter(diameter)

    def smaller(self) -> None:
        """Makes brush or eraser a step smaller."""
        self.scale_diameter(1 / _STEP)

    def larger(self) -> None:
        """Makes brush or eraser a step larger."""
        self.scale_diameter(_STEP)

    def set_tolerance(self, tolerance: int) -> None:
        """Sets how far the wand's colours may differ, 0..255."""
        self.options.wand_tolerance = float(tolerance)

    def set_protect_others(self, is_on: bool) -> None:
        """Keeps pixels of other classes from being painted over, or no longer."""
        self.options.protect_others = is_on

    def set_keeps_larger(self, is_on: bool) -> None:
        """Lets an object that is cut keep its larger part only, or makes two of it."""
        self.options.keeps_larger = is_on

    def set_eraser_mode(self, mode: str) -> None:
        """What the eraser leaves: "background" or "unlabelled"."""
        self.options.is_erasing_to_background = mode == "background"

    @property
    def diameter(self) -> float:
        """The size of brush or eraser, whichever is in the hand, in image pixels."""
        return self.diameter_of(is_erasing=self._tool is ToolName.ERASER)

    def set_diameter(self, diameter: float) -> None:
        """Sets the size of the tool in the hand."""
        value = float(round(min(max(diameter, _SMALLEST), _LARGEST)))
        if self._tool is ToolName.ERASER:
            self.options.eraser_diameter = value
        else:
            self.options.brush_diameter = value
        self._canvas.pointer.set_brush_diameter(value, self.tr("{0} px").format(int(value)))
        self._said.start()
        self.diameter_changed.emit(int(self.diameter))

    def diameter_of(self, *, is_erasing: bool) -> float:
        """The size of what is painted with: erasing has a size of its own, also with the brush in the hand."""
        return self.options.eraser_diameter if is_erasing else self.options.brush_diameter

    def show_diameter(self, *, is_erasing: bool | None = None) -> None:
        """Draws the cursor in the size of the tool in the hand, or of what the stroke under way does."""
        self._said.stop()
        diameter = self.diameter if is_erasing is None else self.diameter_of(is_erasing=is_erasing)
        self._canvas.pointer.set_brush_diameter(diameter)

    def _on_erasing_announced(self, is_erasing: bool) -> None:
        """Says what a press would do, before it does it."""
        if not is_erasing:
            self.show_diameter()
            return
        self._said.stop()
        diameter = self.diameter_of(is_erasing=True)
        self._canvas.pointer.set_brush_diameter(diameter, self.tr("erase, {0} px").format(int(diameter)))
