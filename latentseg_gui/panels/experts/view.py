"""The parts of the experts panel, one below the other."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from latentseg_gui.panels.experts.colour_bar import ColourBar
from latentseg_gui.panels.experts.comparisons import Comparisons
from latentseg_gui.panels.experts.controls import ViewControls
from latentseg_gui.panels.experts.detail import ExpertDetail
from latentseg_gui.panels.experts.gallery import Gallery
from latentseg_gui.panels.experts.mix_note import MixNote
from latentseg_gui.panels.experts.network_maps import NetworkMapsSection
from latentseg_gui.panels.experts.patches import PatchesSection
from latentseg_gui.panels.experts.pixel_mix import PixelMixSection
from latentseg_gui.panels.experts.results import InfluenceSection, ResultStrip
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.shortcut_tooltips import follow_key
from latentseg_gui.panels.widgets import Fold, Scrolled, Segments, text_label


class ExpertsView(Scrolled):
    """Widgets only; what they show is the view model's business, and each says itself what is asked of it.

    Signals:
        map_wanted: "territory" or "entropy" was pressed.
        save_wanted: figures, maps and tables shall be written.
    """

    map_wanted = Signal(str)
    save_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, margins=8, spacing=9)
        self.source = Segments(
            self.tr("Whose maps"),
            (
                ("experts", self.tr("Experts"), self.tr("The learned experts, which find the classes")),
                (
                    "clicks",
                    self.tr("Clicks"),
                    self.tr(
                        "What each click attends to in the whole image, and which pixels owe to it. Knocking experts "
                        "out does not change the answers to clicks."
                    ),
                ),
            ),
        )
        self.source.hide()
        self.controls = ViewControls()
        self.empty = text_label("", "muted")
        self.set_waiting(False)
        self.network = NetworkMapsSection()
        self.gallery = Gallery()
        self.colour_bar = ColourBar()
        self.scale = text_label("", "hint")
        self.resolution = text_label("", "hint")
        self.detail = ExpertDetail()
        self.patches = PatchesSection()
        self.mix_note = MixNote()
        self.result = ResultStrip()
        self.pixel = PixelMixSection()
        self.influence = InfluenceSection()
        self.comparisons = Comparisons()
        self.territory = self._map_button("territory", self.tr("Territory"))
        self.territory.setToolTip(self.tr("The expert with the largest share at each pixel"))
        follow_key(self.territory, "show_territory")
        self.entropy = self._map_button("uncertainty", self.tr("Indecision"))
        self.entropy.setToolTip(self.tr("Entropy of the mix: bright where many experts share a pixel"))
        self.territory.clicked.connect(self._on_territory_pressed)
        self.entropy.clicked.connect(self._on_entropy_pressed)
        self.patches_fold = self._fold(self.tr("What excites this expert"), self.patches)
        self.influence_fold = self._fold(self.tr("Influence"), self.influence)
        self.save = QPushButton(icon("save"), self.tr("Save figures and maps..."))
        self.save.setToolTip(self.tr("PNG and SVG with colour bar and caption, NPZ and TIFF, tables as CSV"))
        self.save.clicked.connect(self.save_wanted)
        self._stack()

    def set_waiting(self, is_waiting: bool, *, instead: str = "") -> None:
        """Says why there are no maps: the model is at work on them, or there is no image."""
        text = self.tr("Open an image: its maps appear here once the model has seen it.")
        coming = self.tr("The model is looking at the image; its maps appear here in a moment.")
        self.empty.setText(instead or (coming if is_waiting else text))

    @staticmethod
    def _map_button(name: str, text: str) -> QPushButton:
        button = QPushButton(icon(name), text)
        button.setCheckable(True)
        button.setMinimumWidth(40)
        return button

    @staticmethod
    def _fold(title: str, content: QWidget) -> Fold:
        fold = Fold(title)
        fold.body.addWidget(content)
        return fold

    def _stack(self) -> None:
        maps = QHBoxLayout()
        maps.setSpacing(6)
        maps.addWidget(self.territory)
        maps.addWidget(self.entropy)
        for widget in (self.source, self.controls, self.empty, self.network, self.gallery, self.colour_bar):
            self.body.addWidget(widget)
        about = QVBoxLayout()
        about.setSpacing(2)
        about.addWidget(self.scale)
        about.addWidget(self.resolution)
        self.body.addLayout(about)
        self.body.addLayout(maps)
        self.body.addWidget(self.mix_note)
        for section in (
            self.detail,
            self.patches_fold,
            self.result,
            self.pixel,
            self.influence_fold,
            self.comparisons,
            self.save,
        ):
            self.body.addWidget(section)
        self.body.addWidget(self._explanation())
        self.body.addStretch(1)

    def _explanation(self) -> Fold:
        fold = Fold(self.tr("What this means"))
        for text in (
            self.tr(
                "An expert is a learned vector. “Look” is where in the image it gathers what it knows; "
                "“mix” is how much each pixel draws on it. Both are attention: they sum to 1."
            ),
            self.tr(
                "Attention is not an explanation. A bright map says that information was read there, "
                "not that the result depends on it."
            ),
            self.tr(
                "Knocking an expert out is causal: the head runs again without it, and what changes "
                "did depend on it. Nobody answers in its place; only where experts do not decide (in the "
                "tutorial's network and in weights of former versions) do the others. "
                "Solo and boost are the same kind of experiment."
            ),
            self.tr(
                "“Each its own” spreads the colours over the middle 99 % of each map, so structure shows and "
                "weak experts look strong; “Shared” uses one such range for all; “From 0” shows how even the "
                "shares really are. The bar below the maps says which, and its numbers are the truth."
            ),
        ):
            fold.body.addWidget(text_label(text, "hint"))
        return fold

    def _on_territory_pressed(self) -> None:
        self.map_wanted.emit("territory")

    def _on_entropy_pressed(self) -> None:
        self.map_wanted.emit("entropy")
