"""A network small enough for tests, and pictures that it can learn."""

from __future__ import annotations

import numpy as np
import torch

from model.networks.config import NetworkConfig
from model.networks.network import LatentExpertNetwork, build_latent_expert

TINY = NetworkConfig(
    num_experts=4,
    num_heads=2,
    feature_dim=16,
    widths=(8, 16, 16, 16, 16),
    depths=(1, 1, 1, 1),
    path_widths=(16, 16),
    click_widths=(8, 8, 16, 16, 16),
    embed_dim=8,
)


def tiny_network(seed: int = 0, **changes) -> LatentExpertNetwork:
    """A network with random weights."""
    from dataclasses import replace

    torch.manual_seed(seed)
    return build_latent_expert(replace(TINY, **changes)).eval()


def disks(seed: int = 0, size: tuple[int, int] = (64, 80), count: int = 3):
    """A picture uint8 [H, W, 3] with bright disks on noise, and labels uint8 [H, W]: 1 in a disk."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[: size[0], : size[1]]
    labels = np.zeros(size, np.uint8)
    for _ in range(count):
        row, col, radius = rng.uniform(0, size[0]), rng.uniform(0, size[1]), rng.uniform(8, 14)
        labels[(rows - row) ** 2 + (cols - col) ** 2 < radius**2] = 1
    light = np.where(labels, 150, 90)[..., None] + rng.normal(0, 12, (*size, 3))
    return light.clip(0, 255).astype(np.uint8), labels
