"""Where the model is wrong: figures, images and regions, and the errors over the image."""
