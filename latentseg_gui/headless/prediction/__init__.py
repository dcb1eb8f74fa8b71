"""Subcommands that predict, propose and measure."""
