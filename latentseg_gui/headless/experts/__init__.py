"""Subcommands that look into a network."""
