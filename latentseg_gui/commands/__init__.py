"""Edits of a document that can be applied, taken back, and kept in a history. No Qt and no torch."""
