"""How predictions agree with labels, as values."""
