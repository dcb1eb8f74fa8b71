"""The options of tools and display."""

from latentseg_gui.panels.tools.bar import ToolOptionsBar
from latentseg_gui.panels.tools.options import OverlaySwitches

__all__ = ["OverlaySwitches", "ToolOptionsBar"]
