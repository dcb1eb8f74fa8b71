"""The training panel."""

from latentseg_gui.panels.training.networks_dialog import NetworksDialog
from latentseg_gui.panels.training.panel import TrainingPanel
from latentseg_gui.panels.training.values import (
    ClassShare,
    ComparisonWish,
    CropShown,
    PictureShown,
    TrainingItem,
    TrainingRequest,
    UncertainRegionRow,
    VersionRow,
)

__all__ = [
    "ClassShare",
    "ComparisonWish",
    "CropShown",
    "NetworksDialog",
    "PictureShown",
    "TrainingItem",
    "TrainingPanel",
    "TrainingRequest",
    "UncertainRegionRow",
    "VersionRow",
]
