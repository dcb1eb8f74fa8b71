"""The tutorial's synthetic demonstration: `python -m model.demo`.

Random images with random labels hold nothing to learn, so the loss must settle near ln 2 = 0.693:
a network that claims less has memorised noise, one that stays above does not train at all.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F

from model.networks.latent_experts import SegmentationModel


def run_demo(
    iterations: int = 100, *, size: int = 128, batch: int = 4, learning_rate: float = 1e-3, seed: int = 42
) -> Iterator[float]:
    """Train the tutorial model on random images by Adam and yield the loss of every iteration.

    Args:
        iterations: optimiser steps.
        size: side of the square images in pixels.
        batch: images per step; every step draws new ones.
        learning_rate: of Adam.
        seed: of weights and data.
    """
    torch.manual_seed(seed)
    network = SegmentationModel()
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate)
    for _ in range(iterations):
        images = torch.randn(batch, 3, size, size)
        labels = torch.randint(0, 2, (batch, size // 4, size // 4))
        loss = F.cross_entropy(network(images), labels)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        yield float(loss.detach())


def main() -> None:
    """Print the loss every ten iterations."""
    for step, loss in enumerate(run_demo(), start=1):
        if step == 1 or step % 10 == 0:
            print(f"iteration {step:3d}: loss {loss:.4f}")
    print("nothing to learn from noise: the loss settles near ln 2 = 0.6931")


if __name__ == "__main__":
    main()
