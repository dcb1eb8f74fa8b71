"""The picture and the hand: shows images, masks, predictions and heatmaps, and hears the hand."""

from latentseg_gui.canvas.view import CanvasView

__all__ = ["CanvasView"]
