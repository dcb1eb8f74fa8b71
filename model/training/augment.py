"""Changes of light, colour and sharpness for batches of pictures; geometry is changed where crops are cut."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low


def jitter_colour(
    images: Tensor, generator: torch.Generator, *, strength: float = 1.0, grey: float = 0.1
) -> Tensor:
    """Random brightness, contrast, saturation, tint and gamma per picture; some become grey.

    Args:
        images: RGB 0..1 [B, 3, H, W].
        generator: on the CPU.
        strength: 0 changes nothing.
        grey: share of pictures that lose their colour.

    Returns:
        A new tensor, 0..1.
    """
    count, device = images.shape[0], images.device
    contrast = _uniform(count, -0.35, 0.35, generator).mul(strength).exp()
    light = _uniform(count, -0.15, 0.15, generator).mul(strength)
    saturation = _uniform(count, -0.5, 0.5, generator).mul(strength).exp()
    saturation[torch.rand(count, generator=generator) < grey] = 0.0
    tint = 1 + (torch.rand(count, 3, generator=generator) - 0.5) * 0.2 * strength
    grey_row = torch.tensor((0.299, 0.587, 0.114)).expand(3, 3)
    matrix = saturation[:, None, None] * torch.eye(3) + (1 - saturation)[:, None, None] * grey_row
    matrix = matrix * tint[:, :, None] * contrast[:, None, None]  # [B, 3, 3]
    offset = 0.5 * (1 - contrast) + light
    flat = matrix.to(device) @ images.flatten(2) + offset.to(device)[:, None, None]  # [B, 3, H * W]
    gamma = _uniform(count, -0.25, 0.25, generator).mul(strength).exp().to(device)
    return flat.clamp(0, 1).pow(gamma[:, None, None]).view_as(images)


def blur_some(images: Tensor, generator: torch.Generator, *, share: float = 0.1) -> Tensor:
    """Smooth a share of the pictures with a small binomial kernel."""
    chosen = torch.rand(images.shape[0], generator=generator) < share
    if not bool(chosen.any()):
        return images
    kernel = torch.tensor((1.0, 4.0, 6.0, 4.0, 1.0)) / 16
    square = (kernel[:, None] * kernel).to(images.device).expand(3, 1, 5, 5)
    images = images.clone()
    index = chosen.to(images.device)
    padded = F.pad(images[index], (2, 2, 2, 2), mode="replicate")
    images[index] = F.conv2d(padded, square, groups=3).to(images.dtype)
    return images


def add_noise(
    images: Tensor, generator: torch.Generator, *, share: float = 0.15, sigma: float = 0.06
) -> Tensor:
    """Add Gaussian noise of a random strength up to ``sigma`` to a share of the pictures."""
    count = images.shape[0]
    strength = _uniform(count, 0.0, sigma, generator)
    strength[torch.rand(count, generator=generator) >= share] = 0.0
    if not bool((strength > 0).any()):
        return images
    noise = torch.randn(images.shape, generator=generator).to(images.device)
    return (images + noise * strength.to(images.device)[:, None, None, None]).clamp(0, 1)


def augment_light(images: Tensor, generator: torch.Generator) -> Tensor:
    """All of the above, as pre-training uses them."""
    return add_noise(blur_some(jitter_colour(images, generator), generator), generator)
