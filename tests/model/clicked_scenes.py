"""Scenes with clicks, and a network that was trained on nothing but noise."""

import numpy as np
import torch

from model.errors import WeightsError
from model.networks.network import build_latent_expert
from model.weights.checkpoint import default_weights_path, load


def trained_network():
    try:
        return load(default_weights_path())[0]
    except WeightsError:
        torch.manual_seed(0)
        return build_latent_expert()


def scene(seed):
    """Soft blobs of colour, and a point on one of them."""
    generator = np.random.default_rng(seed)
    grid = np.mgrid[:256, :320]
    pixels = np.full((256, 320, 3), generator.integers(40, 216, 3), np.float64)
    for _ in range(5):
        row, col, radius = generator.uniform((30, 30, 20), (226, 290, 70))
        inside = np.hypot(grid[0] - row, grid[1] - col) < radius
        pixels[inside] = generator.integers(0, 256, 3)
    pixels += generator.normal(0, 6, pixels.shape)
    return pixels.clip(0, 255).astype(np.uint8), (col, row)


SAMPLES = {
    "astronaut": (((200, 100), 1), ((250, 350), 1), ((450, 200), 0)),
    "cat": (((220, 150), 1), ((100, 250), 1)),
    "coffee": (((300, 200), 1), ((420, 330), 0), ((60, 60), 0)),
    "rocket": (((320, 200), 1), ((320, 100), 1)),
}


"""Bundled pictures and ((x, y), label) of clicks on them."""
