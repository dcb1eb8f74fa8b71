"""The experts panel."""

from latentseg_gui.panels.experts.panel import ExpertsPanel
from latentseg_gui.panels.experts.values import ExpertLabels, ExpertOverlay, InfluenceRow, InterventionResult

__all__ = ["ExpertLabels", "ExpertOverlay", "ExpertsPanel", "InfluenceRow", "InterventionResult"]
