"""Where to correct next: a list of regions, and a key that jumps from one to the next."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from latentseg_gui.controllers.images.region_navigator import RegionNavigator
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.training.ranking import UncertaintyRanking
from latentseg_gui.document.document import Document
from latentseg_gui.document.training.uncertain_regions import UncertainRegion, UncertainRegions
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.panels.files import FilesPanel
from latentseg_gui.panels.training.uncertain_regions import UncertainRegionsSection
from latentseg_gui.panels.training.values import UncertainRegionRow

_REST_MS = 1500
_SHOWN = 20
_MOSTLY = 0.6


class UncertainRegionsController(QObject):
    """Ranks the image that is looked at after each prediction, and on request all of them."""

    def __init__(
        self,
        document: Document,
        panel: UncertainRegionsSection,
        files: FilesPanel,
        *,
        navigator: RegionNavigator,
        ranking: UncertaintyRanking,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._panel = panel
        self._files = files
        self._navigator = navigator
        self._ranking = ranking
        self._errors = errors
        self._regions: list[UncertainRegion] = []
        self._number = -1
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._on_rested)
        events = document.events
        events.prediction_changed.connect(self._on_prediction_changed)
        events.mask_changed.connect(self._later)
        events.current_changed.connect(self._later)
        events.images_changed.connect(self._later)
        panel.next_requested.connect(self.go_on)
        panel.region_requested.connect(self.go_to)
        panel.scan_requested.connect(self._on_scan_requested)
        ranking.found.connect(self._on_found)
        ranking.scanned.connect(panel.set_scanning)

    @property
    def regions(self) -> tuple[UncertainRegion, ...]:
        """What is listed, the most uncertain first."""
        return tuple(self._regions)

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live: what the others were unsure of is of no interest."""
        self._ranking.use_weights(weights)
        self._list()

    def lose_model(self) -> None:
        """The model could not be loaded: nothing can be ranked."""
        self._ranking.stop()

    def go_on(self) -> None:
        """Goes to the next region; at first to the most uncertain one."""
        if not self._regions:
            nothing = self.tr(
                "Nothing is ranked yet. Wait for the prediction, or press “Rank all images” in the panel Training."
            )
            self._errors.inform(self._why_none() or nothing)
            return
        self.go_to((self._number + 1) % len(self._regions))

    def go_to(self, number: int) -> None:
        """Shows the image of a region, goes close to the region and makes it blink."""
        region = self._regions[number]
        self._number = number
        self._panel.set_current(number)
        self._navigator.go_to(region.image_id, region.rect)

    def _on_scan_requested(self, is_on: bool) -> None:
        if is_on:
            self._ranking.scan()
        else:
            self._ranking.stop()

    def _on_found(self, found: UncertainRegions) -> None:
        reason = self._words(found.regions[0]) if found.regions else self.tr("no uncertain region")
        self._files.set_uncertainty(found.image_id, found.uncertainty, reason)
        self._list()

    def _list(self) -> None:
        """Puts the regions in order: those that a person has seen to since are left out."""
        current = self._regions[self._number] if 0 <= self._number < len(self._regions) else None
        regions = [region for found in self._ranking.regions.values() for region in found.regions]
        regions = [region for region in regions if self._is_open(region)]
        self._regions = sorted(regions, key=lambda region: -region.score)[:_SHOWN]
        self._number = self._regions.index(current) if current in self._regions else -1
        name = self._document.images.name
        rows = [UncertainRegionRow(name(each.image_id), self._words(each)) for each in self._regions]
        self._panel.set_regions(rows, self._why_none())
        self._panel.set_current(self._number)

    def _why_none(self) -> str:
        """Why the list is empty, where it could be otherwise; empty where nothing is predicted yet."""
        ranked, image_id = self._ranking.regions, self._document.images.current_id
        if not ranked and image_id is not None and self._document.predictions.of(image_id) is not None:
            return self.tr("Looking for regions that the model is unsure of...")
        if ranked and set(ranked) >= set(self._document.images.ids):
            return self.tr(
                "No uncertain region is left on any image. The panel Evaluation shows the errors that remain."
            )
        if ranked:
            return self.tr(
                "No uncertain region on the images looked at; “Rank all images” in the panel Training looks at the "
                "others."
            )
        return ""

    def _is_open(self, region: UncertainRegion) -> bool:
        if not self._document.images.has(region.image_id):
            return False
        if self._document.masks.shape(region.image_id) is None:
            return True
        labels = self._document.masks.labels(region.image_id)[region.rect.slices]
        step = max(1, int(labels.size**0.5) // 64)
        return bool((labels[::step, ::step] != UNLABELLED).mean() < _MOSTLY)

    def _on_prediction_changed(self, image_id: str) -> None:
        if image_id == self._document.images.current_id and not self._document.predictions.is_stale(image_id):
            self._ranking.forget(image_id)
            self._later()

    def _later(self, *_: object) -> None:
        self._rest.start()

    def _on_rested(self) -> None:
        image_id = self._document.images.current_id
        if image_id is not None and not self._document.prompts.is_idle(image_id):
            self._rest.start()  # somebody is clicking, and clicks come first
            return
        if image_id is not None and self._document.predictions.of(image_id) is not None:
            self._ranking.rank(image_id)
        self._list()

    def _words(self, region: UncertainRegion) -> str:
        """Why a region should be looked at."""
        first, second = (self._ranking.class_name(name) for name in region.classes)
        unsure = self.tr("{0} or {1}? {2} % unsure").format(first, second, round(100 * region.unsure))
        experts = self.tr("experts disagree, {0} %").format(round(100 * region.disagreement))
        if region.why == "both":
            return self.tr("{0}; {1}").format(unsure, experts)
        return unsure if region.why == "unsure" else experts
