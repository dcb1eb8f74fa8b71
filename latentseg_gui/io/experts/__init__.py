"""Figures and tables of experts as files."""
