"""Simulated users: where the next click falls, given what is wrong."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model.networks.network import PromptTensors

_ERODE_STEPS = 18


def erosion_depth(area: Tensor, steps: int = _ERODE_STEPS) -> Tensor:
    """How deep every pixel lies in its area, in erosions by 3x3; borders of the picture are edges.

    Args:
        area: bool [B, C, h, w].
        steps: deeper pixels all count the same.

    Returns:
        Number of erosions that a pixel survives plus one, 0 outside, float [B, C, h, w].
    """
    total = area.to(torch.uint8)
    for _ in range(steps):
        wide = F.pad(area, (1, 1, 1, 1), value=False)
        rows = wide[..., 2:, :] & wide[..., 1:-1, :] & wide[..., :-2, :]
        area = rows[..., 2:] & rows[..., 1:-1] & rows[..., :-2]
        total += area
    return total.float()


def _halve(area: Tensor) -> Tensor:
    """Cells of 2x2 pixels that lie wholly in the area (bool)."""
    height, width = area.shape[-2] // 2 * 2, area.shape[-1] // 2 * 2
    rows = area[..., 0:height:2, :width] & area[..., 1:height:2, :width]
    return rows[..., 0::2] & rows[..., 1::2]


def sloppiness(count: int, generator: torch.Generator) -> Tensor:
    """How far from the innermost point each of ``count`` people clicks, 0..0.8: half of them carefully."""
    careful, far = torch.rand(2, count, generator=generator)
    return torch.where(torch.rand(count, generator=generator) < 0.5, 0.25 * careful, 0.25 + 0.55 * far)


def next_click(
    wrong: Tensor, generator: torch.Generator, *, jitter: float | Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """One click per picture into the larger error, anywhere that is deep enough.

    Args:
        wrong: bool [B, 2, H, W]: missed pixels of the object, pixels wrongly taken.
        generator: on the CPU.
        jitter: share of the greatest depth that a click may lie nearer to the border, one for all or [B];
            None: as `sloppiness` says.

    Returns:
        xy [B, 1, 2] in pixels and labels [B, 1] (-1 where nothing is wrong).
    """
    batch, device = wrong.shape[0], wrong.device
    if jitter is None:
        jitter = sloppiness(batch, generator)
    slack = torch.as_tensor(jitter).expand(batch).to(device)
    inner = erosion_depth(_halve(wrong))  # [B, 2, H/2, W/2]
    width = inner.shape[-1]
    noise = torch.rand((batch, *inner.shape[2:]), generator=generator).to(device)
    deepest = inner.flatten(2).amax(-1)  # [B, 2]
    which = deepest.argmax(1)
    own = inner[torch.arange(batch, device=device), which].flatten(1)  # [B, N]
    allowed = own >= (deepest.amax(1) * (1 - slack)).unsqueeze(1)
    picked = (noise.flatten(1) + 0.01).masked_fill(~allowed | (own <= 0), 0.0).argmax(1)  # [B]
    xy = torch.stack(((picked % width) * 2, (picked // width) * 2), -1).float()
    xy = xy + torch.rand(batch, 2, generator=generator).to(device) * 2
    labels = torch.where(deepest.amax(1) > 0, 1 - which, -1)
    return xy.unsqueeze(1), labels.unsqueeze(1)


def spoiled(target: Tensor, generator: torch.Generator) -> Tensor:
    """Masks of another origin, as people hand in to be corrected: a part cut off, a piece too much, rough edges.

    Args:
        target: [B, 1, H, W] float 0/1.
        generator: on the CPU.

    Returns:
        bool [B, 1, H, W].
    """
    batch, _, height, width = target.shape
    angle, share, size, way = torch.rand(4, batch, 1, 1, generator=generator).to(target.device)
    rows = torch.arange(height, device=target.device, dtype=torch.float32).view(1, -1, 1)  # [1, H, 1]
    columns = torch.arange(width, device=target.device, dtype=torch.float32).view(1, 1, -1)  # [1, 1, W]
    inside = target[:, 0]
    area = inside.sum((1, 2), keepdim=True).clamp(min=1)
    down, across = ((inside * place).sum((1, 2), keepdim=True) / area for place in (rows, columns))
    radius = (area / torch.pi).sqrt()
    turn = angle * 2 * torch.pi
    along = (columns - across) * turn.cos() + (rows - down) * turn.sin()
    kept = along < radius * (0.3 + 0.9 * share)
    aside, reach = way * 2 * torch.pi, radius * (0.8 + 0.8 * share)
    centre = down + reach * aside.sin(), across + reach * aside.cos()
    disk = (rows - centre[0]).square() + (columns - centre[1]).square() < area * (0.03 + 0.12 * size) / 3
    noise = torch.randn(batch, 1, height // 16 + 2, width // 16 + 2, generator=generator).to(target.device)
    rough = F.interpolate(noise, size=(height, width), mode="bilinear", align_corners=False)[:, 0]
    whole = F.pad(((inside * kept) + disk).clamp(max=1)[:, None], (4,) * 4, mode="replicate")
    soft = F.avg_pool2d(F.avg_pool2d(whole, (9, 1), 1), (1, 9), 1)  # [B, 1, H, W]
    return soft > 0.5 + 0.2 * rough.unsqueeze(1)


def scattered_clicks(
    target: Tensor, valid: Tensor, generator: torch.Generator, *, most: int
) -> tuple[Tensor, Tensor]:
    """Clicks anywhere: one positive at least, then up to ``most`` of either sign.

    Args:
        target: [B, 1, H, W] float 0/1.
        valid: likewise.
        generator: on the CPU.
        most: columns of the answer.

    Returns:
        xy [B, most, 2] and labels [B, most].
    """
    target, valid = target[..., ::2, ::2], valid[..., ::2, ::2]
    batch, _, _, width = target.shape
    device = target.device
    labels = torch.randint(0, 2, (batch, most), generator=generator).to(device)
    labels[:, 0] = 1
    allowed = torch.where(labels.bool()[..., None, None], target, 1 - target) * valid  # [B, most, H, W]
    noise = torch.rand(allowed.shape, generator=generator).to(device)
    best, picked = (allowed * (noise + 0.01)).flatten(2).max(-1)  # [B, most]
    xy = torch.stack((picked % width, picked // width), -1).float() * 2 + 0.5
    count = torch.randint(1, most + 1, (batch, 1), generator=generator).to(device)
    hidden = (best <= 0) | (torch.arange(most, device=device) >= count)
    return xy, labels.masked_fill(hidden, -1)


def boxes_of(target: Tensor, generator: torch.Generator, *, jitter: float = 0.06) -> Tensor:
    """Loose boxes [B, 4] round the objects of ``target`` [B, 1, H, W]; NaN where there is none."""
    inside = target[:, 0] > 0
    size = torch.tensor((inside.shape[2], inside.shape[1]), device=target.device).float()
    edges = []
    for axis, extent in ((1, inside.shape[2]), (2, inside.shape[1])):  # columns, then rows
        taken = inside.any(axis)
        place = torch.arange(extent, device=target.device)
        first = torch.where(taken, place, extent).amin(1)
        last = torch.where(taken, place, -1).amax(1) + 1
        edges.append((first, last))
    (left, right), (top, bottom) = edges
    box = torch.stack((left, top, right, bottom), -1).float()
    sides = (box[:, 2:] - box[:, :2]).repeat(1, 2)
    noise = torch.rand(box.shape, generator=generator).to(target.device) * 2 - 1
    box = (box + noise * sides * jitter).clamp(min=0)
    box = torch.minimum(box, size.repeat(2))
    return box.masked_fill(~inside.flatten(1).any(1, keepdim=True), float("nan"))  # [B, 4]


def first_prompts(target: Tensor, valid: Tensor, generator: torch.Generator) -> PromptTensors:
    """How people begin: mostly one click inside, sometimes several anywhere, sometimes a box."""
    batch, device = target.shape[0], target.device
    inside = torch.cat((target * valid, torch.zeros_like(target)), 1) > 0
    xy, labels = next_click(inside, generator)
    manner = torch.rand(batch, 1, generator=generator).to(device)
    many_xy, many_labels = scattered_clicks(target, valid, generator, most=6)
    xy = F.pad(xy, (0, 0, 0, 5))
    labels = F.pad(labels, (0, 5), value=-1)
    is_many = (manner < 0.2) & (many_labels[:, :1] == 1)
    xy = torch.where(is_many[..., None], many_xy, xy)
    labels = torch.where(is_many, many_labels, labels)
    boxes = boxes_of(target * valid, generator)
    boxes = boxes.masked_fill(manner < 0.87, float("nan"))
    labels = labels.masked_fill((manner > 0.92) & ~boxes.isnan().any(-1, keepdim=True), -1)
    return PromptTensors(xy, labels, boxes)


def add_click(
    prompts: PromptTensors, logits: Tensor, target: Tensor, valid: Tensor, generator: torch.Generator
) -> PromptTensors:
    """Click into the larger error of ``logits``."""
    xy, labels = next_click(_errors(logits, target, valid), generator)
    return PromptTensors(
        torch.cat((prompts.points, xy), 1), torch.cat((prompts.labels, labels), 1), prompts.boxes
    )


def add_pair(
    prompts: PromptTensors, logits: Tensor, target: Tensor, valid: Tensor, generator: torch.Generator
) -> PromptTensors:
    """Click into both errors of ``logits``, for states with many clicks at little cost."""
    wrong = _errors(logits, target, valid)
    points, labels = [prompts.points], [prompts.labels]
    for sign in (0, 1):
        only = wrong.clone()
        only[:, sign] = False
        xy, label = next_click(only, generator)
        points.append(xy)
        labels.append(label)
    return PromptTensors(torch.cat(points, 1), torch.cat(labels, 1), prompts.boxes)


def _errors(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Missed and wrongly taken pixels, bool [B, 2, H, W]."""
    taken, inside = logits > 0, target > 0
    return torch.cat((inside & ~taken, ~inside & taken), 1) & (valid > 0)
