"""The latent-expert model: segmentation by experts that can be looked into. torch and numpy only."""
