"""What the canvas shows while no image is open: samples to try, and how to open one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from latentseg_gui.panels.flow_layout import FlowLayout
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.pixmaps import cover, image_from_rgb
from latentseg_gui.panels.plain import plain, unmarked
from latentseg_gui.panels.widgets import Scrolled, discard, text_label

_TILE = QSize(150, 112)
_WIDEST = 600
"""Logical pixels of the whole: three tiles in a row, so that six fill two rows."""


@dataclass(frozen=True, slots=True)
class SampleImage:
    """A sample to try: ``sample_id`` comes back in the signal; pixels uint8 [h, w, 3]."""

    sample_id: str
    name: str
    pixels: NDArray[np.uint8]


class EmptyStateWidget(QWidget):
    """Samples as large thumbnails, two buttons, one hint.

    Signals:
        sample_requested: open the sample of this id.
        recent_requested: open what was used before, by the key given.
        open_images_requested, open_folder_requested: ask the user for files.
        tour_requested: show how it works, on a sample.
    """

    sample_requested = Signal(str)
    recent_requested = Signal(object)
    open_images_requested = Signal()
    open_folder_requested = Signal()
    tour_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._samples: list[SampleImage] = []
        self._tiles = QWidget(self)
        self._flow = FlowLayout(self._tiles, spacing=14)
        self._recent = QWidget(self)
        self._recent_flow = FlowLayout(self._recent, spacing=8)
        self._hint = text_label(role="muted")
        self._build()

    def _build(self) -> None:
        headline = text_label(self.tr("Point at something. It gets a mask."), "headline")
        self._hint.setText(self.tr("Then: left click on the object, right click on what is not."))
        self._samples_title = text_label(self.tr("Try a sample"), "title")
        self._samples_title.hide()
        self._recent_title = text_label(self.tr("Go on with"), "title")
        self._recent_title.hide()
        self._recent.hide()
        images = QPushButton(self.tr("Open images..."))
        images.setProperty("isPrimary", True)
        folder = QPushButton(icon("folder"), self.tr("Open folder..."))
        tour = QPushButton(icon("play"), self.tr("Tour in three steps"))
        images.clicked.connect(self.open_images_requested)
        tour.clicked.connect(self.tour_requested)
        folder.clicked.connect(self.open_folder_requested)
        buttons = QWidget()
        row = FlowLayout(buttons, spacing=8)
        row.addWidget(images)
        row.addWidget(folder)
        row.addWidget(tour)
        card = QFrame()
        card.setMaximumWidth(_WIDEST)
        inner = QVBoxLayout(card)
        inner.setContentsMargins(24, 14, 24, 14)
        inner.setSpacing(10)  # two rows of samples and the words below are in sight on small screens
        recent = (self._recent_title, self._recent)
        for widget in (headline, self._hint, buttons, *recent, self._samples_title, self._tiles):
            inner.addWidget(widget)
        inner.addWidget(
            text_label(self.tr("Images, folders, masks and weights can also be dropped here."), "hint")
        )
        scroll = Scrolled(self, margins=0)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(card, 100)
        middle.addStretch(1)
        scroll.body.addStretch(2)
        scroll.body.addLayout(middle)
        scroll.body.addStretch(3)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)

    def set_hint(self, text: str) -> None:
        """Changes the one hint line."""
        self._hint.setText(text)

    def set_samples(self, samples: Sequence[SampleImage]) -> None:
        """Shows these samples instead of the ones before."""
        _clear(self._flow)
        for sample in samples:
            self._flow.addWidget(self._tile(sample))
        self._samples_title.setVisible(bool(samples))

    def set_recent(self, recent: Sequence[tuple[str, str]]) -> None:
        """Offers what was used before: (key, name); the key is shown as tool tip."""
        _clear(self._recent_flow)
        for key, name in recent:
            button = QPushButton(icon("history"), unmarked(name))
            button.setToolTip(plain(key))
            button.setAccessibleName(self.tr("Go on with {0}").format(name))
            button.clicked.connect(partial(self._on_recent_pressed, key))
            self._recent_flow.addWidget(button)
        for widget in (self._recent_title, self._recent):
            widget.setVisible(bool(recent))

    def _on_recent_pressed(self, key: str, _: bool = False) -> None:
        self.recent_requested.emit(key)

    def _tile(self, sample: SampleImage) -> QToolButton:
        button = QToolButton(self._tiles)
        button.setProperty("role", "sample")
        button.setText(sample.name)
        button.setAccessibleName(self.tr("Open the sample {0}").format(sample.name))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIcon(QIcon(cover(image_from_rgb(sample.pixels), _TILE, self.devicePixelRatioF(), 6.0)))
        button.setIconSize(_TILE)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(lambda: self.sample_requested.emit(sample.sample_id))
        return button


def _clear(flow: FlowLayout) -> None:
    while (item := flow.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            discard(widget)
