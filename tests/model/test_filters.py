"""The hand-made filters that a fine-tuned head sees."""

from __future__ import annotations

import torch

from model.networks.filters import NUM_FILTERS, filter_bank


def test_mixed_precision_around_them_does_not_blur_the_filters():
    image = torch.rand(1, 3, 40, 50, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = filter_bank(image)
    assert mixed.shape == (1, NUM_FILTERS, 40, 50)
    assert torch.equal(mixed, filter_bank(image))
