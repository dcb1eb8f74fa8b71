"""Hand-made multiscale filters at full resolution: what edges, ridges and texture look like to a pixel.

They cost no data to learn, and they see lines of one pixel that tokens at stride 4 have lost.
"""

from __future__ import annotations

import math
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

SCALES: Final = (1.0, 2.0, 4.0, 8.0)
"""Standard deviations of the Gaussians, in pixels."""

NUM_FILTERS: Final = 3 + 3 * len(SCALES) + 4 * len(SCALES)
"""Colours as they are and smoothed; per scale gradient, two Hessian eigenvalues and local contrast."""

COLOURS: Final = slice(0, 3)
"""Of the responses, the colours as they are."""

BLOCK: Final = 32
"""Pixels of a row that are blurred by one matrix product."""

_SAFE: Final = 1e-8


def filter_bank(image: Tensor) -> Tensor:
    """Filter responses of an image.

    Args:
        image: [B, 3, H, W] in 0..1.

    Returns:
        [B, NUM_FILTERS, H, W], float32. Each response at the scale of its own smoothing.
    """
    with torch.autocast(image.device.type, enabled=False):
        return _responses(image.float())


def _responses(image: Tensor) -> Tensor:
    """`filter_bank` in float32: small differences of large sums do not survive bfloat16."""
    grey = image.mean(1, keepdim=True)
    planes = torch.cat((image, grey, (grey - 0.5).square()), dim=1)
    responses = [image * 2 - 1]
    for sigma in SCALES:
        smooth = gaussian_blur(planes, sigma)
        contrast = (smooth[:, 4:5] - (smooth[:, 3:4] - 0.5).square()).clamp(min=_SAFE).sqrt()
        responses += [smooth[:, :3] * 2 - 1, _shape(smooth[:, 3:4], sigma), contrast * 4]
    return torch.cat(responses, dim=1)


def _shape(smooth: Tensor, sigma: float) -> Tensor:
    """Gradient magnitude and Hessian eigenvalues of [B, 1, h, w], scaled to be comparable -> [B, 3, h, w]."""
    padded = F.pad(smooth, (1, 1, 1, 1), mode="replicate")
    centre = padded[..., 1:-1, 1:-1]
    left, right = padded[..., 1:-1, :-2], padded[..., 1:-1, 2:]
    above, below = padded[..., :-2, 1:-1], padded[..., 2:, 1:-1]
    gradient = (((right - left) / 2).square() + ((below - above) / 2).square() + _SAFE).sqrt() * sigma
    xx, yy = right + left - 2 * centre, above + below - 2 * centre
    corners = padded[..., 2:, 2:] + padded[..., :-2, :-2] - padded[..., 2:, :-2] - padded[..., :-2, 2:]
    xy = corners / 4
    mean, spread = (xx + yy) / 2, (((xx - yy) / 2).square() + xy.square() + _SAFE).sqrt()
    return torch.cat((gradient * 8, (mean + spread) * sigma**2 * 8, (mean - spread) * sigma**2 * 8), dim=1)


def gaussian_blur(planes: Tensor, sigma: float) -> Tensor:
    """Separable Gaussian over [B, C, h, w]; borders repeat.

    As products of short rows with a banded matrix: on a CPU several times faster than a convolution
    of single channels, and kornia's blur pads by reflection, which a small picture does not allow.
    """
    radius = math.ceil(3 * sigma)
    band = _band(radius, sigma, planes)
    blurred = _blur_rows(F.pad(planes, (radius, radius, 0, 0), mode="replicate"), band, planes.shape[-1])
    # [B, C, w, h + 2 * radius]
    turned = F.pad(blurred, (0, 0, radius, radius), mode="replicate").transpose(2, 3)
    return _blur_rows(turned, band, planes.shape[-2]).transpose(2, 3)  # [B, C, h, w]


def _band(radius: int, sigma: float, like: Tensor) -> Tensor:
    """[BLOCK + 2 * radius, BLOCK]: column j holds the Gaussian round row j + radius."""
    rows = torch.arange(BLOCK + 2 * radius, device=like.device).unsqueeze(1)
    offset = rows - torch.arange(BLOCK, device=like.device) - radius
    weights = torch.exp(-0.5 * (offset / sigma).square()) * (offset.abs() <= radius)
    return (weights / weights.sum(0)).to(like.dtype)


def _blur_rows(padded: Tensor, band: Tensor, width: int) -> Tensor:
    """Rows [B, C, h, width + 2 * radius] times the band -> [B, C, h, width]."""
    rest = -width % BLOCK
    windows = F.pad(padded, (0, rest)).unfold(-1, band.shape[0], BLOCK)
    # One product of all rows: of the windows as they lie, thousands would be made.
    rows = windows.reshape(-1, band.shape[0])  # [B * C * h * blocks, BLOCK + 2 * radius]
    return (rows @ band).view(*windows.shape[:3], -1)[..., :width]  # [B, C, h, width]
