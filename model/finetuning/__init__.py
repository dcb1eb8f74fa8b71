"""Parts of `model.finetune`: what is held back, cached features, losses, the time budget, the phases."""
