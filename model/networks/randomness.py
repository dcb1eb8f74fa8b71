"""Random numbers of a run that nothing outside it has a part in, and that change nothing outside it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Within the block, torch's own random numbers follow from ``seed`` alone; afterwards they are as before.

    Layers draw their first weights, and dropout its masks, from generators that the whole process shares.

    Args:
        seed: 0 or more.
        device: whose generator is used besides that of the CPU.
    """
    is_cuda = device.type == "cuda"
    index = torch.cuda.current_device() if is_cuda and device.index is None else device.index
    with torch.random.fork_rng([index] if is_cuda else []):
        torch.manual_seed(seed)
        yield


def seed_for(what: str, seed: int) -> int:
    """A seed, 0 or more, that follows from ``seed``; equal seeds for different purposes would go hand in hand."""
    return zlib.crc32(f"{what} {seed}".encode())
