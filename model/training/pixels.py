"""Learning from single pixels: the pixel path alone, thousands of pixels in a step of milliseconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from model.networks.anatomy import named_parameters_of
from model.training.separation import depth_loss
from model.training.session import Optimiser, TrainingSession
from model.training.types import IGNORED

PER_STEP: Final = 2048
RATE: Final = 3e-3


def some_of_each(
    labels: Tensor, limit: int, generator: torch.Generator, *, commonness: float = 0.0
) -> Tensor:
    """At most about ``limit`` labelled pixels; with the defaults, every class the same number where it has as many.

    Args:
        labels: uint8 [H, W], 255 ignored.
        limit: of all classes together.
        generator: of the choice.
        commonness: the power of its number of pixels, 0..1, that a class is drawn by: 0 draws all classes alike,
            1 as they are.

    Returns:
        Rows and columns, int64 [n, 2]; of every class one at least.
    """
    classes = [value for value in torch.unique(labels).tolist() if value != IGNORED]
    found = [(labels == value).nonzero() for value in classes]
    weights = [len(pixels) ** commonness for pixels in found]
    places = [torch.zeros(0, 2, dtype=torch.long)]
    for pixels, weight in zip(found, weights, strict=True):
        order = torch.randperm(len(pixels), generator=generator)
        places.append(pixels[order[: max(1, int(limit * weight / sum(weights)))]])
    return torch.cat(places)


def at_pixels(maps: Sequence[Tensor], rows: Tensor, cols: Tensor) -> Tensor:
    """Maps at pixels of the picture, as `PixelPath.on_maps` enlarges them.

    Args:
        maps: [1, D, h, w], coarse to fine; the last one has a place for every pixel.
        rows: int64 [N].
        cols: int64 [N].

    Returns:
        float32 [N, sum of D].
    """
    return torch.cat([_at(level, rows, cols, maps[-1].shape) for level in maps], 1)


def _at(level: Tensor, rows: Tensor, cols: Tensor, shape: torch.Size) -> Tensor:
    """A level at pixels of the picture, exactly as `PixelPath.on_maps` enlarges it: by doublings, one by one.

    Enlarging is linear and the same for rows and columns, so that a pixel is a weighted sum of a few places.

    Args:
        level: [1, D, h, w].
        rows: int64 [N].
        cols: int64 [N].
        shape: of the finest level, [1, D', H, W].

    Returns:
        float32 [N, D].
    """
    if level.shape[-2:] == shape[-2:]:
        return level[0, :, rows, cols].T.float()
    (above, heavy), (left, wide) = (
        _shares(level.shape[axis], shape[axis], level.device) for axis in (-2, -1)
    )
    table = level[0].permute(1, 2, 0).flatten(0, 1)  # [h * w, D]: rows are copied much faster than columns
    total = level.new_zeros((len(rows), level.shape[1]), dtype=torch.float32)
    for down in range(heavy.shape[1]):
        first = above[rows, down] * level.shape[-1]  # [N]
        for right in range(wide.shape[1]):
            share = heavy[rows, down] * wide[cols, right]  # [N]
            total.addcmul_(share[:, None], table.index_select(0, first + left[cols, right]).float())
    return total


def _shares(short: int, long: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Of which of ``short`` places each of ``long`` ones is made by doublings, and with what weight.

    Returns:
        Places int64 [long, 3] and their weights float32 [long, 3]; no more than three count.
    """
    enlarged = torch.eye(short)[None]  # [1, short, short]: a signal for every place
    while enlarged.shape[-1] < long:
        enlarged = F.interpolate(enlarged, scale_factor=2, mode="linear", align_corners=False)
    weights, places = enlarged[0].T.topk(min(3, short), dim=1)  # [long, 3]
    return places.to(device), weights.to(device)


def fit_pixels(
    session: TrainingSession,
    features: Tensor,
    offsets: Tensor,
    labels: Tensor,
    end: float,
    targets: Tensor | None = None,
) -> Iterator[str]:
    """Teach the pixel path from pixels at hand, until the share ``end`` of the time.

    Args:
        session: of the run.
        features: standardised, [N, dims].
        offsets: logits of everything else, [N, C], or [N, C + 1] where depth is read as well.
        labels: int64 [N].
        end: share of the clock.
        targets: depth and whether it is known, [N, 2] (`separation.targets_of`); None where it is not learned.
    """
    if len(labels) == 0:
        return
    head = session.network.head
    rate = session.config.learning_rate or RATE
    optimiser = Optimiser(session, [(rate, named_parameters_of(session.network, head.pixel))], end)
    while session.clock.fraction < end:
        size = (min(PER_STEP, len(labels)),)
        picked = torch.randint(len(labels), size, generator=session.generator).to(labels.device)
        chosen = features[picked], offsets[picked], labels[picked]
        optimiser.step(partial(_pixel_loss, session, *chosen, None if targets is None else targets[picked]))
        yield "learning pixels"
    optimiser.average.swap()


def _pixel_loss(
    session: TrainingSession, features: Tensor, offsets: Tensor, labels: Tensor, targets: Tensor | None
) -> Tensor:
    logits, size = session.network.head.on_pixels(features) + offsets, session.config.num_classes
    loss = session.objective(logits[:, :size], labels)
    if targets is None or logits.shape[1] == size:
        return loss
    columns = logits[:, size:].T, targets.T, labels[None]  # [1, N], [2, N], [1, N]
    depth, wanted, known = (each[None, :, :, None] for each in columns)
    return loss + depth_loss(depth, wanted, known[:, 0])
