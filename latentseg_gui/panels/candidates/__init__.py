"""Objects that the model has found by itself."""

from latentseg_gui.panels.candidates.panel import CandidatesPanel

__all__ = ["CandidatesPanel"]
