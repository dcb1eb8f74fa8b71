"""latentseg: a desktop tool for point-and-click segmentation with a latent-expert model."""

__version__ = "0.1.0"
