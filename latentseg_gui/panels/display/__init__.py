"""How the values of an image are shown."""

from latentseg_gui.panels.display.levels import LevelsPanel
from latentseg_gui.panels.display.values import Tone, ValueRange

__all__ = ["LevelsPanel", "Tone", "ValueRange"]
