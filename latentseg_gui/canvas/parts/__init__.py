"""What the canvas shows, part by part: setters over the layers and the chrome."""
