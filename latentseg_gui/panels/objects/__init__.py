"""The list of the objects of an image."""

from __future__ import annotations

from latentseg_gui.panels.objects.panel import ObjectsPanel
from latentseg_gui.panels.objects.values import AreaUnit, ObjectsLook

__all__ = ["AreaUnit", "ObjectsLook", "ObjectsPanel"]
