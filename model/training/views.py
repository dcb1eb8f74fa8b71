"""Labelled images as the frozen backbone sees them, once as they are and in a few variations.

Encoding is done once per view; from then on a step costs only the head. Large images are cut into
windows where there are labels, so that memory stays bounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from model.errors import ModelError
from model.networks.backbone import pad_to_stride
from model.networks.detail_head import Levels
from model.networks.detail_network import DetailNetwork
from model.networks.filters import filter_bank
from model.networks.probe import read_by
from model.prediction.inputs import brightened
from model.training import separation
from model.training.augment import jitter_colour
from model.training.distributed import ProcessGroup
from model.training.orientation import random_turn
from model.training.types import IGNORED, LabelledImage

WINDOW: Final = 1024
MAX_WINDOWS: Final = 12
POSITIONS_PER_CLASS: Final = 20_000
SCALE_RANGE: Final = (0.75, 1.4)
OBJECT_SIZES: Final = (0.5, 1.8)
"""Factors on the size where objects are told apart: those of the next picture may be twice as large."""
LIGHT: Final = 1.0
"""Strength of changes of light and colour: images of one kind differ more in it than in anything else."""

FEW: Final = 8
"""So many images must be stretched to stand for all others of their kind; more of them bring what others need."""


Window = tuple[slice, slice]
"""Rows and columns of a part of an image."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledWindow:
    """A window of a labelled image as tensors.

    Attributes:
        image: [3, H, W] in 0..1.
        train: labels to learn from, uint8 [H, W], 255 ignored.
        held: labels to measure with, likewise.
        name: of the window, for caches; "" for none.
        is_whole: whether it is a whole image.
        sample: which of the labelled images it is of.
        objects: their numbers, int32 [H, W], 0 for none; None where objects are not told apart.
        true_objects: the same where nothing is hidden, to measure with alone.
    """

    image: Tensor
    train: Tensor
    held: Tensor
    name: str = ""
    is_whole: bool = False
    sample: int = 0
    objects: Tensor | None = None
    true_objects: Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What the frozen parts make of a picture: levels without the experts' answers, and experts."""

    levels: Levels
    experts: Tensor

    @property
    def nbytes(self) -> int:
        """Memory taken."""
        maps = (
            self.levels.maps if self.levels.encoded is None else self.levels.maps + self.levels.encoded.maps
        )
        return sum(level.nbytes for level in maps)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A picture, encoded.

    Attributes:
        features: of the padded picture.
        train: labels to learn from, uint8 [H, W] of the padded picture.
        held: labels to measure with, likewise.
        places: per class present in ``train``, (row, column) of some of its pixels, int64 [n, 2].
        targets: of telling objects apart, of all labels, float32 [2, H, W] (`separation.targets_of`); None where they
            are not told apart.
    """

    features: Features
    train: Tensor
    held: Tensor
    places: dict[int, Tensor]
    targets: Tensor | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the padded picture."""
        return int(self.train.shape[0]), int(self.train.shape[1])


def as_pixels(image: Tensor) -> NDArray[np.uint8]:
    """A picture [3, H, W] in 0..1 as uint8 [H, W, 3]."""
    pixels = (image * 255).round().to(torch.uint8)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).numpy())  # [H, W, 3]


def pictures_of(
    samples: list[LabelledImage], held: list[NDArray[np.bool_]], *, brightens: bool = False
) -> list[LabelledWindow]:
    """The windows with labels; where there are very many, those of each image with the most (`windows_of`).

    Args:
        samples: images with labels.
        held: per sample where labels are held back, bool [H, W].
        brightens: whether dark images are seen as `model.prediction.inputs.brightened` has them.
    """
    return [
        picture
        for index, (sample, where) in enumerate(zip(samples, held, strict=True))
        for picture in _windows(index, sample, where, brightened(sample.image) if brightens else sample.image)
    ]


