"""What the gallery shows, computed from the maps and the chosen view; each result is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.types import Labels
from latentseg_gui.panels.experts import attention_math as attention
from latentseg_gui.panels.experts.attention_math import ExpertFigures, Floats, Head, Normalisation
from latentseg_gui.panels.experts.colours import expert_colours
from latentseg_gui.panels.experts.maps import MapPart, MapSource, NamedMaps

TILE_SIDE = 128


@dataclass(frozen=True, slots=True)
class ViewChoice:
    """What the user wants to see.

    Attributes:
        view: key of one of the views of the maps.
        head: one attention head, or the mean or maximum of all.
        normalisation: what the ends of the colours mean, see `attention_math.value_limits`.
        sort_key: one of `attention_math.SORT_KEYS`.
        sort_class: class id for sorting by "class".
        colour_map: "magma" or "viridis".
    """

    view: str = "look"
    head: Head = "mean"
    normalisation: Normalisation = "shared"
    sort_key: str = "index"
    sort_class: int = 0
    colour_map: str = "magma"


class ExpertsState:
    """Maps of one image and what follows from them."""

    def __init__(self) -> None:
        self.choice = ViewChoice()
        self.maps: MapSource | None = None
        self.part: MapPart | None = None
        self.figures = ExpertFigures(*(np.zeros(0, np.float32),) * 2, np.zeros((0, 0), np.float32))
        self._labels: Labels | None = None
        self._class_names: tuple[str, ...] = ()
        self._class_ids: tuple[int, ...] = ()
        self._reduced: Floats | None = None
        self._limits: Floats | None = None
        self._means: dict[str, Floats] = {}
        self._whole_maps: dict[str, NDArray[Any]] = {}
        self._part_maps: dict[str, NDArray[Any]] = {}
        self._part_mix: Floats | None = None

    @property
    def count(self) -> int:
        """How many experts there are; 0 without maps."""
        return 0 if self.maps is None else self.maps.count

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names by class id."""
        return self._class_names

    @property
    def colours(self) -> NDArray[np.uint8]:
        """One colour per expert, uint8 [K, 3]."""
        return expert_colours(self.count)

    def set_maps(self, maps: MapSource | None) -> None:
        """Takes the maps of an image."""
        self.maps = maps
        self._whole_maps.clear()
        self.set_part(None)
        self._reduced = self._limits = None
        self._means = {} if maps is None else _head_means(maps)
        if maps is not None and self._labels is not None and self._labels.shape != maps.shape:
            self._labels = None
        if maps is not None:
            look = self._means[maps.spreads.key]
            spread = (
                attention.look_entropy(look) if maps.spreads.sums_over else np.zeros(self.count, np.float32)
            )
            mass = np.zeros(self.count, np.float32) if maps.shares is None else attention.mass(self.mix)
            self.figures = ExpertFigures(mass, spread, self._affinity())

    def set_part(self, part: MapPart | None) -> None:
        """Takes finer maps of a part of the same image; what has other rows counts as none."""
        keys = () if self.maps is None else tuple(view.key for view in self.maps.views)
        fits = part is not None and all(
            key in part.values and part.values[key].shape[1] == self.count for key in keys
        )
        self.part = part if fits and keys else None
        self._part_mix = None
        self._part_maps.clear()

    @property
    def part_mix(self) -> Floats | None:
        """`mix` of the part, float32 [K, h, w]; None where there is none."""
        if self.part is None or self.maps is None or self.maps.shares is None:
            return None
        if self._part_mix is None:
            self._part_mix = attention.head_mean(self.part.values[self.maps.shares.key])
        return self._part_mix

    def of_mix(self, kind: str) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """The map [h, w] of a kind, "territory" or "entropy", of the whole and of the part (None without one)."""
        compute = attention.territory if kind == "territory" else attention.mix_entropy
        if kind not in self._whole_maps:
            self._whole_maps[kind] = compute(self.mix)
        finer = self.part_mix
        if finer is not None and kind not in self._part_maps:
            self._part_maps[kind] = compute(finer)
        return self._whole_maps[kind], self._part_maps.get(kind)

    def part_of(self, row: int) -> Floats | None:
        """One map of `reduced` for the part, float32 [h, w], on the same scale; None where there is no part."""
        if self.part is None or self.maps is None:
            return None
        view = self.view
        values = attention.reduce_heads(self.part.values[view.key][:, row : row + 1], self.choice.head)[0]
        finer = (self.maps.stride / self.part.stride) ** 2 if view.sums_over == "places" else 1.0
        shown: Floats = values * np.float32(view.factor * finer)
        return shown

    def set_labels(
        self, labels: Labels | None, class_names: tuple[str, ...], ids: Sequence[int] = ()
    ) -> None:
        """Takes the classes of the image's pixels.

        Args:
            labels: class ids [H, W]; another shape than the image's counts as none.
            class_names: in their order.
            ids: of each; by default their numbers.
        """
        fits = labels is not None and (self.maps is None or labels.shape == self.maps.shape)
        self._labels = labels if fits else None
        self._class_names, self._class_ids = class_names, tuple(ids) or tuple(range(len(class_names)))
        if self.maps is not None:
            self.figures = replace(self.figures, affinity=self._affinity())

    def set_choice(self, choice: ViewChoice) -> None:
        """Takes another view."""
        if (choice.view, choice.head) != (self.choice.view, self.choice.head):
            self._reduced = None
        self.choice, self._limits = choice, None

    def _affinity(self) -> Floats:
        if self.maps is None or self.maps.shares is None or self._labels is None or not self._class_names:
            return np.zeros((self.count, 0), dtype=np.float32)
        shape = self.mix.shape[1:]
        at_tokens = attention.labels_at_tokens(self._labels, (shape[0], shape[1]), self.maps.stride)
        by_id = attention.class_affinity(self.mix, at_tokens, max(self._class_ids) + 1)
        return by_id[:, list(self._class_ids)]

    @property
    def mix(self) -> Floats:
        """How each place divides among the rows, mean of the heads, float32 [K, h, w].

        Raises:
            ValueError: there are no such maps.
        """
        if self.maps is None or self.maps.shares is None:
            raise ValueError("there are no maps that divide every place")
        return self._means[self.maps.shares.key]

    def mix_at(self, xy: tuple[float, float]) -> attention.PixelMix | None:
        """How one pixel divides among the rows; None outside and where the maps do not say."""
        if self.maps is None or self.maps.shares is None:
            return None
        key, part = self.maps.shares.key, self.part
        if part is not None:
            local = xy[0] - part.rect.col0, xy[1] - part.rect.row0
            finer = attention.pixel_mix(part.values[key], part.rect.shape, part.stride, local)
            if finer is not None:
                return replace(finer, xy=xy)
        return attention.pixel_mix(self.maps.shares.values, self.maps.shape, self.maps.stride, xy)

    @property
    def view(self) -> NamedMaps:
        """The maps that are chosen.

        Raises:
            ValueError: there are no maps.
        """
        if self.maps is None:
            raise ValueError("there are no attention maps to show")
        return self.maps.view(self.choice.view)

    @property
    def reduced(self) -> Floats:
        """One map per row in readable units, float32 [K, h, w].

        Raises:
            ValueError: there are no maps.
        """
        if self._reduced is None:
            view = self.view
            if isinstance(self.choice.head, int) and self.choice.head >= view.values.shape[0]:
                self.choice = replace(self.choice, head="mean")
            head = self.choice.head
            one = self._means[view.key] if head == "mean" else attention.reduce_heads(view.values, head)
            self._reduced = one * np.float32(view.factor)
        return self._reduced

    @property
    def limits(self) -> Floats:
        """The values of the darkest and the brightest colour per expert, float32 [K, 2]."""
        if self._limits is None:
            self._limits = attention.value_limits(self.reduced, self.choice.normalisation)
        return self._limits

    def order(self) -> tuple[int, ...]:
        """Experts as sorted."""
        return attention.sort_order(self.choice.sort_key, self.figures, self.choice.sort_class)

    def thumbnails(self) -> NDArray[np.uint8]:
        """A small map per expert, uint8 [K, h', w'], as indices into the colour map."""
        return attention.thumbnails(self.reduced, self.limits, TILE_SIDE)

    def main_class(self, expert: int) -> tuple[str, float] | None:
        """The class that makes up most of what an expert explains, with its share."""
        row = self.figures.affinity[expert] if self.figures.affinity.shape[1] else np.zeros(0, np.float32)
        if row.size == 0 or float(row.max()) <= 0:
            return None
        class_id = int(row.argmax())
        return self._class_names[class_id], float(row[class_id])


def _head_means(maps: MapSource) -> dict[str, Floats]:
    return {view.key: attention.head_mean(view.values) for view in maps.views}
