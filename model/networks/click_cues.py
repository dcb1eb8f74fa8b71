"""What clicks say about every token before any learning: where they are, and what looks like them.

GrabCut gets far with colour models alone, so the click decoder is handed such evidence ready-made: similarity
to the clicks in colour and in a learned embedding, and colour histograms of the previous mask.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

POINT_CUES = 10
MASK_CUES = 6
NUM_CUES = POINT_CUES + MASK_CUES + 1
TERRITORY_CUES = 3

_DISK_SIGMA = 1.2  # tokens
_NEAR_SIGMA = 8.0
_COLOUR_SIGMAS = (0.08, 0.25)
_BINS = (6, 12)


def opponent_colour(image: Tensor) -> Tensor:
    """RGB 0..1 [B, 3, H, W] -> lightness and two opponent axes, each about 0..1, mean of every 4x4 cell."""
    cell = F.avg_pool2d(image.float(), 4)
    red, green, blue = cell.clamp(0, 1).sqrt().unbind(1)  # the root spreads the shadows
    light = (red + green + blue) / 3
    return torch.stack((light, (red - green) + 0.5, 0.5 * (red + green) - blue + 0.5), dim=1)


def colour_bins(colour: Tensor) -> Tensor:
    """Colour [B, 3, h, w] -> histogram cell of every token, int64 [B, 2, h * w], coarse and fine."""
    flat = colour.flatten(2).clamp(0.0, 0.9999)  # [B, 3, N]
    cells = []
    for bins in _BINS:
        light, first, second = (flat * bins).long().unbind(1)
        cells.append((light * bins + first) * bins + second)
    return torch.stack(cells, dim=1)


def sample_points(features: Tensor, xy: Tensor, padded: tuple[int, int]) -> Tensor:
    """Features [B, C, h, w] at pixel positions [B, P, 2] of the padded image -> [B, P, C]."""
    height, width = padded
    scale = torch.tensor((2.0 / width, 2.0 / height), device=xy.device)
    grid = (xy.float() * scale - 1.0).unsqueeze(1)  # [B, 1, P, 2]
    sampled = F.grid_sample(features.float(), grid, padding_mode="border", align_corners=False)
    return sampled[:, :, 0].transpose(1, 2)  # [B, P, D]


def _largest(maps: Tensor, chosen: Tensor) -> Tensor:
    """Maps [B, P, N], chosen bool [B, P] -> largest chosen value [B, N], 0 when none is chosen."""
    return maps.masked_fill(~chosen.unsqueeze(-1), 0.0).amax(1)


def point_cues(embed: Tensor, colour: Tensor, xy: Tensor, labels: Tensor, padded: tuple[int, int]) -> Tensor:
    """Evidence of the clicks.

    Args:
        embed: unit vectors [B, E, h, w].
        colour: [B, 3, h, w].
        xy: clicks in pixels [B, P, 2].
        labels: [B, P]; 1 positive, 0 negative, -1 padding.
        padded: height and width of the padded image.

    Returns:
        [B, POINT_CUES, h, w].
    """
    height, width = embed.shape[-2:]
    columns = torch.arange(width, device=xy.device) + 0.5
    rows = torch.arange(height, device=xy.device) + 0.5
    dx = columns - xy[..., 0:1].float() / 4  # [B, P, w]
    dy = rows - xy[..., 1:2].float() / 4
    dx2, dy2 = dx.square(), dy.square()
    maps = []
    for sigma in (_DISK_SIGMA, _NEAR_SIGMA):
        falloff = -0.5 / sigma**2
        near = (dy2 * falloff).exp().unsqueeze(-1) * (dx2 * falloff).exp().unsqueeze(-2)
        maps.append(near.flatten(2))  # [B, P, N]
    own_colour = sample_points(colour, xy, padded)  # [B, P, 3]
    flat = colour.flatten(2)  # [B, 3, N]
    distance = (
        own_colour.square().sum(-1, keepdim=True) + flat.square().sum(1, keepdim=True) - 2 * own_colour @ flat
    ).clamp(min=0)
    maps += [(distance * (-0.5 / sigma**2)).exp() for sigma in _COLOUR_SIGMAS]
    own = F.normalize(sample_points(embed, xy, padded), dim=-1)
    maps.append((own @ embed.flatten(2).float() * 0.5 + 0.5).clamp(0, 1))  # [B, P, N]
    cues = [_largest(m, labels == sign) for m in maps for sign in (1, 0)]
    return torch.stack(cues, dim=1).view(len(xy), -1, height, width)  # [B, cues, h, w]


def _histogram_odds(cells: Tensor, size: int, inside: Tensor) -> Tensor:
    """Cells [B, N], soft mask [B, N] -> share of the mask in every token's own cell, [B, N]."""
    batch = cells.shape[0]
    within = inside.new_zeros(batch, size).scatter_add_(1, cells, inside)
    total = inside.new_zeros(batch, size).scatter_add_(1, cells, torch.ones_like(inside))
    prior = inside.mean(1, keepdim=True)
    share = (within + 2.0 * prior) / (total + 2.0)
    return share.gather(1, cells)


