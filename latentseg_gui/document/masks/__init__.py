"""Masks, classes and objects: what the hand changes, and by which rules."""
