"""Panels: widgets with setters in and intent signals out."""
