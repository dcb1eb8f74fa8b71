"""Editing masks: tools, classes, objects, undo."""
