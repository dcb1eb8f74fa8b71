"""What is asked and said of experts."""
