"""The gesture of every tool."""

from __future__ import annotations

from typing import Final

from latentseg_gui.canvas.tools.base import Tool, Workplace
from latentseg_gui.canvas.tools.click import ClickTool
from latentseg_gui.canvas.tools.corners import OutlineTool
from latentseg_gui.canvas.tools.outlines import JoinTool, LassoTool, SplitTool
from latentseg_gui.canvas.tools.polygon import PolygonTool
from latentseg_gui.canvas.tools.single import CandidateTool, FillTool, PickerTool, SelectTool, WandTool
from latentseg_gui.canvas.tools.strokes import BrushTool, EraserTool, NudgeTool
from latentseg_gui.document.masks.tools import ToolName

TOOLS: Final[tuple[type[Tool], ...]] = (
    ClickTool,
    BrushTool,
    EraserTool,
    PolygonTool,
    LassoTool,
    FillTool,
    WandTool,
    PickerTool,
    SelectTool,
    SplitTool,
    JoinTool,
    OutlineTool,
    NudgeTool,
    CandidateTool,
)


def make_tools(at: Workplace) -> dict[ToolName, Tool]:
    """One of each."""
    return {tool.name: tool(at) for tool in TOOLS}
