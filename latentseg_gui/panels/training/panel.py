"""Fine-tuning: on what, for how long, how it goes, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from latentseg_gui.document.training.learning import LearningSettings
from latentseg_gui.document.training.runs import FineTuneProgress, FineTuneResult
from latentseg_gui.panels.training.network import NetworkSection
from latentseg_gui.panels.training.run import RunSection
from latentseg_gui.panels.training.samples import ClassShareBar, CropsView, SamplesModel, SamplesView
from latentseg_gui.panels.training.settings import SettingsForm
from latentseg_gui.panels.training.uncertain_regions import UncertainRegionsSection
from latentseg_gui.panels.training.values import (
    ClassShare,
    CropShown,
    TrainingItem,
    TrainingRequest,
    VersionRow,
)
from latentseg_gui.panels.training.versions import VersionsList
from latentseg_gui.panels.widgets import Fold, Scrolled, text_label


class TrainingPanel(QWidget):
    """Speed, start and outcome; images with ticks, versions, settings, uncertain regions.

    Attributes:
        uncertain_regions: where to correct next.
        network: which network learns.

    Signals:
        start_requested: `TrainingRequest`.
        request_changed: the `TrainingRequest` that a start by key or menu shall follow from now on.
        cancel_requested: stop the run and throw its weights away.
        finish_requested: stop the run with the best so far.
        pause_requested: hold the run, or let it go on.
        crops_requested: show what training sees.
        live_requested: whether to refit after each accepted correction.
        ticks_changed: image ids (tuple) that are ticked now.
        image_requested: show this image.
        activate_requested, compare_requested, remove_requested: name of a version.
    """

    start_requested = Signal(object)
    request_changed = Signal(object)
    cancel_requested = Signal()
    finish_requested = Signal()
    pause_requested = Signal(bool)
    crops_requested = Signal()
    live_requested = Signal(bool)
    ticks_changed = Signal(object)
    image_requested = Signal(str)
    activate_requested = Signal(str)
    compare_requested = Signal(str)
    remove_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._samples = SamplesModel(self)
        self._view = SamplesView(self._samples)
        self._empty = text_label(self.tr("Nothing to train on yet: paint or accept a mask."), "muted")
        self._bar = ClassShareBar()
        self._shares = text_label("", "hint")
        self.network = NetworkSection()
        self._run = RunSection()
        self._versions = VersionsList()
        self._settings = SettingsForm()
        self._crops = CropsView()
        self.uncertain_regions = UncertainRegionsSection()
        self._build()
        self._connect()
        self.set_samples(())
        self.set_class_summary(())
        self.set_can_start(False, self.tr("Paint at least two classes on one image."))

    def _build(self) -> None:
        settings = Fold(self.tr("Settings"))
        settings.body.addWidget(self._settings)
        settings.body.addWidget(self._crops)
        self._scroll = scroll = Scrolled(self, margins=10, spacing=8)
        # What is pressed and what came of it come first: on small screens the rest is below the edge.
        scroll.body.addWidget(self.network)
        scroll.body.addWidget(self._run)
        scroll.body.addWidget(text_label(self.tr("Images to train on"), "title"))
        for widget in (self._empty, self._view, self._bar, self._shares):
            scroll.body.addWidget(widget)
        scroll.body.addWidget(text_label(self.tr("Versions of the weights"), "title"))
        scroll.body.addWidget(self._versions)
        scroll.body.addWidget(settings)
        scroll.body.addWidget(text_label(self.tr("Where to correct next"), "title"))
        scroll.body.addWidget(self.uncertain_regions)
        scroll.body.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)

    def _connect(self) -> None:
        self._samples.ticks_changed.connect(self._on_ticks_changed)
        self._view.opened.connect(self.image_requested)
        self.network.chosen.connect(self._run.set_network)
        self.network.chosen.connect(self._on_request_changed)
        self._run.start_pressed.connect(self._on_start_pressed)
        self._run.changed.connect(self._on_request_changed)
        self._settings.changed.connect(self._on_request_changed)
        self._run.cancel_pressed.connect(self.cancel_requested)
        self._run.finish_pressed.connect(self.finish_requested)
        self._run.pause_requested.connect(self.pause_requested)
        self._crops.requested.connect(self.crops_requested)
        self._run.live_requested.connect(self.live_requested)
        self._versions.activate_requested.connect(self.activate_requested)
        self._versions.compare_requested.connect(self.compare_requested)
        self._versions.remove_requested.connect(self.remove_requested)

    @property
    def request(self) -> TrainingRequest:
        """What Start asks for now."""
        return TrainingRequest(
            self._samples.ticked_ids,
            self._run.speed,
            float(self._run.seconds),
            self._settings.settings,
            self.network.value,
        )

    def set_samples(self, items: Sequence[TrainingItem]) -> None:
        """Shows what can be trained on; ticks of images that stay are kept."""
        self._samples.set_items(items)
        self._view.setVisible(bool(items))
        self._empty.setVisible(not items)

    def set_class_summary(self, shares: Sequence[ClassShare]) -> None:
        """Shows how many labelled pixels each class has over the ticked images."""
        self._bar.set_shares(shares)
        self._bar.setVisible(bool(shares))
        self._shares.setVisible(bool(shares))
        self._shares.setText(" · ".join(f"{share.name} {share.pixels:,} px" for share in shares))

    def set_can_start(self, can_start: bool, reason: str = "") -> None:
        """Enables Start, or says in one sentence why not."""
        self._run.set_can_start(can_start, reason)

    def set_speed(self, speed: str, seconds: int) -> None:
        """Shows a speed ("live", "quick", "thorough") and a time budget."""
        self._run.set_speed(speed, seconds)

    def take_typed(self) -> None:
        """Takes what was typed and not confirmed yet."""
        self._run.take_typed()

    def set_live(self, is_on: bool) -> None:
        """Shows whether each accepted correction refits."""
        self._run.set_live(is_on)

    def set_running(self, is_running: bool) -> None:
        """Switches between Start and Cancel; starting clears the curves, and brings them into sight."""
        self._run.set_running(is_running)
        if is_running:
            self._scroll.verticalScrollBar().setValue(0)

    def set_paused(self, is_paused: bool) -> None:
        """Shows whether the running job holds still."""
        self._run.set_paused(is_paused)

    def set_waiting(self, for_what: str) -> None:
        """Shows what the run that was asked for waits for, and how to take it back; "" where none waits."""
        self._run.set_waiting(for_what)

    def set_crops(self, crops: Sequence[CropShown]) -> None:
        """Shows what training sees."""
        self._crops.set_crops(crops)

    def add_progress(self, progress: FineTuneProgress) -> None:
        """Shows one report of the running job."""
        self._run.add_progress(progress)

    def set_outcome(self, result: FineTuneResult | None) -> None:
        """Shows before and after."""
        self._run.set_outcome(result)

    def set_versions(self, rows: Sequence[VersionRow]) -> None:
        """Shows the versions of the weights, in the order given."""
        self._versions.set_versions(rows)

    def set_settings(self, settings: LearningSettings) -> None:
        """Shows settings."""
        self._settings.set_settings(settings)

    def _on_ticks_changed(self) -> None:
        self.ticks_changed.emit(self._samples.ticked_ids)

    def _on_start_pressed(self) -> None:
        self.start_requested.emit(self.request)

    def _on_request_changed(self, *_: object) -> None:
        self.request_changed.emit(self.request)
