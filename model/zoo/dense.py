"""The sources' networks at work: images of any size, other classes, and files, by one adapter.

The architectures of the sources are plain modules, each with demands of its own on the size of an
image. `DenseNetwork` pads, normalises, brings the logits to the size of the image and exchanges the
classes, so that prediction, tiles, fine-tuning and files of weights need to know one door only.
Shapes: B images, C classes, H and W their size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.backbone import pad_to_stride
from model.networks.network import ClassOutput
from model.networks.protocols import GATES, ROLLOUT, ROWS
from model.zoo.encoders import MEAN, SCALE

Sizes = Mapping[str, Any]
"""Arguments of an architecture besides its classes: whole numbers and lists of them, and the name of an encoder."""

ENCODER: Final = "encoder"
"""Among the sizes: the variant of the pretrained encoder; not there where all learns from nothing."""

ENCODER_STRIDE: Final = 32

OBJECTS: Final = "objects"
"""Among the sizes: 1 where a network for areas has a branch that finds objects besides."""

SMALLEST: Final = "smallest_object"
"""Among the sizes of a network that tells objects apart: pixels of the smallest that it takes for one."""

SCORE: Final = "least_score"
"""Among the sizes of a network that tells objects apart: per cent that it must be sure of one to count it."""

ALWAYS: Final = "always"
NUMBERED: Final = "numbered"
"""When a network tells objects apart: it does nothing else; or where objects were numbered in what it learned from."""


@dataclass(frozen=True, slots=True)
class DenseKind:
    """An architecture whose answer is class logits for every pixel.

    Attributes:
        name: as written in files of weights and on the command line.
        title: as shown.
        summary: what it is good for, in one sentence.
        limits: what it cannot do, in one sentence.
        build: (number of classes, sizes) -> the module, image [B, 3, H, W] -> logits.
        sizes: with which it trains on a few masks in a minute on two cores.
        stride: height and width of what it is given are multiples of this.
        smallest: and at least this.
        is_normalised: whether its input has zero mean; a network with a normalisation of its own takes 0..1.
        has_positions: whether it learned what lies where in a whole image. A tile would be taken for one,
            so large images are shown to it whole and reduced.
        attention: what can be looked at: "gates", "rows" (what one place attends to) or "none".
        takes_encoder: whether it can be built on the pretrained encoder (`ENCODER` among its sizes).
        objects: when it tells objects apart (`ALWAYS`, `NUMBERED`); "" for never. See `model.zoo.objects`.
        most_pixels: that it is shown at once, where its work grows with their square; 0 for what the device allows.
    """

    name: str
    title: str
    summary: str
    limits: str
    build: Callable[[int, Sizes], nn.Module]
    sizes: Sizes
    stride: int
    smallest: int
    is_normalised: bool = True
    has_positions: bool = False
    attention: str = "none"
    takes_encoder: bool = False
    objects: str = ""
    most_pixels: int = 0

    @property
    def further_sizes(self) -> frozenset[str]:
        """Names that may be among the sizes of a network besides those of `sizes`."""
        further = {ENCODER} if self.takes_encoder else set()
        further |= {SMALLEST, SCORE} if self.objects else set()
        return frozenset(further | ({OBJECTS} if self.objects == NUMBERED else set()))

    @property
    def shows(self) -> frozenset[str]:
        """What of its attention can be looked at, out of `ROWS`, `GATES`, `ROLLOUT`."""
        if self.attention == GATES:
            return frozenset({GATES})
        if self.attention != ROWS:
            return frozenset()
        # Only where all layers share one grid can attention be followed through them.
        return frozenset({ROWS} if self.name == "segformer" else {ROWS, ROLLOUT})


@dataclass(frozen=True, slots=True)
class DenseConfig:
    """What builds a `DenseNetwork` again, under the names that all networks share.

    Attributes:
        num_classes: C.
        sizes: further arguments of the architecture.
        num_experts: 0: these networks have none.
        num_heads: 1.
    """

    num_classes: int
    sizes: Sizes
    num_experts: int = 0
    num_heads: int = 1

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers."""
        lists = {key: list(v) if isinstance(v, tuple) else v for key, v in self.sizes.items()}
        return {"num_classes": self.num_classes, **lists}


@dataclass(frozen=True, slots=True)
class DenseEncoding:
    """What is kept of an image.

    Attributes:
        tokens: class logits at the stride of the architecture's answer, [B, C, h, w].
        padded: height and width that the architecture was shown.
        size: those of the image.
    """

    tokens: Tensor
    padded: tuple[int, int]
    size: tuple[int, int]

    @property
    def experts(self) -> Tensor:
        """None of them, [B, 0, 1]."""
        return self.tokens.new_zeros(len(self.tokens), 0, 1)

    @property
    def nbytes(self) -> int:
        """Memory taken."""
        return self.tokens.nbytes

    def to(self, device: torch.device | str) -> DenseEncoding:
        """The same on ``device``."""
        return DenseEncoding(self.tokens.to(device), self.padded, self.size)


