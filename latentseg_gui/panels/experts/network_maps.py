"""What networks without experts have to show: their gates, or what the pixel under the cursor attends to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QCheckBox, QToolButton, QVBoxLayout, QWidget

from latentseg_gui.document.experts.network_attention import Floats, MapGroup, NetworkMaps
from latentseg_gui.panels.experts.colours import map_colours
from latentseg_gui.panels.experts.values import MapOverlay
from latentseg_gui.panels.fields import ComboBox
from latentseg_gui.panels.flow_layout import FlowLayout
from latentseg_gui.panels.pixmaps import image_from_codes
from latentseg_gui.panels.plain import unmarked
from latentseg_gui.panels.widgets import discard, text_label

_SIDE = 92
"""Longer side of a small map, in logical pixels."""

_COLOURS = "magma"


class NetworkMapsSection(QWidget):
    """Small maps of a layer; the pressed one lies over the image, and follows.

    Attributes:
        maps: what is shown; None while there is nothing.

    Signals:
        overlay_changed: `MapOverlay` to lay over the image, None for nothing.
        followed: whether attention shall be followed through all layers.
    """

    overlay_changed = Signal(object)
    followed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.maps: NetworkMaps | None = None
        self._kind = ""
        self._pressed = -1
        self._layer = ComboBox()
        self._layer.setAccessibleName(self.tr("Layer"))
        self._follow = QCheckBox(self.tr("Through all layers, too"))
        self._follow.setToolTip(
            self.tr("Rollout: what the pixel has seen in the end. Takes longer for every pixel")
        )
        self._about = text_label("", "hint")
        self._tiles: list[QToolButton] = []
        self._area = QWidget()
        self._flow = FlowLayout(self._area)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(6)
        for widget in (self._layer, self._follow, self._area, self._about):
            whole.addWidget(widget)
        self._layer.activated.connect(self._on_layer_chosen)
        self._follow.toggled.connect(self.followed)
        self.set_kind("", can_follow=False)

    @property
    def is_followed(self) -> bool:
        """Whether attention shall be followed through all layers."""
        return self._follow.isChecked() and not self._follow.isHidden()

    @property
    def tiles(self) -> Sequence[QToolButton]:
        """The small maps, in order."""
        return self._tiles

    @property
    def group(self) -> MapGroup | None:
        """The maps that are shown small."""
        if self.maps is None:
            return None
        return self.maps.groups[min(max(self._layer.currentIndex(), 0), len(self.maps.groups) - 1)]

    @property
    def overlay(self) -> MapOverlay | None:
        """What lies over the image."""
        group = self.group
        if group is None or not 0 <= self._pressed < len(group.maps):
            return None
        values, what = group.maps[self._pressed], f"{group.title}, {group.titles[self._pressed]}"
        if self.maps is None or self.maps.xy is None:
            return MapOverlay(values, (0.0, 1.0), self.tr("How much detail is let through: {0}").format(what))
        x, y = self.maps.xy
        words = self.tr("What pixel ({0}, {1}) attends to: {2}").format(f"{x:.0f}", f"{y:.0f}", what)
        return MapOverlay(values, (0.0, float(values.max())), words)

    def set_kind(self, kind: str, *, can_follow: bool) -> None:
        """Gets ready for the maps of another network: "gates", "rows", or "" for one that has none."""
        self._kind = kind
        self._pressed = -1
        self._layer.setVisible(kind == "rows")
        self._follow.setVisible(kind == "rows" and can_follow)
        self.setVisible(bool(kind))
        self.set_maps(None)

    def set_maps(self, maps: NetworkMaps | None) -> None:
        """Shows these, or that there are none yet; layer and pressed map stay."""
        self.maps = maps
        titles = [] if maps is None else [group.title for group in maps.groups]
        if titles and titles != [self._layer.itemText(index) for index in range(self._layer.count())]:
            before = self._layer.currentText()
            self._layer.clear()
            self._layer.addItems(titles)
            self._layer.setCurrentIndex(max(self._layer.findText(before), 0))
        self._show_maps()

    def set_problem(self, words: str) -> None:
        """Says why there are no maps."""
        self._about.setText(words)

    def _show_maps(self) -> None:
        group = self.group
        maps = () if group is None else group.maps
        if len(maps) != len(self._tiles):
            self._make_tiles(len(maps))
        for index, tile in enumerate(self._tiles):
            if group is not None:
                tile.setIcon(QIcon(self._pixmap(maps[index])))
                tile.setText(unmarked(group.titles[index]))
                tile.setAccessibleName(f"{group.title}, {group.titles[index]}")
            tile.setChecked(index == self._pressed)
        self._about.setText(self._words())
        self.overlay_changed.emit(self.overlay)

    def _words(self) -> str:
        """What the small maps show."""
        if self.maps is None:
            if self._kind == "rows":
                return self.tr("Point at the image: its maps follow the cursor.")
            return self.tr("Its gates appear here once the model has seen an image.")
        if self.maps.xy is None:
            return self.tr("0 (dark) to 1 (bright). Press one to lay it over the image.")
        x, y = self.maps.xy
        words = self.tr(
            "Pixel ({0}, {1}); each map sums to 1, dark is 0. Press one to lay it over the image."
        )
        return words.format(f"{x:.0f}", f"{y:.0f}")

    def _make_tiles(self, count: int) -> None:
        while (item := self._flow.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                discard(widget)
        self._tiles = [self._tile(index) for index in range(count)]
        for tile in self._tiles:
            self._flow.addWidget(tile)

    def _tile(self, index: int) -> QToolButton:
        tile = QToolButton()
        tile.setCheckable(True)
        tile.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        tile.setIconSize(QSize(_SIDE, _SIDE))
        tile.setToolTip(self.tr("Lay over the image, or take away"))
        tile.clicked.connect(lambda: self._press(index))
        return tile

    def _press(self, index: int) -> None:
        self._pressed = -1 if index == self._pressed else index
        for number, tile in enumerate(self._tiles):
            tile.setChecked(number == self._pressed)
        self.overlay_changed.emit(self.overlay)

    def _pixmap(self, values: Floats) -> QPixmap:
        """A small map, each of the rows over its own range from 0."""
        high = 1.0 if self.maps is None or self.maps.xy is None else max(float(values.max()), 1e-12)
        codes = np.rint(np.clip(values / high, 0, 1) * 255).astype(np.uint8)
        side = round(_SIDE * self.devicePixelRatioF())
        picture = image_from_codes(codes, map_colours(_COLOURS)).scaled(
            side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.FastTransformation
        )
        pixmap = QPixmap.fromImage(picture)
        pixmap.setDevicePixelRatio(self.devicePixelRatioF())
        return pixmap

    def _on_layer_chosen(self, *_: object) -> None:
        self._show_maps()