def windows_of(labels: NDArray[np.uint8]) -> tuple[list[Window], int]:
    """The windows of an image that are learned from and measured, and how many have labels in all.

    Args:
        labels: uint8 [H, W], 255 ignored.

    Returns:
        At most `MAX_WINDOWS` windows, those with the most labels first; the number of windows with labels.
    """
    spans = [
        (slice(r, r + h), slice(c, c + w))
        for r, h in _spans(labels.shape[0])
        for c, w in _spans(labels.shape[1])
    ]
    counts = [int((labels[window] != IGNORED).sum()) for window in spans]
    best = sorted(range(len(spans)), key=lambda index: -counts[index])
    labelled = [spans[index] for index in best if counts[index]]
    return labelled[:MAX_WINDOWS], len(labelled)


def _windows(
    index: int, sample: LabelledImage, held: NDArray[np.bool_], image: NDArray[np.uint8]
) -> Iterator[LabelledWindow]:
    labels, by_hand = sample.labels, sample.by_hand
    is_whole = all(len(_spans(length)) == 1 for length in labels.shape)
    for window in windows_of(labels)[0]:
        is_held = held[window]
        yield LabelledWindow(
            image=torch.from_numpy(image[window].copy()).permute(2, 0, 1).float() / 255,  # [3, h, w]
            train=torch.from_numpy(np.where(is_held, IGNORED, labels[window]).astype(np.uint8)),
            held=torch.from_numpy(np.where(is_held, by_hand[window], IGNORED).astype(np.uint8)),
            name=f"{sample.name}/{window[0].start}/{window[1].start}" if sample.name else "",
            is_whole=is_whole,
            sample=index,
            objects=None if sample.objects is None else torch.from_numpy(sample.objects[window].copy()),
        )


def _spans(length: int) -> list[tuple[int, int]]:
    """Windows (start, length) that cover ``length`` without overlap."""
    count = math.ceil(length / WINDOW)
    side = math.ceil(length / count)
    return [(start, side) for start in range(0, length, side)]


def class_counts(pictures: Sequence[LabelledWindow], num_classes: int) -> Tensor:
    """Pixels to learn from per class, int64 [C].

    Raises:
        ModelError: there are none.
    """
    counts = torch.zeros(num_classes, dtype=torch.long)
    for picture in pictures:
        counts += torch.bincount(picture.train[picture.train != IGNORED].long(), minlength=num_classes)
    if not bool(counts.any()):
        raise ModelError("There is nothing to learn from yet.", action="Paint a few strokes more.")
    return counts


def shared(pictures: list[LabelledWindow], processes: ProcessGroup) -> list[LabelledWindow]:
    """The pictures of this process: its share of those that teach something, or all."""
    shares = [pictures[rank :: processes.size] for rank in range(processes.size)]
    can_teach = all(any(bool((p.train != IGNORED).any()) for p in share) for share in shares)
    return processes.share(shares, pictures) if can_teach else pictures


def scarcity_of(count: int) -> float:
    """How far ``count`` labelled images must be stretched: 1 up to `FEW`, then falling as the root of their number."""
    return math.sqrt(min(1.0, FEW / max(1, count)))


def vary(
    picture: LabelledWindow,
    generator: torch.Generator,
    strength: float,
    *,
    scarcity: float = 1.0,
    is_upright: bool = False,
    is_mirrored: bool = True,
    light: float = LIGHT,
    sizes: tuple[float, float] = SCALE_RANGE,
) -> LabelledWindow:
    """A random variation of a picture.

    Args:
        picture: stays as it is.
        generator: of the choices.
        strength: 0 for none, 1 for the usual.
        scarcity: of labelled images: less of it, less change of light and, by its root, of size.
        is_upright: whether it is mirrored at most, not turned.
        is_mirrored: whether it is mirrored at all.
        light: strength of changes of light and colour.
        sizes: smallest and largest factor on its size.
    """
    low, high = (math.log(limit) * strength * math.sqrt(scarcity) for limit in sizes)
    scale = math.exp(low + (high - low) * float(torch.rand((), generator=generator)))
    height, width = picture.train.shape
    size = max(8, round(height * scale)), max(8, round(width * scale))
    image = jitter_colour(picture.image[None], generator, strength=light * scarcity * strength, grey=0.0)
    image = F.interpolate(image, size, mode="bilinear", align_corners=False, antialias=scale < 1)[0]
    labels = torch.stack((picture.train, picture.held))[None].float()
    train, held = F.interpolate(labels, size, mode="nearest-exact")[0].to(torch.uint8)
    turn = random_turn(generator, is_upright=is_upright, is_mirrored=is_mirrored)
    image, train, held = (turn(part).contiguous() for part in (image, train, held))
    return LabelledWindow(image, train, held, objects=_varied(picture.objects, size, turn))


