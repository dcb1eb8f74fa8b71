"""The training panel."""

from latentseg_gui.panels.training.panel import TrainingPanel
from latentseg_gui.panels.training.values import (
    ClassShare,
    TrainingItem,
    TrainingRequest,
    TrainingSettings,
    VersionRow,
)

__all__ = ["ClassShare", "TrainingItem", "TrainingPanel", "TrainingRequest", "TrainingSettings", "VersionRow"]
