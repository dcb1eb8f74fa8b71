"""What attention maps, experts and masks say, in figures. NumPy only, and open to everyone."""