class DenseNetwork(nn.Module):
    """An architecture of the sources behind the doors of the default network. It knows classes only.

    Args:
        kind: of the architecture.
        num_classes: C.
        sizes: replaces some of ``kind.sizes``.

    Attributes:
        core: the architecture itself, with group instead of batch normalisation: batches of one or two
            images say too little about all others.
    """

    def __init__(self, kind: DenseKind, num_classes: int, sizes: Sizes | None = None) -> None:
        super().__init__()
        self.kind = kind
        self.config = DenseConfig(num_classes, {**kind.sizes, **(sizes or {})})
        self.core = with_group_norm(kind.build(num_classes, self.config.sizes))

    @property
    def stride(self) -> int:
        """Pixels per place along one side; logits are handed out for every pixel."""
        return 1

    @property
    def needs_whole(self) -> bool:
        """Whether tiles of an image would mean something else to it than the whole."""
        return self.kind.has_positions

    @property
    def most_pixels(self) -> int:
        """That it is shown at once; larger images are done in tiles. 0 for as many as the device allows."""
        return self.kind.most_pixels

    @property
    def shows(self) -> frozenset[str]:
        """What of its attention can be looked at, out of `ROWS`, `GATES`, `ROLLOUT`."""
        return self.kind.shows

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return next(self.core.parameters()).dtype

    def forward(self, image: Tensor) -> Tensor:
        """Image [B, 3, H, W] in 0..1, any size from 1x1 -> class logits [B, C, H, W]."""
        return self.classify(self.encode(image)).logits

    def padded(self, image: Tensor) -> Tensor:
        """Image [B, 3, H, W] in 0..1 as the architecture wants it: large enough, normalised, of its type."""
        height, width = image.shape[-2:]
        bottom, right = max(0, self.kind.smallest - height), max(0, self.kind.smallest - width)
        image = F.pad(image.float(), (0, right, 0, bottom), mode="replicate")
        stride = max(self.kind.stride, ENCODER_STRIDE if ENCODER in self.config.sizes else 1)
        image = pad_to_stride(image, stride)
        if self.kind.is_normalised:
            image = (image - MEAN) * SCALE
        return image.to(self.dtype).contiguous(memory_format=torch.channels_last)

    def encode(self, image: Tensor) -> DenseEncoding:
        """Image [B, 3, H, W] in 0..1, any size from 1x1 -> `DenseEncoding`."""
        shown = self.padded(image)
        logits = self.core(shown)
        if isinstance(logits, Mapping):  # Panoptic FPN answers with its pyramid as well
            logits = logits["semantic"]
        return DenseEncoding(logits, (shown.shape[-2], shown.shape[-1]), (image.shape[-2], image.shape[-1]))

    def classify(
        self,
        encoding: DenseEncoding,
        *,
        expert_gains: Tensor | None = None,
        need_attention: bool = False,
    ) -> ClassOutput:
        """Class logits float32 [B, C, H, W] at the size of the image.

        Args:
            encoding: from `encode`.
            expert_gains: has no effect: there are no experts.
            need_attention: likewise; see `model.zoo.attention_maps`.
        """
        logits = encoding.tokens.float()
        if logits.shape[-2:] != encoding.padded:
            logits = F.interpolate(logits, size=encoding.padded, mode="bilinear", align_corners=False)
        return ClassOutput(logits[..., : encoding.size[0], : encoding.size[1]], None)

    def with_classes(self, kept: Sequence[int | None]) -> Self:
        """Copy with other classes.

        Args:
            kept: per new class the class whose weights it goes on with; None for a new one.
        """
        made = type(self)(self.kind, len(kept), self.config.sizes).to(self.dtype)
        axes = class_axes(self.kind, self.config.sizes)
        state = made.state_dict()
        for name, old in self.state_dict().items():
            where = axes.get(name.removeprefix("core."), ())
            state[name] = _kept(old, state[name], kept, self.config.num_classes, where)
        made.load_state_dict(state)
        return made.to(next(self.parameters()).device).train(self.training)


def class_axes(kind: DenseKind, sizes: Sizes) -> dict[str, tuple[int, ...]]:
    """Which axes of which parameters belong to classes: those that grow with the number of classes."""
    with torch.device("meta"):
        few, more = (kind.build(count, sizes).state_dict() for count in (2, 3))
    return {
        name: axes
        for name, tensor in few.items()
        if (axes := tuple(i for i, n in enumerate(tensor.shape) if more[name].shape[i] != n))
    }


def _kept(
    old: Tensor, fresh: Tensor, kept: Sequence[int | None], num_classes: int, axes: tuple[int, ...]
) -> Tensor:
    """``fresh`` with the rows of kept classes from ``old``, along all of ``axes`` at once."""
    if not axes:
        return old
    pairs = [(new, source) for new, source in enumerate(kept) if source is not None]
    if not pairs:
        return fresh
    merged, target, origin = fresh.clone(), [], []
    for axis in range(old.dim()):
        if axis not in axes:
            target.append(torch.arange(old.shape[axis]))
            origin.append(torch.arange(old.shape[axis]))
            continue
        rows = old.shape[axis] // num_classes
        within = torch.arange(rows)
        target.append(torch.cat([new * rows + within for new, _ in pairs]))
        origin.append(torch.cat([source * rows + within for _, source in pairs]))
    merged[torch.meshgrid(*target, indexing="ij")] = old[torch.meshgrid(*origin, indexing="ij")]
    return merged


def with_group_norm(module: nn.Module) -> nn.Module:
    """``module`` with every batch normalisation of features replaced by a group normalisation.

    One of the image itself (three channels) stays: it normalises colours, and groups of colours would
    lose them. Wu and He, "Group Normalization", ECCV 2018, arXiv:1803.08494.
    """
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d) and child.num_features > 3:
            module.register_module(name, nn.GroupNorm(_groups(child.num_features), child.num_features))
        else:
            with_group_norm(child)
    return module


def _groups(channels: int) -> int:
    """The most groups, of at least 8 channels each, that divide ``channels``."""
    return next((count for count in range(max(1, channels // 8), 0, -1) if channels % count == 0), 1)
