"""Where the model is wrong: figures, images and places, and the errors over the image."""
