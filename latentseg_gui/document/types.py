"""Values that cross a border between packages: frozen, slotted, arrays read-only by convention.

Coordinates: ``rc`` is an integer array index (row, column); ``xy`` is a float position in image
pixels whose origin is the upper left corner of the upper left pixel, so that pixel ``rc`` covers
``[c, c + 1) x [r, r + 1)``. `latentseg_gui.document.coords` converts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.training.learning import LATENT_EXPERT, NetworkChoice

if TYPE_CHECKING:
    from latentseg_gui.document.prediction.taken_up import TakenUp

Labels = NDArray[np.uint8]
"""Class ids [H, W]; `UNLABELLED` where nothing is labelled."""

Mask = NDArray[np.bool_]
"""Boolean area [H, W]."""

UNLABELLED: Final = 255
BACKGROUND: Final = 0


class Provenance(IntEnum):
    """Who said what class a pixel is."""

    NONE = 0
    PREDICTED = 1
    CLICKED = 2
    PAINTED = 3


@dataclass(frozen=True, slots=True)
class Rect:
    """A half-open rectangle of pixels: rows ``row0:row1``, columns ``col0:col1``."""

    row0: int
    col0: int
    row1: int
    col1: int

    @property
    def is_empty(self) -> bool:
        """Whether no pixel lies inside."""
        return self.row1 <= self.row0 or self.col1 <= self.col0

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns); zero where empty."""
        return max(0, self.row1 - self.row0), max(0, self.col1 - self.col0)

    @property
    def slices(self) -> tuple[slice, slice]:
        """The rectangle as an index into an array [H, W, ...]."""
        return slice(self.row0, self.row1), slice(self.col0, self.col1)

    def union(self, other: Rect) -> Rect:
        """The smallest rectangle that holds both; an empty one counts for nothing."""
        if self.is_empty:
            return other
        if other.is_empty:
            return self
        return Rect(
            min(self.row0, other.row0),
            min(self.col0, other.col0),
            max(self.row1, other.row1),
            max(self.col1, other.col1),
        )

    def clipped(self, shape: tuple[int, int]) -> Rect:
        """The part inside an image of ``shape`` (rows, columns)."""
        rows, cols = shape
        return Rect(
            min(max(self.row0, 0), rows),
            min(max(self.col0, 0), cols),
            min(max(self.row1, 0), rows),
            min(max(self.col1, 0), cols),
        )

    def tiles(self, shape: tuple[int, int], side: int) -> Iterator[Rect]:
        """The tiles of ``side`` pixels that this touches, of an image of ``shape`` (rows, columns)."""
        for row in range(self.row0 // side * side, self.row1, side):
            for col in range(self.col0 // side * side, self.col1, side):
                yield Rect(row, col, min(row + side, shape[0]), min(col + side, shape[1]))

    @classmethod
    def whole(cls, shape: tuple[int, int]) -> Rect:
        """The rectangle of a whole image of ``shape`` (rows, columns)."""
        return cls(0, 0, shape[0], shape[1])

    @classmethod
    def around(cls, mask: Mask) -> Rect:
        """The bounding box of the true pixels of ``mask`` [H, W]; empty where there are none."""
        rows = np.flatnonzero(mask.any(axis=1))
        if rows.size == 0:
            return cls(0, 0, 0, 0)
        cols = np.flatnonzero(mask.any(axis=0))
        return cls(int(rows[0]), int(cols[0]), int(rows[-1]) + 1, int(cols[-1]) + 1)


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image as read.

    Attributes:
        image_id: stable name of the image inside the document.
        pixels: what is shown and what the model sees, uint8 [H, W, 3].
        source: the values of the file, [H, W] or [H, W, channels], any real dtype.
        path: where it came from; None for one pasted or made in memory.
        notes: sentences about conversions made while reading ("turned upright by its EXIF tag").
        frame: which page or frame of the file this is, from 0.
        frames: how many the file has.
        is_inverted: whether small values of the file are shown bright (a TIFF in which zero is white).
        level_notes: sentences about which values are shown black and white, for where levels are set.
        nodata: the value of the file that stands for "nothing was measured here"; None if there is none.
    """

    image_id: str
    pixels: NDArray[np.uint8]
    source: NDArray[np.generic]
    path: Path | None = None
    notes: tuple[str, ...] = ()
    frame: int = 0
    frames: int = 1
    is_inverted: bool = False
    level_notes: tuple[str, ...] = ()
    nodata: float | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return int(self.pixels.shape[0]), int(self.pixels.shape[1])


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a version of the model says of an image.

    Attributes:
        labels: most likely class, uint8 [H, W].
        confidence: probability of that class as 0..255, uint8 [H, W].
        version: the version of the weights that said so.
        is_altered: whether experts were knocked out or boosted for it.
        seconds: time the model took.
        instances: object numbers, uint32 [H, W]; None where the model does not tell objects apart.
        depth: how deep a pixel lies in its object, 0..255 for the middle, uint8 [H, W]; None where the model
            does not know. `latentseg_gui.document.prediction.separating` makes ``instances`` of it.
        most_likely: the class before objects were made of depth, uint8 [H, W]; None where none were.
    """

    image_id: str
    version: str
    labels: Labels
    confidence: NDArray[np.uint8]
    is_altered: bool = False
    seconds: float = 0.0
    instances: NDArray[np.uint32] | None = None
    depth: NDArray[np.uint8] | None = None
    most_likely: Labels | None = None

    @property
    def said(self) -> Labels:
        """The most likely class of every pixel, whatever objects were made of it."""
        return self.labels if self.most_likely is None else self.most_likely


@dataclass(frozen=True, slots=True)
class ExpertLikeness:
    """How alike the experts of one image are.

    Attributes:
        vectors: the experts after looking at the image, float32 [K, D].
        cosine: of their vectors, float32 [K, K].
        overlap: of what they explain, 0..1, float32 [K, K].
        order: in which similar experts are neighbours.
        idle: experts that hardly any pixel draws on.
        twins: pairs that do the same.
    """

    vectors: NDArray[np.float32]
    cosine: NDArray[np.float32]
    overlap: NDArray[np.float32]
    order: tuple[int, ...]
    idle: tuple[int, ...]
    twins: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class AttentionMaps:
    """Where the experts look and which pixels they explain, at token resolution.

    Attributes:
        look: float32 [heads, K, h, w]; sums to 1 over (h, w) for every head and expert.
        mix: float32 [heads, K, h, w]; sums to 1 over K at every token and head.
        shape: (rows, columns) of the image; token (i, j) covers the pixels around ``(i, j) * stride``.
        stride: pixels of the image per token, along one side.
        likeness: how alike the experts are; None where nobody compared them.
    """

    image_id: str
    version: str
    look: NDArray[np.float32]
    mix: NDArray[np.float32]
    shape: tuple[int, int]
    stride: float
    likeness: ExpertLikeness | None = None


@dataclass(frozen=True, slots=True)
class PromptAttention:
    """As `AttentionMaps` for an object: a row per click, two for the box, the last for all learned experts.

    Attributes:
        prompts: what the rows but the last are about, in order.
        look: float32 [heads, P + 1, h, w]; sums to 1 over (h, w).
        mix: float32 [heads, P + 1, h, w]; sums to 1 over the rows.
        shape: (rows, columns) of the image.
        stride: pixels of the image per token, along one side.
    """

    image_id: str
    version: str
    prompts: PromptSet
    look: NDArray[np.float32]
    mix: NDArray[np.float32]
    shape: tuple[int, int]
    stride: float


@dataclass(frozen=True, slots=True)
class PromptPoint:
    """A click at ``xy``: on the object, or on what is not the object."""

    xy: tuple[float, float]
    is_positive: bool


@dataclass(frozen=True, slots=True)
class PromptSet:
    """What was pointed at: clicks, oldest first, perhaps a box (x0, y0, x1, y1); the object that they start from."""

    points: tuple[PromptPoint, ...] = ()
    box: tuple[float, float, float, float] | None = None
    taken_up: TakenUp | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to segment from."""
        return not self.points and self.box is None


@dataclass(frozen=True, slots=True)
class MaskProposal:
    """A transient object mask made from prompts; it touches the mask only when accepted.

    Attributes:
        rect: bounding box of the object.
        mask: bool, of the shape of ``rect``.
        score: the model's own estimate of its IoU, 0..1.
        prompts: what it was made from.
        seconds: time the model took.
        is_refining: whether a closer look is under way whose answer will take its place.
        made_by: title of the click model of others that made it; "" for the model itself.
        candidates: what else may be meant, where that was asked for: the whole that the object belongs to, then a
            part of it; empty for weights that know one meaning only.
        chances: how likely each pixel of a rectangle that holds ``rect`` belongs to the object, uint8 of its
            shape, 255 for certain; None where that is not known.
    """

    image_id: str
    version: str
    rect: Rect
    mask: Mask
    score: float
    prompts: PromptSet
    seconds: float = 0.0
    is_refining: bool = False
    made_by: str = ""
    candidates: tuple[MaskProposal, ...] = ()
    chances: tuple[Rect, NDArray[np.uint8]] | None = None


@dataclass(frozen=True, slots=True)
class TrainingSample:
    """A snapshot for fine-tuning.

    Attributes:
        image_id: of the image.
        pixels: RGB, uint8 [H, W, 3].
        labels: class ids with `UNLABELLED`, uint8 [H, W].
        provenance: who said so, `Provenance` values, uint8 [H, W]; None where a person said all of it.
        instances: object numbers, uint32 [H, W]; None where nothing is numbered.
    """

    image_id: str
    pixels: NDArray[np.uint8]
    labels: Labels
    provenance: NDArray[np.uint8] | None = None
    instances: NDArray[np.uint32] | None = None


@dataclass(frozen=True, slots=True)
class FineTuneProgress:
    """One report of a running fine-tuning job.

    Attributes:
        step: optimiser steps done.
        fraction: share of the budget spent, 0..1.
        loss: loss of the last step.
        metric: mean IoU on the held-out labelled pixels; NaN where it was not measured at this step.
        seconds: wall time spent.
        phase: what is being done, for the user ("encoding", "refitting the experts", ...).
    """

    step: int
    fraction: float
    loss: float
    metric: float
    seconds: float
    phase: str


@dataclass(frozen=True, slots=True)
class FineTuneResult:
    """How a fine-tuning job ended.

    Attributes:
        weights: the safetensors file of the best weights seen.
        version: the name of the new version.
        metric_before: mean IoU on held-out labelled pixels of the version it started from; NaN if unknown.
        metric_after: the same for the new version.
        is_better: whether the new version should be adopted.
        note: sentences for the user.
        validated_on: what the metrics were measured on, and what they leave out, in words.
        network: title of the network that has learned; "" for the one that comes with the program.
    """

    weights: Path
    version: str
    metric_before: float
    metric_after: float
    is_better: bool
    seconds: float
    note: str = ""
    validated_on: str = ""
    network: str = ""


@dataclass(frozen=True, slots=True)
class WeightsInfo:
    """What the window must know of a set of weights.

    Attributes:
        version: name shown to the user, unique in the session.
        path: the safetensors file; None for the shipped default.
        class_names: names by class id.
        class_colours: "#rrggbb" by class id; may be empty.
        num_experts: K.
        num_heads: attention heads.
        expert_names: names the user gave, by expert index.
        device: where the model runs, for the status bar ("CPU, 2 threads").
        device_reason: why it runs there.
        expert_notes: notes the user wrote, by expert index.
        attention: the same for weights whose experts attend to the same on every image; "" is like no other.
        network: which network they are of (`NetworkChoice.name`).
        title: of that network.
        capabilities: what it can do besides predicting classes: "clicks", "experts", "rows" (what a place attends
            to), "gates", "rollout", "live" (learning while masks are corrected).
        networks: all that can be trained, the default first.
    """

    version: str
    path: Path | None
    class_names: tuple[str, ...]
    class_colours: tuple[str, ...]
    num_experts: int
    num_heads: int
    device: str
    device_reason: str
    expert_names: dict[int, str] = field(default_factory=dict)
    expert_notes: dict[int, str] = field(default_factory=dict)
    attention: str = ""
    network: str = LATENT_EXPERT
    title: str = "Latent experts"
    capabilities: frozenset[str] = frozenset({"clicks", "experts", "live"})
    networks: tuple[NetworkChoice, ...] = ()

    def can(self, what: str) -> bool:
        """Whether the network can do something besides predicting classes."""
        return what in self.capabilities
