"""A document as something that is saved, replayed and replaced."""
