"""Composition root: the application object, the window, the table of actions. Everything is wired here."""
