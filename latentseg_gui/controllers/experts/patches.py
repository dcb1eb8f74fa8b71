"""What excites each expert, collected from the images that were looked at."""

from __future__ import annotations

from PySide6.QtCore import QObject

from latentseg_gui.controllers.experts.inspect import InspectController
from latentseg_gui.controllers.images.region_navigator import RegionNavigator
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.experts.experts import ExpertPatch, ExpertPatches, strongest
from latentseg_gui.document.experts.maps import ExpertMaps
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.inference.experts.messages import FindPatches
from latentseg_gui.panels.experts.panel import ExpertsPanel


class ExpertPatchesController(QObject):
    """Keeps the strongest squares of each expert, for as long as experts attend to the same.

    An image adds its own once its maps are there; the run over all images adds the rest.
    """

    def __init__(
        self,
        document: Document,
        panel: ExpertsPanel,
        inspect: InspectController,
        *,
        navigator: RegionNavigator,
        engine: Jobs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._section = panel.view.patches
        self._engine = engine
        self._navigator = navigator
        self._version = self._attention = ""
        self._seen: set[str] = set()
        self._best: tuple[tuple[ExpertPatch, ...], ...] = ()
        inspect.maps_arrived.connect(self._on_maps)
        document.events.images_changed.connect(self._on_images_changed)
        self._section.chosen.connect(self._on_chosen)

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live: what excited the experts of the others says nothing of these."""
        is_same = bool(weights.attention) and weights.attention == self._attention
        self._version, self._attention = weights.version, weights.attention
        if not is_same:
            self._seen, self._best = set(), ()
        self._show()

    def missing(self) -> list[str]:
        """The images of the list that nobody has looked at with these weights."""
        return [each for each in self._document.images.ids if each not in self._seen]

    def add(self, found: ExpertPatches) -> None:
        """Adds what was found in an image."""
        if not self._document.images.has(found.image_id):
            return
        self._best = strongest(self._best, found)
        self._seen.add(found.image_id)
        self._show()

    def _on_maps(self, maps: ExpertMaps) -> None:
        if maps.image_id not in self._seen:
            self._engine.submit(
                FindPatches(maps.image_id),
                self.add,
                key=f"patches {maps.image_id}",
                is_fresh=lambda found: found.version == self._version,
                on_failure=lambda _: None,  # whoever looks at the image is told of what fails there
            )

    def _on_images_changed(self) -> None:
        gone = self._seen - set(self._document.images.ids)
        if gone:
            self._seen -= gone
            self._best = tuple(tuple(each for each in one if each.image_id not in gone) for one in self._best)
        self._show()

    def _on_chosen(self, patch: ExpertPatch) -> None:
        self._navigator.go_to(patch.image_id, patch.rect)

    def _show(self) -> None:
        images = self._document.images
        self._section.set_patches(self._best, (len(self._seen), len(images.ids)), images.name)
