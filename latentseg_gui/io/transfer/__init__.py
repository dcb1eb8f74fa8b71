"""Results of whole folders."""
