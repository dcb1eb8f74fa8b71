"""Fine-tuning, its data, and the versions of weights."""
