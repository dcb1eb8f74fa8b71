"""Opening, listing and showing images."""
