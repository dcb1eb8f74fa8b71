"""The subcommands: the same things as in the window, without one. Each module imports torch only to run."""
