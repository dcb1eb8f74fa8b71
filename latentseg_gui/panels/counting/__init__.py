"""How objects are made of a prediction, and how many there are."""

from latentseg_gui.panels.counting.panel import CountingPanel

__all__ = ["CountingPanel"]
