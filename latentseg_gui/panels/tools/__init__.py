"""The options of tools and display."""

from latentseg_gui.panels.tools.bar import ToolOptionsBar
from latentseg_gui.panels.tools.options import DisplayOptions

__all__ = ["DisplayOptions", "ToolOptionsBar"]
