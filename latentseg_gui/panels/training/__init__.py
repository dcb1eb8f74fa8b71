"""The training panel."""

from latentseg_gui.panels.training.panel import TrainingPanel
from latentseg_gui.panels.training.values import (
    ClassShare,
    CropShown,
    PlaceRow,
    TrainingItem,
    TrainingRequest,
    VersionRow,
)

__all__ = [
    "ClassShare",
    "CropShown",
    "PlaceRow",
    "TrainingItem",
    "TrainingPanel",
    "TrainingRequest",
    "VersionRow",
]
