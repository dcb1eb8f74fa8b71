"""Looking into the experts."""
