"""Values that cross the border of the experts panel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.experts.experts import Gains
from latentseg_gui.document.types import Rect


@dataclass(frozen=True, slots=True)
class ExpertOverlay:
    """What the canvas shall lay over the image.

    Attributes:
        kind: heatmap of an expert, dominant expert per pixel, or how undecided the mix is.
        expert: index of the expert, -1 for the others.
        values: [h, w] at token resolution; float32, for "territory" uint8 expert indices.
        limits: values of the darkest and the brightest colour.
        colour_map: "magma" or "viridis".
        colours: uint8 [K, 3] per expert for "territory", else empty.
        caption: one line that says what is shown, how it was reduced and scaled.
        part: a rectangle of the image and finer values for it, on the same scale.
    """

    kind: Literal["expert", "territory", "entropy"]
    expert: int
    values: NDArray[np.float32] | NDArray[np.uint8]
    limits: tuple[float, float]
    colour_map: str
    colours: NDArray[np.uint8]
    caption: str
    part: tuple[Rect, NDArray[np.float32] | NDArray[np.uint8]] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What is chosen, shown and altered in the panel.

    Attributes:
        expert: the chosen one, -1 for none.
        overlay: what lies over the image, None for nothing.
        gains: factors that differ from 1, by expert or by (head, expert).
        has_new_gains: whether the user has just altered ``gains``.
    """

    expert: int
    overlay: ExpertOverlay | None
    gains: Gains
    has_new_gains: bool = False

    @property
    def shows_territory(self) -> bool:
        """Whether the map of territories lies over the image."""
        return self.overlay is not None and self.overlay.kind == "territory"


@dataclass(frozen=True, slots=True, eq=False)
class MapOverlay:
    """A map of a network without experts, to lay over the image.

    Attributes:
        values: float32 [h, w], over the whole image.
        limits: values of the darkest and the brightest colour.
        caption: one line that says what is shown.
    """

    values: NDArray[np.float32]
    limits: tuple[float, float]
    caption: str


@dataclass(frozen=True, slots=True)
class InterventionResult:
    """What changed when experts were knocked out or boosted.

    Attributes:
        changed_pixels: pixels whose class is another now.
        total_pixels: of the image.
        areas: (class name, pixels before, pixels after).
        confidence_change: mean confidence after minus before, -1..1.
        seconds: time it took.
        compared_at: (rows, columns) at which both were compared, where that is less than the image.
    """

    changed_pixels: int
    total_pixels: int
    areas: tuple[tuple[str, int, int], ...] = ()
    confidence_change: float = 0.0
    seconds: float = 0.0
    compared_at: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class InfluenceRow:
    """What knocking out one expert alone does.

    Attributes:
        changed: share of pixels whose class changes, 0..1.
        confidence_change: mean confidence after minus before.
        most_affected: name of the class whose area changes most, "" for none.
    """

    expert: int
    changed: float
    confidence_change: float
    most_affected: str = ""


@dataclass(frozen=True, slots=True)
class ExpertLabels:
    """Names and notes that the user gave, by expert index."""

    names: dict[int, str] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FolderAffinity:
    """Experts against classes over several images.

    Attributes:
        shares: float32 [K, C], rows summing to 1.
        images: how many went into it.
        total: how many there are.
    """

    shares: NDArray[np.float32]
    images: int
    total: int


@dataclass(frozen=True, slots=True)
class ExpertShift:
    """How the experts of one image differ between two versions of the weights.

    Attributes:
        before, after: names of the versions.
        vectors: 1 - cosine, float32 [K].
        maps: share of what an expert explains that is elsewhere now, 0..1, float32 [K].
    """

    before: str
    after: str
    vectors: NDArray[np.float32]
    maps: NDArray[np.float32]
