"""What excites an expert: a dozen squares of the user's images that it has most to do with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QGridLayout, QToolButton, QVBoxLayout, QWidget

from latentseg_gui.document.experts.experts import DOZEN, ExpertPatch
from latentseg_gui.document.wording import percent
from latentseg_gui.panels.experts.comparisons import FolderRun
from latentseg_gui.panels.pixmaps import cover, image_from_rgb
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.widgets import text_label

_COLUMNS: Final = 4
_GAP: Final = 4
_SIDE: Final = 56
"""Of a square, in pixels: four fit into the narrowest panel. It does not follow the width of the panel, which would
in turn have to follow it."""

_PICTURE: Final = QSize(_SIDE - 6, _SIDE - 6)


class PatchesSection(QWidget):
    """The squares of the chosen expert, and a button that lets the model see the rest of the images.

    Signals:
        chosen: the `ExpertPatch` that was pressed.
        folder_wanted, stop_wanted: the images that were not looked at shall be, too; enough of that.
    """

    chosen = Signal(object)
    folder_wanted = Signal()
    stop_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._patches: Sequence[Sequence[ExpertPatch]] = ()
        self._expert, self._expert_name = -1, ""
        self._images = (0, 0)
        self._name_of: Callable[[str], str] = str
        self._shown: list[ExpertPatch] = []
        self._about = text_label("", "hint")
        self._buttons = [QToolButton(self) for _ in range(DOZEN)]
        self._run = FolderRun()
        grid = QGridLayout()
        grid.setSpacing(_GAP)
        grid.setColumnStretch(_COLUMNS, 1)
        for place, button in enumerate(self._buttons):
            button.setProperty("role", "patch")
            button.setAutoRaise(True)
            button.setFixedSize(_SIDE, _SIDE)
            button.setIconSize(_PICTURE)
            button.clicked.connect(partial(self._on_pressed, place))
            grid.addWidget(button, place // _COLUMNS, place % _COLUMNS)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(5)
        whole.addWidget(self._about)
        whole.addLayout(grid)
        whole.addWidget(self._run)
        self._run.wanted.connect(self.folder_wanted)
        self._run.stop_wanted.connect(self.stop_wanted)
        self._refresh()

    @property
    def shown(self) -> Sequence[ExpertPatch]:
        """The squares of the chosen expert, the strongest first."""
        return self._shown

    @property
    def about(self) -> str:
        """What is said above them."""
        return self._about.text()

    def set_patches(
        self, patches: Sequence[Sequence[ExpertPatch]], images: tuple[int, int], name_of: Callable[[str], str]
    ) -> None:
        """Takes the squares of every expert.

        Args:
            patches: by expert, the strongest first.
            images: from how many images they come, and how many there are.
            name_of: what an image is called.
        """
        self._patches, self._images, self._name_of = patches, images, name_of
        self._refresh()

    def set_expert(self, expert: int, name: str) -> None:
        """Shows another expert; -1 for none."""
        if (expert, name) != (self._expert, self._expert_name):
            self._expert, self._expert_name = expert, name
            self._refresh()

    def set_progress(self, done: int, total: int) -> None:
        """Shows how far the look at all images is; no images where none runs."""
        self._run.set_progress(done, total)

    def _refresh(self) -> None:
        is_known = 0 <= self._expert < len(self._patches)
        self._shown = list(self._patches[self._expert]) if is_known else []
        ratio = self.devicePixelRatioF()
        for place, button in enumerate(self._buttons):
            is_there = place < len(self._shown)
            button.setVisible(is_there)
            if is_there:
                picture = image_from_rgb(self._shown[place].picture)
                button.setIcon(QIcon(cover(picture, _PICTURE, ratio)))
                words = self._words(place)
                button.setToolTip(plain(words))
                button.setAccessibleName(words)
        images, total = self._images
        self._run.set_rest(total - images)
        self._about.setText(self._sentence(images, total))

    def _sentence(self, images: int, total: int) -> str:
        if self._expert < 0:
            return self.tr("Choose an expert: what it has most to do with appears here.")
        if not self._shown:
            return self.tr("The model is looking for it in this image...")
        text = self.tr("Where {0} explains most, in {1} of {2} images. A click goes there.")
        return text.format(self._expert_name, images, total)

    def _words(self, place: int) -> str:
        patch = self._shown[place]
        text = self.tr("{0}: {1} explains {2} of this place")
        return text.format(self._name_of(patch.image_id), self._expert_name, percent(patch.share))

    def _on_pressed(self, place: int) -> None:
        if place < len(self._shown):
            self.chosen.emit(self._shown[place])
