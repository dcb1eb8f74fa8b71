"""What the panel shows: named maps, each with a meaning of its rows and of its columns.

The panel knows nothing of experts beyond this. Whoever has attention of another kind (gates, self-attention,
other architectures) makes a `MapSource` of it and gives it to `ExpertsPanel.set_maps`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication

from latentseg_gui.document.experts.experts import RegionAttention
from latentseg_gui.document.experts.maps import ExpertMaps, PromptAttention
from latentseg_gui.document.prediction.proposals import PromptPoint
from latentseg_gui.document.types import Rect

SumsOver = Literal["places", "rows", ""]


def _tr(text: str) -> str:
    return QCoreApplication.translate("experts", text)


@dataclass(frozen=True, slots=True)
class NamedMaps:
    """One kind of map: a value for every head, row and place.

    Attributes:
        key: stable name.
        title: what the choice of views shows.
        meaning: one sentence, for the tool tip and figures.
        values: float32 [heads, N, h, w]; rows are what `MapSource.rows` says, columns places in the image.
        sums_over: over what the values sum to 1: "places" for every row, "rows" at every place, "" for neither.
    """

    key: str
    title: str
    meaning: str
    values: NDArray[np.float32]
    sums_over: SumsOver = ""

    @property
    def factor(self) -> float:
        """From values to what is shown: multiples of an even spread, percent, or as they are."""
        if self.sums_over == "places":
            return float(self.values.shape[-1] * self.values.shape[-2])
        return 100.0 if self.sums_over == "rows" else 1.0

    @property
    def unit(self) -> str:
        """Of what is shown."""
        units = {"places": _tr("times the mean"), "rows": _tr("% of the pixel"), "": _tr("value")}
        return units[self.sums_over]


@dataclass(frozen=True, slots=True)
class MapSource:
    """Maps of one image that belong together; all have the same rows.

    Attributes:
        rows: what a row is called: "Expert", "Click", "Gate".
        row_names: a name for each row, "" for its number.
        views: at least one.
        shape: (rows, columns) of the image.
        stride: pixels of the image per place, along one side.
        can_intervene: whether rows can be knocked out, boosted and named.
    """

    image_id: str
    version: str
    rows: str
    row_names: tuple[str, ...]
    views: tuple[NamedMaps, ...]
    shape: tuple[int, int]
    stride: float
    can_intervene: bool = False

    @property
    def count(self) -> int:
        """How many rows."""
        return int(self.views[0].values.shape[1])

    @property
    def heads(self) -> int:
        """How many attention heads."""
        return int(self.views[0].values.shape[0])

    def view(self, key: str) -> NamedMaps:
        """The maps called ``key``, the first ones where there are none of that name."""
        return next((view for view in self.views if view.key == key), self.views[0])

    @property
    def shares(self) -> NamedMaps | None:
        """The maps whose rows divide every place among them: they have a territory."""
        return next((view for view in self.views if view.sums_over == "rows"), None)

    @property
    def spreads(self) -> NamedMaps:
        """The maps that say where a row looks."""
        return next((view for view in self.views if view.sums_over == "places"), self.views[0])


@dataclass(frozen=True, slots=True)
class MapPart:
    """Finer maps of a rectangle of the image, with the rows of the `MapSource` they belong to.

    Attributes:
        rect: in pixels of the image.
        stride: pixels of the image per place, along one side.
        values: float32 [heads, N, h, w] by the key of the view, on the scale of the whole: those that sum to 1
            over all places sum to the share that lies in the rectangle.
    """

    rect: Rect
    stride: float
    values: Mapping[str, NDArray[np.float32]]


def learned_part(part: RegionAttention) -> MapPart:
    """Of the learned experts."""
    return MapPart(part.rect, part.stride, {"look": part.look, "mix": part.mix})


def words_of_experts() -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    """Key, title and meaning of the two views of the learned experts."""
    return (
        ("look", _tr("Look"), _tr("Where in the image each expert looks")),
        ("mix", _tr("Mix"), _tr("Which pixels each expert explains")),
    )


def from_experts(maps: ExpertMaps) -> MapSource:
    """The learned experts."""
    look, mix = words_of_experts()
    return MapSource(
        maps.image_id,
        maps.version,
        _tr("Expert"),
        ("",) * int(maps.mix.shape[1]),
        (
            NamedMaps(*look, maps.look, "places"),
            NamedMaps(*mix, maps.mix, "rows"),
        ),
        maps.shape,
        maps.stride,
        can_intervene=True,
    )


def _name_of(point: PromptPoint) -> str:
    if point.way:
        return _tr("Line {0} on it") if point.is_positive else _tr("Line {0} beside it")
    return _tr("Click {0} on it") if point.is_positive else _tr("Click {0} beside it")


def from_prompts(maps: PromptAttention) -> MapSource:
    """Clicks and box: each is an expert of its own while it is there."""
    look = _tr("Where in the image each click looks")
    mix = _tr("How much each pixel owes to each click")
    points = tuple(
        _name_of(point).format(number) for number, point in enumerate(maps.prompts.points, start=1)
    )
    box = () if maps.prompts.box is None else (_tr("Box: first corner"), _tr("Box: other corner"))
    return MapSource(
        maps.image_id,
        maps.version,
        _tr("Click"),
        (*points, *box, _tr("Learned experts")),
        (
            NamedMaps("look", _tr("Look"), look, maps.look, "places"),
            NamedMaps("mix", _tr("Mix"), mix, maps.mix, "rows"),
        ),
        maps.shape,
        maps.stride,
    )


def as_source(maps: ExpertMaps | PromptAttention | MapSource | None) -> MapSource | None:
    """``maps`` as the panel takes them."""
    if isinstance(maps, ExpertMaps):
        return from_experts(maps)
    if isinstance(maps, PromptAttention):
        return from_prompts(maps)
    return maps
