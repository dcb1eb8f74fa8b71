"""The truth of the application: images, masks, classes. No Qt and no torch."""
