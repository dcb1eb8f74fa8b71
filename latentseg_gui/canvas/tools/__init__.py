"""The tools of the hand, one small class each."""

from latentseg_gui.canvas.tools.base import Tool, Workplace
from latentseg_gui.canvas.tools.registry import TOOLS, make_tools

__all__ = ["TOOLS", "Tool", "Workplace", "make_tools"]
