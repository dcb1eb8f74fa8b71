"""Fine-tuning as values: settings, uncertain regions, comparisons."""
