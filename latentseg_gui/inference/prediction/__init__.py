"""Clicks and searches for objects."""
