"""Edits that take over what the model has proposed or predicted."""
