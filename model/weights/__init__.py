"""Files of weights: written at once or not at all, checked before they are read."""
