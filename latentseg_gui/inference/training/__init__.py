"""Fine-tuning, comparisons, and where the next correction teaches most."""
