"""Subcommands that train networks, compare and convert them."""
