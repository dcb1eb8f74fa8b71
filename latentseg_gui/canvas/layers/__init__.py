"""What lies on the canvas below the chrome, each drawn in device pixels into one frame."""
