"""The phases of a run, as generators that yield after every small piece of work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.detail_head import Levels
from model.detail_network import DetailNetwork
from model.device import free_cached_memory, is_out_of_memory
from model.finetuning.session import Optimiser, Session
from model.finetuning.types import IGNORED
from model.finetuning.views import View, features_of, vary, view_of

PIXELS_PER_STEP: Final = 2048
PIXELS_PER_VIEW: Final = 8192
CROP: Final = 128
BATCH: Final = 8
ALIGN: Final = 16
PIXEL_RATE: Final = 3e-3
HEAD_RATE: Final = 2e-3
EXPERT_RATE: Final = 3e-4
VIEW_BYTES: Final = 1 << 30


def encode_views(session: Session, end: float, copies: int) -> Iterator[str]:
    """Add variations of the pictures until ``copies`` each, the memory or the time are used up."""
    for _ in range(copies):
        for picture in session.pictures:
            memory = sum(view.features.nbytes for view in session.views)
            if session.clock.fraction >= end or memory > VIEW_BYTES:
                return
            session.views.append(varied_view(session, picture_index=session.pictures.index(picture)))
            yield "looking at variations"


def varied_view(session: Session, picture_index: int) -> View:
    """A fresh variation of a picture, encoded."""
    varied = vary(session.pictures[picture_index], session.generator, session.config.augmentation)
    features = features_of(session.network, varied, session.choice.device, session.dtype)
    return view_of(varied, features, session.generator)


@torch.no_grad()
def set_statistics(session: Session) -> None:
    """Let the head standardise by the pictures of this run."""
    means, squares = [], []
    for view in session.views[: len(session.pictures)]:
        levels = session.with_answers(view.features.levels, view.features.experts)
        means.append(torch.cat([level.float().mean((0, 2, 3)) for level in levels.maps]))
        squares.append(torch.cat([level.float().square().mean((0, 2, 3)) for level in levels.maps]))
    mean = torch.stack(means).mean(0)
    deviation = (torch.stack(squares).mean(0) - mean.square()).clamp(min=0).sqrt()
    session.network.head.means.copy_(mean)
    session.network.head.scales.copy_(1 / (deviation + 1e-3))


# -- pixels -----------------------------------------------------------------------------------------


def learn_pixels(session: Session, end: float) -> Iterator[str]:
    """Teach the pixel path from sampled pixels; thousands of them in a step."""
    head = session.network.head
    gathered = [_gather(session, view) for view in session.views]
    features, labels = (torch.cat(parts) for parts in zip(*gathered, strict=True))
    rate = session.config.learning_rate or PIXEL_RATE
    optimiser = Optimiser(session, [(rate, _named(head.pixel, "head.pixel"))], end)
    while session.clock.fraction < end:
        size = (min(PIXELS_PER_STEP, len(labels)),)
        picked = torch.randint(len(labels), size, generator=session.generator).to(labels.device)
        optimiser.step(partial(_pixel_loss, session, features[picked], labels[picked]))
        yield "learning pixels"
    optimiser.average.swap()


def _pixel_loss(session: Session, features: Tensor, labels: Tensor) -> Tensor:
    return session.objective(session.network.head.pixel(features), labels)


@torch.no_grad()
def _gather(session: Session, view: View) -> tuple[Tensor, Tensor]:
    """Standardised features [N, dims] and labels [N] of sampled pixels, classes in about equal number."""
    levels = session.with_answers(view.features.levels, view.features.experts)
    per_class = PIXELS_PER_VIEW // max(1, len(view.places))
    places = torch.cat(
        [place[:per_class] for place in view.places.values()] or [torch.zeros(0, 2, dtype=torch.long)]
    )
    height, width = view.size
    xy = (places.flip(1).float() + 0.5) / torch.tensor((width, height)) * 2 - 1
    grid = xy.to(session.choice.device)[None, None]  # [1, 1, N, 2]
    columns = [
        F.grid_sample(level.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)[
            0, :, 0
        ].T
        for level in levels.maps
    ]
    head = session.network.head
    features = (torch.cat(columns, 1) - head.means) * head.scales
    return features, view.train[places[:, 0], places[:, 1]].long().to(features.device)


# -- crops --------------------------------------------------------------------------------------------


def learn_crops(session: Session, end: float) -> Iterator[str]:
    """Teach head and experts from crops of the cached views."""
    network, rate = session.network, session.config.learning_rate or HEAD_RATE
    groups = [
        (rate, _named(network.head.context, "head.context")),
        (rate / 2, _named(network.head.pixel, "head.pixel")),
        (rate * EXPERT_RATE / HEAD_RATE, expert_parameters(network)),
    ]
    optimiser = Optimiser(session, groups, end)
    while session.clock.fraction < end:
        if _fits_memory(session, partial(optimiser.step, partial(_crop_loss, session))):
            yield "learning shapes"
        else:
            session.batch //= 2
            free_cached_memory(session.choice.device)
    optimiser.average.swap()


def _fits_memory(session: Session, step: Callable[[], None]) -> bool:
    """Do a step; False where memory ran out and a smaller batch may help.

    The error is gone when this returns: its traceback would keep the tensors alive.
    """
    try:
        step()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error) or session.batch <= BATCH // 4:
            raise
        return False
    return True


def expert_parameters(network: DetailNetwork) -> Mapping[str, nn.Parameter]:
    """What of experts and class head may learn; clicks use none of it."""
    return {
        **_named(network.exchange, "exchange"),
        **_named(network.mix, "mix"),
        **_named(network.class_head, "class_head"),
    }


def _crop_loss(session: Session) -> Tensor:
    side = min(CROP, *(min(view.size) for view in session.views))
    crops = [_crop(session, side) for _ in range(session.batch)]
    levels = Levels(*(torch.cat(parts) for parts in zip(*(crop[0].maps for crop in crops), strict=True)))
    experts = torch.cat([crop[1] for crop in crops])
    labels = torch.stack([crop[2] for crop in crops]).long().to(experts.device)
    with session.autocast():
        logits = session.network.class_logits(session.with_answers(levels, experts))
    return session.objective(logits, labels)


def _crop(session: Session, side: int) -> tuple[Levels, Tensor, Tensor]:
    """A crop round a labelled pixel of a random class, turned at random."""
    view = session.views[_below(session, len(session.views))]
    row, col = _centre(session, view)
    top, left = (
        _aligned(centre - side // 2 + _below(session, side // 2 + 1) - side // 4, side, limit)
        for centre, limit in zip((row, col), view.size, strict=True)
    )
    turns, is_flipped = _below(session, 4), bool(_below(session, 2))
    maps = []
    for level in view.features.levels.maps:
        stride = view.size[0] // level.shape[-2]
        rows, cols = (slice(edge // stride, (edge + side) // stride) for edge in (top, left))
        maps.append(_turn(level[..., rows, cols], turns, is_flipped))
    labels = _turn(view.train[top : top + side, left : left + side], turns, is_flipped)
    return Levels(*maps), view.features.experts, labels


def _centre(session: Session, view: View) -> tuple[int, int]:
    if not view.places:
        return view.size[0] // 2, view.size[1] // 2
    places = list(view.places.values())[_below(session, len(view.places))]
    row, col = places[_below(session, len(places))].tolist()
    return row, col


def _aligned(edge: int, side: int, limit: int) -> int:
    """The multiple of `ALIGN` nearest to ``edge`` at which ``side`` still fits."""
    return min(max(0, round(edge / ALIGN) * ALIGN), limit - side)


def _turn(part: Tensor, turns: int, is_flipped: bool) -> Tensor:
    part = torch.rot90(part, turns, (-2, -1))
    return part.flip(-1) if is_flipped else part


def _below(session: Session, limit: int) -> int:
    return int(torch.randint(limit, (), generator=session.generator))


def _named(module: nn.Module, prefix: str) -> dict[str, nn.Parameter]:
    return {f"{prefix}.{name}": parameter for name, parameter in module.named_parameters()}


# -- measuring ------------------------------------------------------------------------------------------


def held_out_metric(session: Session) -> float:
    """Mean IoU over the classes among the held-out pixels; NaN if there are none."""
    confusion = torch.zeros(session.config.num_classes, session.config.num_classes, dtype=torch.long)
    for view in session.views[: len(session.pictures)]:
        known = view.held != IGNORED
        if bool(known.any()):
            guess = session.logits_of(view).argmax(0).cpu()[known]
            confusion += count_pairs(view.held[known].long(), guess, session.config.num_classes)
    return mean_iou(confusion)


def count_pairs(truth: Tensor, guess: Tensor, num_classes: int) -> Tensor:
    """Confusion [truth, guess] of two lists of class ids."""
    return torch.bincount(truth * num_classes + guess, minlength=num_classes**2).view(
        num_classes, num_classes
    )


def mean_iou(confusion: Tensor) -> float:
    """Mean over the classes in the truth; NaN if there are none."""
    hits = confusion.diagonal().float()
    union = confusion.sum(0) + confusion.sum(1) - hits
    present = confusion.sum(1) > 0
    return float((hits / union.clamp(min=1))[present].mean()) if bool(present.any()) else float("nan")
