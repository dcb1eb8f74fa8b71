"""How the values of an image are shown."""

from latentseg_gui.panels.display.levels import LevelsPanel, Tone, ValueRange

__all__ = ["LevelsPanel", "Tone", "ValueRange"]
