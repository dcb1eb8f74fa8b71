"""What the gallery shows, computed from the maps and the chosen view; each result is computed once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.types import AttentionMaps, Labels
from latentseg_gui.panels.experts import attention_math as attention
from latentseg_gui.panels.experts.attention_math import ExpertFigures, Floats, Head, Normalisation, View
from latentseg_gui.panels.experts.colours import expert_colours

TILE_SIDE = 128


@dataclass(frozen=True, slots=True)
class ViewChoice:
    """What the user wants to see.

    Attributes:
        view: where experts look, or which pixels they explain.
        head: one attention head, or the mean or maximum of all.
        normalisation: brightest colour per expert, or one for all.
        sort_key: one of `attention_math.SORT_KEYS`.
        sort_class: class id for sorting by "class".
        colour_map: "magma" or "viridis".
    """

    view: View = "look"
    head: Head = "mean"
    normalisation: Normalisation = "expert"
    sort_key: str = "index"
    sort_class: int = 0
    colour_map: str = "magma"


class ExpertsState:
    """Maps of one image and what follows from them."""

    def __init__(self) -> None:
        self.choice = ViewChoice()
        self.maps: AttentionMaps | None = None
        self.figures = ExpertFigures(*(np.zeros(0, np.float32),) * 2, np.zeros((0, 0), np.float32))
        self._labels: Labels | None = None
        self._class_names: tuple[str, ...] = ()
        self._reduced: Floats | None = None
        self._means: tuple[Floats, Floats] | None = None

    @property
    def count(self) -> int:
        """How many experts there are; 0 without maps."""
        return 0 if self.maps is None else int(self.maps.mix.shape[1])

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names by class id."""
        return self._class_names

    @property
    def colours(self) -> NDArray[np.uint8]:
        """One colour per expert, uint8 [K, 3]."""
        return expert_colours(self.count)

    def set_maps(self, maps: AttentionMaps | None) -> None:
        """Takes the maps of an image."""
        self.maps = maps
        self._reduced = None
        self._means = (
            None if maps is None else (attention.head_mean(maps.look), attention.head_mean(maps.mix))
        )
        if maps is not None and self._labels is not None and self._labels.shape != maps.shape:
            self._labels = None
        if self._means is not None:
            look, mix = self._means
            self.figures = ExpertFigures(attention.mass(mix), attention.spread(look), self._affinity())

    def set_labels(self, labels: Labels | None, class_names: tuple[str, ...]) -> None:
        """Takes the classes of the image's pixels, [H, W]; wrong shapes count as none."""
        fits = labels is not None and (self.maps is None or labels.shape == self.maps.shape)
        self._labels = labels if fits else None
        self._class_names = class_names
        if self.maps is not None:
            self.figures = replace(self.figures, affinity=self._affinity())

    def set_choice(self, choice: ViewChoice) -> None:
        """Takes another view."""
        if (choice.view, choice.head) != (self.choice.view, self.choice.head):
            self._reduced = None
        self.choice = choice

    def _affinity(self) -> Floats:
        if self.maps is None or self._labels is None or not self._class_names:
            return np.zeros((self.count, 0), dtype=np.float32)
        shape = self.mix.shape[1:]
        at_tokens = attention.labels_at_tokens(self._labels, (shape[0], shape[1]), self.maps.stride)
        return attention.class_affinity(self.mix, at_tokens, len(self._class_names))

    @property
    def mix(self) -> Floats:
        """The mix, mean of the heads, float32 [K, h, w].

        Raises:
            ValueError: there are no maps.
        """
        if self._means is None:
            raise ValueError("there are no attention maps to show")
        return self._means[1]

    @property
    def reduced(self) -> Floats:
        """One map per expert in readable units, float32 [K, h, w].

        Raises:
            ValueError: there are no maps.
        """
        if self.maps is None or self._means is None:
            raise ValueError("there are no attention maps to show")
        if self._reduced is None:
            is_look = self.choice.view == "look"
            raw = self.maps.look if is_look else self.maps.mix
            if isinstance(self.choice.head, int) and self.choice.head >= raw.shape[0]:
                self.choice = replace(self.choice, head="mean")
            head = self.choice.head
            one = self._means[0 if is_look else 1] if head == "mean" else attention.reduce_heads(raw, head)
            self._reduced = attention.in_readable_units(one, self.choice.view)
        return self._reduced

    @property
    def limits(self) -> Floats:
        """The value of the brightest colour per expert, float32 [K]."""
        return attention.upper_limits(self.reduced, self.choice.normalisation)

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
