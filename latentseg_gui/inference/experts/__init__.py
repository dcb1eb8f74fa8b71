"""Questions about experts and attention."""
