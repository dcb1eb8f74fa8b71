"""How well the model does on what is labelled, and where it is wrong."""

from latentseg_gui.panels.evaluation.panel import EvaluationPanel
from latentseg_gui.panels.evaluation.values import ClassFigures, EvaluationShown, ImageFigures

__all__ = ["ClassFigures", "EvaluationPanel", "EvaluationShown", "ImageFigures"]
