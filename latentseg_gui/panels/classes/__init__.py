"""The classes panel."""

from latentseg_gui.panels.classes.delete_dialog import DeleteClassDialog
from latentseg_gui.panels.classes.panel import ClassesPanel

__all__ = ["ClassesPanel", "DeleteClassDialog"]