def _varied(objects: Tensor | None, size: tuple[int, int], turn: Callable[[Tensor], Tensor]) -> Tensor | None:
    """Numbers of objects at another size and turned; numbers beyond 2^24 would not survive as floats."""
    if objects is None:
        return None
    rows, cols = (
        ((torch.arange(new) + 0.5) * old / new).long() for new, old in zip(size, objects.shape, strict=True)
    )
    return turn(objects[rows][:, cols]).contiguous()


@torch.no_grad()
def features_of(
    network: DetailNetwork, picture: LabelledWindow, device: torch.device, dtype: torch.dtype
) -> Features:
    """Encode a picture with the frozen parts of ``network``."""
    padded = pad_to_stride(picture.image[None].to(device))
    with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
        pyramid = network.class_pyramid(padded)
        experts, _ = network.look_at(pyramid.tokens)
    parts = (pyramid.deep, pyramid.mid, pyramid.tokens, pyramid.detail, filter_bank(padded))
    encoded = read_by(network.probe, pyramid)
    if encoded is not None:
        encoded = replace(
            encoded, **{each.name: getattr(encoded, each.name).to(dtype) for each in fields(encoded)}
        )
    return Features(Levels.of((part.to(dtype) for part in parts), encoded=encoded), experts.to(dtype))


def view_of(
    picture: LabelledWindow,
    features: Features,
    generator: torch.Generator,
    things: frozenset[int] = frozenset(),
) -> View:
    """Picture and features as one view; ``things`` are classes whose objects are told apart."""
    height, width = features.levels.fine.shape[-2:]
    pad = (0, width - picture.train.shape[1], 0, height - picture.train.shape[0])
    train, held = (F.pad(part, pad, value=IGNORED) for part in (picture.train, picture.held))
    targets = picture_targets(picture, things)
    targets = None if targets is None else F.pad(targets, pad)
    return View(features, train, held, _places(train, generator), targets)


def with_held_labels(view: View, generator: torch.Generator) -> View:
    """A view that is learned from as a whole: labels to measure with become labels to learn from."""
    train = torch.where(view.held != IGNORED, view.held, view.train)
    return replace(view, train=train, held=torch.full_like(train, IGNORED), places=_places(train, generator))


def picture_targets(picture: LabelledWindow, things: frozenset[int]) -> Tensor | None:
    """What can be learned of telling its objects apart (`separation.targets_of`); None where ``things`` is empty.

    Of labels to measure with, too: they may become labels to learn from (`model.training.reserve`).
    """
    if not things:
        return None
    objects = picture.objects
    if objects is None:
        objects = torch.zeros(picture.train.shape, dtype=torch.int32)
    labels = torch.where(picture.train == IGNORED, picture.held, picture.train)
    return separation.targets_of(objects, labels, things)


def _places(labels: Tensor, generator: torch.Generator) -> dict[int, Tensor]:
    places = {}
    for value in np.unique(labels.numpy()).tolist():
        if value != IGNORED:
            found = (labels == value).nonzero()
            places[value] = found[torch.randperm(len(found), generator=generator)[:POSITIONS_PER_CLASS]]
    return places