def mask_cues(embed: Tensor, bins: Tensor, previous: Tensor) -> Tensor:
    """Evidence of the previous mask: probability, colour shares, similarity to its inside and outside.

    Args:
        embed: unit vectors [B, E, h, w].
        bins: from `colour_bins`.
        previous: probability [B, 1, h, w].

    Returns:
        [B, MASK_CUES, h, w].
    """
    size = embed.shape[-2:]
    inside = previous.flatten(1).float()  # [B, N]
    cues = [inside, (inside * (1 - inside)) * 4]
    cues += [_histogram_odds(bins[:, i], n**3, inside) for i, n in enumerate(_BINS)]
    flat = embed.flatten(2).float()  # [B, E, N]
    for weight in (inside, 1 - inside):
        mean = (flat @ weight.unsqueeze(-1)) / (weight.sum(1)[:, None, None] + 1e-3)
        cues.append((flat * mean).sum(1))
    return torch.stack(cues, dim=1).view(len(embed), -1, *size)  # [B, cues, h, w]


def territory_cues(
    territory: Tensor, xy: Tensor, labels: Tensor, previous: Tensor, padded: tuple[int, int]
) -> Tensor:
    """Evidence of the experts: who explains the clicked places, and who explains the previous mask.

    Args:
        territory: how much each expert is asked, [B, K, h, w], summing to 1 over K.
        xy: clicks in pixels [B, P, 2].
        labels: [B, P]; 1 positive, 0 negative, -1 padding.
        previous: probability [B, 1, h, w].
        padded: height and width of the padded image.

    Returns:
        [B, TERRITORY_CUES, h, w]: agreement with the positive and the negative clicks, and the share of the
        mask in the territories of those who are asked.
    """
    flat = territory.flatten(2).float()  # [B, K, N]
    asked = F.normalize(sample_points(territory, xy, padded), dim=-1)  # [B, P, K]
    alike = asked @ F.normalize(flat, dim=1)
    inside = previous.flatten(2).float()  # [B, 1, N]
    share = (flat * inside).sum(-1) / (flat.sum(-1) + 1e-3)  # [B, K]
    cues = [_largest(alike, labels == sign) for sign in (1, 0)]
    cues.append((share.unsqueeze(1) @ flat).squeeze(1))
    return torch.stack(cues, dim=1).view(len(xy), -1, *territory.shape[-2:])  # [B, cues, h, w]


def box_cue(boxes: Tensor | None, size: tuple[int, int], like: Tensor) -> Tensor:
    """Boxes [B, 4] (x0, y0, x1, y1 in pixels; NaN for none) -> [B, 1, h, w]: 1 in, -1 out, 0 none."""
    if boxes is None:
        return like.new_zeros(like.shape[0], 1, *size)
    x = (torch.arange(size[1], device=boxes.device) + 0.5) * 4
    y = (torch.arange(size[0], device=boxes.device) + 0.5) * 4
    left, top, right, bottom = (v[:, None] for v in boxes.float().unbind(-1))
    within = ((y >= top) & (y <= bottom)).unsqueeze(-1) & ((x >= left) & (x <= right)).unsqueeze(-2)
    known = ~boxes.isnan().any(-1)[:, None, None]
    return torch.where(known, within.float() * 2 - 1, 0.0).unsqueeze(1)
