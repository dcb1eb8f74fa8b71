"""Edits of pixels, objects and classes."""
