"""Subcommands that bring masks in and out."""
