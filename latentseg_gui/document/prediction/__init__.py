"""What the model says of images and clicks, before the user takes it."""
