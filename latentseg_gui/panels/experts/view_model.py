"""The state of the experts on the widgets of the panel, and the map of it that lies over the image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QWidget

from latentseg_gui.document.experts.experts import Gains, altered
from latentseg_gui.document.types import Labels
from latentseg_gui.panels.experts.attention_math import floored
from latentseg_gui.panels.experts.colours import map_colours
from latentseg_gui.panels.experts.gains import Shape, Where, gain_at, is_solo, table_of
from latentseg_gui.panels.experts.maps import MapPart, MapSource
from latentseg_gui.panels.experts.state import ExpertsState, ViewChoice
from latentseg_gui.panels.experts.tile import ExpertTile
from latentseg_gui.panels.experts.values import ExpertLabels, ExpertOverlay, InfluenceRow
from latentseg_gui.panels.experts.view import ExpertsView
from latentseg_gui.panels.experts.words import (
    badge_text,
    figures_text,
    number_text,
    resolution_text,
    scale_text,
    short,
)
from latentseg_gui.panels.pixmaps import image_from_codes


def overlay_of(state: ExpertsState, shown: str | None, row: int, name: str) -> ExpertOverlay | None:
    """What the canvas shall show.

    Args:
        state: maps and view.
        shown: "expert", "territory", "entropy" or None.
        row: the chosen expert, -1 for none.
        name: what it is called.
    """
    if state.maps is None or shown is None:
        return None
    if shown == "expert":
        return _of_expert(state, row, name) if row >= 0 else None
    if state.maps.shares is None:
        return None
    return _of_mix(state, "territory" if shown == "territory" else "entropy")


def _of_expert(state: ExpertsState, row: int, name: str) -> ExpertOverlay:
    low, high = (float(each) for each in state.limits[row])
    finer = state.part_of(row)
    return ExpertOverlay(
        "expert",
        row,
        state.reduced[row],
        (low, high),
        state.choice.colour_map,
        np.zeros((0, 3), np.uint8),
        f"{name}: {scale_text(state)}",
        None if finer is None or state.part is None else (state.part.rect, finer),
    )


def _of_mix(state: ExpertsState, kind: Literal["territory", "entropy"]) -> ExpertOverlay:
    """Territory or indecision."""
    (values, finer), part = state.of_mix(kind), state.part
    over = None if finer is None or part is None else (part.rect, finer)
    if kind == "territory":
        caption = _tr("Territory: the expert with the largest share, mean of the heads")
        return ExpertOverlay(kind, -1, values, (0, 255), "", state.colours, caption, over)
    caption = _tr("Indecision: entropy of the mix, 0 one expert, 1 all alike")
    none = np.zeros((0, 3), np.uint8)
    return ExpertOverlay(kind, -1, values, floored(values), "viridis", none, caption, over)


def _tr(text: str) -> str:
    return QCoreApplication.translate("experts", text)


class ExpertsViewModel:
    """Knows what is shown; has no signals and decides nothing.

    Attributes:
        state: maps and view.
        current: the chosen expert, -1 for none.
        shown: the kind of map that lies over the image, None for none.
        gains: factors that differ from 1.
    """

    def __init__(self, view: ExpertsView) -> None:
        self.state = ExpertsState()
        self.current = -1
        self.shown: str | None = None
        self.gains: Gains = {}
        self._view = view
        self._labels = ExpertLabels()
        self._pictures: list[QImage] = []
        self._pinned_on = ""
        self._is_refining = False
        self._chosen_before = -1
        self._refresh_all()

    @property
    def order(self) -> tuple[int, ...]:
        """Experts as they stand in the gallery."""
        return self.state.order() if self.state.count else ()

    @property
    def names(self) -> list[str]:
        """A name for every row."""
        maps = self.state.maps
        given = {} if maps is None or not maps.can_intervene else self._labels.names
        own = () if maps is None else maps.row_names
        return [given.get(row) or name or number_text(self.state, row) for row, name in enumerate(own)]

    @property
    def can_intervene(self) -> bool:
        """Whether what is shown can be knocked out."""
        return self.state.maps is not None and self.state.maps.can_intervene

    @property
    def intervention(self) -> tuple[Gains, Where, Shape]:
        """The factors in force, what the next intervention is about, and (heads, experts)."""
        heads = 0 if self.state.maps is None else self.state.maps.heads
        return self.gains, self._view.detail.heads.where(self.current), (heads, self.state.count)

    def set_maps(self, maps: MapSource | None) -> None:
        """Takes other maps."""
        if maps is not None and maps.image_id != self._pinned_on:
            self._view.pixel.clear_pins()
            self._pinned_on = maps.image_id
        self.state.set_maps(maps)
        if self.current >= self.state.count:
            self._chosen_before, self.current = self.current, -1
        elif self.can_intervene and self.current < 0 and self._chosen_before < self.state.count:
            self.current = self._chosen_before  # the same experts look at another image
        self._refresh_all()
        self._view.pixel.remix(self.state.mix_at)

    def set_part(self, part: MapPart | None) -> None:
        """Takes finer maps of the part of the image that is visible."""
        self.state.set_part(part)
        self._view.resolution.setText(resolution_text(self.state, is_refining=self._is_refining))
        self._view.pixel.remix(self.state.mix_at)

    def set_refining(self, is_on: bool) -> None:
        """Says that finer maps are on their way."""
        self._is_refining = is_on
        self._view.resolution.setText(resolution_text(self.state, is_refining=self._is_refining))

    def set_labels(
        self, labels: Labels | None, class_names: tuple[str, ...], ids: Sequence[int] = ()
    ) -> None:
        """Takes other classes."""
        self.state.set_labels(labels, class_names, ids)
        self._view.controls.set_classes(class_names)
        self._refresh_figures()

    def set_expert_labels(self, labels: ExpertLabels) -> None:
        """Takes other names and notes."""
        self._labels = labels
        self._refresh_figures()

    def set_choice(self, choice: ViewChoice) -> None:
        """Shows another view."""
        self.state.set_choice(choice)
        self._refresh_pictures()

    def set_current(self, expert: int) -> None:
        """Marks another expert."""
        self.current, self._chosen_before = expert, -1
        if self.state.maps is not None:
            self._refresh_scale()
        self.refresh_marks()

    def set_gains(self, gains: Gains) -> None:
        """Shows other factors."""
        self.gains = altered(gains)
        self.refresh_marks()

    def set_influence(self, rows: Sequence[InfluenceRow]) -> None:
        """Shows a measurement of all experts."""
        self._view.influence.set_rows(rows, self.names)
        self._view.influence_fold.set_open(True)

    def overlay(self) -> ExpertOverlay | None:
        """What the canvas shall show."""
        name = self.names[self.current] if self.current >= 0 else ""
        return overlay_of(self.state, self.shown, self.current, name)

    def refresh_marks(self) -> None:
        """Shows which expert is chosen, overlaid, knocked out."""
        names, mass = self.names, self.state.figures.mass
        changes, _, shape = self.intervention
        gains = table_of(changes if self.can_intervene else {}, (max(shape[0], 1), shape[1]))
        is_overlaid = self.shown == "expert"
        tiles = [
            ExpertTile(
                expert=expert,
                name=names[expert],
                picture=self._pictures[expert],
                colour=QColor(*(int(each) for each in self.state.colours[expert])),
                mass=float(mass[expert]) / max(float(mass.max()), 1e-9),
                is_out=not gains[:, expert].any(),
                badge=badge_text(gains[:, expert]),
                is_overlaid=is_overlaid and expert == self.current,
                tip=f"{names[expert]}\n{figures_text(self.state, expert)}",
            )
            for expert in self.order
        ]
        view = self._view
        view.gallery.set_tiles(tiles, self.current)
        view.territory.setChecked(self.shown == "territory")
        view.entropy.setChecked(self.shown == "entropy")
        self._refresh_detail()

    def _refresh_detail(self) -> None:
        expert, detail = self.current, self._view.detail
        detail.set_intervening(self.can_intervene)
        if expert >= 0 or self._chosen_before < 0:  # else the maps of the next image are on their way
            self._view.patches.set_expert(expert, self.names[expert] if expert >= 0 else "")
        if expert < 0:
            detail.set_empty()
            return
        colour = QColor(*(int(each) for each in self.state.colours[expert]))
        name, note = self._labels.names.get(expert, ""), self._labels.notes.get(expert, "")
        if not self.can_intervene:
            name, note = self.names[expert], ""
        number, figures = number_text(self.state, expert), figures_text(self.state, expert)
        detail.set_expert(expert, number, name, note, colour, figures)
        detail.set_state(
            gain_at(*self.intervention),
            is_overlaid=self.shown == "expert",
            is_solo=is_solo(*self.intervention),
            is_any_changed=bool(self.gains),
        )

    def _refresh_all(self) -> None:
        state, view, maps = self.state, self._view, self.state.maps
        has_shares = maps is not None and maps.shares is not None
        _show((view.gallery, view.colour_bar, view.scale, view.resolution, view.detail), maps is not None)
        _show((view.territory, view.entropy, view.pixel), has_shares)
        _show((view.influence_fold, view.patches_fold, view.comparisons, view.save), self.can_intervene)
        view.empty.setVisible(maps is None)
        view.controls.setEnabled(maps is not None)
        if maps is not None:
            view.controls.set_views(maps.views)
            view.controls.set_heads(maps.heads)
            view.detail.heads.set_heads(maps.heads)
            state.set_choice(view.controls.choice)
        self._refresh_pictures()
        self._refresh_figures()

    def _refresh_figures(self) -> None:
        names, affinity = self.names, self.state.figures.affinity
        comparisons = self._view.comparisons
        comparisons.affinity_fold.setVisible(bool(affinity.size) and self.can_intervene)
        comparisons.set_names(names if self.can_intervene else ())
        if self.state.maps is not None:
            comparisons.affinity.set_shares(affinity, names, self.state.class_names)
            self._view.pixel.set_experts(names, self.state.colours)
        self.refresh_marks()

    def _refresh_pictures(self) -> None:
        has_maps = self.state.maps is not None
        self._pictures = []
        if has_maps:
            table = map_colours(self.state.choice.colour_map)
            self._pictures = [image_from_codes(codes, table) for codes in self.state.thumbnails()]
            self._refresh_scale()
        self._view.resolution.setText(resolution_text(self.state, is_refining=self._is_refining))
        self.refresh_marks()

    def _refresh_scale(self) -> None:
        choice, limits = self.state.choice, self.state.limits
        low, high = _tr("lowest of each"), _tr("highest of each")
        if choice.normalisation != "expert" or self.current >= 0:
            low, high = (short(float(each)) for each in limits[max(self.current, 0)])
        text = scale_text(self.state)
        if choice.normalisation == "expert" and self.current >= 0:
            text = f"{self.names[self.current]}: {text}"
        self._view.colour_bar.set_scale(choice.colour_map, low, high, text)
        self._view.scale.setText(text)


def _show(widgets: Iterable[QWidget], is_visible: bool) -> None:
    for widget in widgets:
        widget.setVisible(is_visible)
