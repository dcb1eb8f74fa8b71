"""What the gallery shows and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QWidget

from latentseg_gui.panels.experts.attention_math import Head, Normalisation
from latentseg_gui.panels.experts.colours import COLOUR_MAPS
from latentseg_gui.panels.experts.maps import NamedMaps, words_of_experts
from latentseg_gui.panels.experts.state import ViewChoice
from latentseg_gui.panels.fields import ComboBox
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.widgets import Segments


class ViewControls(QWidget):
    """Look or mix, head, order, normalisation, colour map.

    Signals:
        changed: the user chose something else.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._views: tuple[tuple[str, str, str], ...] = words_of_experts()
        self._view = Segments(self.tr("View"), self._views)
        self._scale = Segments(
            self.tr("Scale"),
            (
                ("shared", self.tr("Shared"), self.tr("One range for all: weak experts look weak")),
                (
                    "expert",
                    self.tr("Each its own"),
                    self.tr("Each map over its own range: structure shows, and weak ones look strong"),
                ),
                (
                    "zero",
                    self.tr("From 0"),
                    self.tr("One scale for all from 0: what is nearly even looks flat"),
                ),
            ),
        )
        self._head = self._combo(
            self.tr("Attention head"), self.tr("One attention head, or the mean or maximum of all")
        )
        self._sort = self._combo(
            self.tr("Sort experts by"),
            self.tr("Number, share of the image explained, how focused the look is, or share of a class"),
        )
        self._map = self._combo(self.tr("Colour map"), self.tr("Colours of the heatmaps"))
        for name in COLOUR_MAPS:
            self._map.addItem(name.capitalize(), name)
        self.set_heads(1)
        self.set_classes(())
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(6)
        grid.addWidget(self._view, 0, 0)
        grid.addWidget(self._head, 0, 1)
        grid.addWidget(self._scale, 1, 0, 1, 2)
        grid.addWidget(self._sort, 2, 0)
        grid.addWidget(self._map, 2, 1)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        self._view.chosen.connect(self.changed)
        self._scale.chosen.connect(self.changed)
        for combo in (self._head, self._sort, self._map):
            combo.activated.connect(self.changed)
        self._grid = grid

    @staticmethod
    def _combo(name: str, tip: str) -> QComboBox:
        combo = ComboBox()
        combo.setAccessibleName(name)
        combo.setToolTip(plain(tip))
        combo.setMinimumWidth(60)
        combo.setMinimumContentsLength(5)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        return combo

    @property
    def choice(self) -> ViewChoice:
        """What is chosen."""
        key, class_id = self._sort.currentData()
        return ViewChoice(
            view=self._view.value,
            head=cast(Head, self._head.currentData()),
            normalisation=cast(Normalisation, self._scale.value),
            sort_key=key,
            sort_class=class_id,
            colour_map=str(self._map.currentData()),
        )

    def set_choice(self, choice: ViewChoice) -> None:
        """Shows a choice without saying so."""
        if choice.view in {key for key, _, _ in self._views}:
            self._view.set_value(choice.view)
        self._scale.set_value(choice.normalisation)
        self._head.setCurrentIndex(max(self._head.findData(choice.head), 0))
        self._sort.setCurrentIndex(max(self._sort_index(choice.sort_key, choice.sort_class), 0))
        self._map.setCurrentIndex(max(self._map.findData(choice.colour_map), 0))

    def _sort_index(self, key: str, class_id: int) -> int:
        datas = [tuple(self._sort.itemData(index)) for index in range(self._sort.count())]
        return datas.index((key, class_id)) if (key, class_id) in datas else -1

    def set_views(self, views: Sequence[NamedMaps]) -> None:
        """Which kinds of maps can be chosen."""
        wanted = tuple((view.key, view.title, view.meaning) for view in views)
        if wanted == self._views:
            return
        chosen, self._views, old = self._view.value, wanted, self._view
        self._view = Segments(self.tr("View"), wanted)
        if chosen in {key for key, _, _ in wanted}:
            self._view.set_value(chosen)
        self._view.chosen.connect(self.changed)
        self._grid.replaceWidget(old, self._view)
        self._view.show()
        old.hide()
        old.deleteLater()

    def set_heads(self, count: int) -> None:
        """How many attention heads can be chosen."""
        if self._head.count() == count + 2:
            return
        chosen = self._head.currentData()
        self._head.clear()
        self._head.addItem(self.tr("Mean"), "mean")
        self._head.addItem(self.tr("Max"), "max")
        for head in range(count):
            self._head.addItem(self.tr("Head {0}").format(head + 1), head)
        self._head.setCurrentIndex(max(self._head.findData(chosen), 0))

    def set_classes(self, names: Sequence[str]) -> None:
        """The classes that one can sort by."""
        chosen = self._sort.currentData()
        self._sort.clear()
        self._sort.addItem(self.tr("Number"), ("index", 0))
        self._sort.addItem(self.tr("Mass"), ("mass", 0))
        self._sort.addItem(self.tr("Focus"), ("entropy", 0))
        for class_id, name in enumerate(names):
            self._sort.addItem(self.tr("In “{0}”").format(name), ("class", class_id))
        if chosen is not None:
            self._sort.setCurrentIndex(max(self._sort_index(*chosen), 0))
