"""Opening, saving and recovering projects."""
