"""Masks in and out: imports, exports, whole folders."""
