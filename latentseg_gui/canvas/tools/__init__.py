"""The tools of the hand, one small class each."""

from latentseg_gui.canvas.tools.base import Tool, ToolName, Workplace
from latentseg_gui.canvas.tools.registry import TOOLS, make_tools

__all__ = ["TOOLS", "Tool", "ToolName", "Workplace", "make_tools"]
