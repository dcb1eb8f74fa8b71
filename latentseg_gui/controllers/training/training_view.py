"""The training panel: what it lists, and where its wishes go."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer

from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.training.finetune import FineTuneController, TrainingPlan
from latentseg_gui.controllers.training.weights import SHIPPED, WeightsController
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.label_rows import LabelsByRow, rows_by_number
from latentseg_gui.document.training.runs import FineTuneProgress, FineTuneResult, TrainingSample
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import UNLABELLED, Labels
from latentseg_gui.inference.training.messages import PreviewCrops, TrainingPreview
from latentseg_gui.panels.training import TrainingPanel
from latentseg_gui.panels.training.values import (
    ClassShare,
    CropShown,
    TrainingItem,
    TrainingRequest,
    VersionRow,
)

_REST_MS = 200
_PREVIEWED = 4


class TrainingViewController(QObject):
    """Keeps the panel in step with masks, running job and versions."""

    def __init__(
        self,
        document: Document,
        panel: TrainingPanel,
        *,
        finetune: FineTuneController,
        weights: WeightsController,
        engine: Jobs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._panel = panel
        self._finetune = finetune
        self._weights = weights
        self._engine = engine
        self._errors = errors
        self._draws = 0
        self._is_shown_running = False
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self.refresh)
        finetune.samples.counts.changed.connect(self._later)
        document.events.images_changed.connect(self._later)
        document.events.classes_changed.connect(self._later)
        finetune.state_changed.connect(self.refresh)
        finetune.progressed.connect(self._on_progressed)
        finetune.ended.connect(self._on_ended)
        weights.versions_changed.connect(self._show_versions)
        weights.activated.connect(self._later)
        weights.activated.connect(self._show_networks)
        panel.start_requested.connect(self._on_start_requested)
        panel.request_changed.connect(self._on_request_changed)
        panel.cancel_requested.connect(finetune.cancel)
        panel.finish_requested.connect(finetune.finish)
        panel.pause_requested.connect(finetune.set_paused)
        panel.crops_requested.connect(self.show_crops)
        panel.ticks_changed.connect(self._on_ticks_changed)
        panel.activate_requested.connect(weights.activate)
        panel.remove_requested.connect(weights.remove)
        self._show_versions()
        self.refresh()

    def refresh(self) -> None:
        """Lists what can be trained on now, and whether it can start."""
        items, totals = [], np.zeros(UNLABELLED, np.int64)
        classes = self._document.classes
        for image_id in self._document.masks.labelled_ids():
            counts, shape = (
                self._finetune.samples.counts.of(image_id),
                self._document.masks.shape(image_id) or (0, 0),
            )
            present = tuple(name for class_id, name in classes.named_ids if counts[class_id])
            total = int(counts.sum())
            pixels = shape[0] * shape[1]
            items.append(TrainingItem(image_id, self._document.images.name(image_id), total, pixels, present))
            if self._finetune.samples.is_ticked(image_id):
                totals += counts
        self._panel.set_samples(items)
        self._panel.set_class_summary(
            [
                ClassShare(entry.name, entry.colour, int(totals[class_id]))
                for class_id, entry in zip(classes.ids, classes, strict=True)
                if totals[class_id]
            ]
        )
        # Refits come with every stroke: buttons that came and went with them could not be pressed.
        is_running = self._finetune.is_running and not self._finetune.is_refitting
        obstacle = self._finetune.obstacle()
        self._panel.set_can_start(not obstacle, "" if is_running else obstacle)
        if is_running != self._is_shown_running:
            self._is_shown_running = is_running
            self._panel.set_running(is_running)
        self._panel.set_paused(self._finetune.is_paused)
        self._panel.set_waiting(self._finetune.waiting.sentence)

    def start(self) -> None:
        """Starts, by key or menu, what the panel shows."""
        self._panel.take_typed()
        self._finetune.start()

    def _on_start_requested(self, request: TrainingRequest) -> None:
        self._on_request_changed(request)
        self._finetune.start()

    def _on_request_changed(self, request: TrainingRequest) -> None:
        self._finetune.plan = TrainingPlan(
            request.speed, request.seconds, request.settings, network=request.network
        )

    def show_crops(self) -> None:
        """Shows a few crops as training would see them, with what has been labelled so far."""
        samples = self._finetune.samples
        samples.rows.ready(samples.image_ids, self._on_rows_ready, self._errors.report)

    def _on_rows_ready(self, rows: tuple[LabelsByRow, ...]) -> None:
        self._finetune.samples.ready(_PREVIEWED, partial(self._ask_for_crops, rows), self._errors.report)

    def _ask_for_crops(self, rows: tuple[LabelsByRow, ...], samples: tuple[TrainingSample, ...]) -> None:
        if not samples:
            self._errors.inform(self.tr("Paint or accept a mask on at least one image first."))
            return
        self._draws += 1
        settings = self._panel.request.settings
        settings = replace(settings, seed=settings.seed + self._draws)
        classes = self._document.classes
        by_number = tuple(rows_by_number(each, classes.ids) for each in rows)
        request = PreviewCrops(samples, len(classes), by_number, settings)
        self._engine.submit(request, self._on_crops, key="training crops")

    def _on_crops(self, answer: TrainingPreview) -> None:
        colours = class_colours(self._document.classes)
        crops = [CropShown(pixels, painted(pixels, labels, colours)) for pixels, labels in answer.crops]
        self._panel.set_crops(crops)

    def _on_progressed(self, progress: FineTuneProgress) -> None:
        if not self._finetune.is_refitting:
            self._panel.add_progress(progress)

    def _on_ticks_changed(self, ticked: tuple[str, ...]) -> None:
        for image_id in self._document.masks.labelled_ids():
            self._finetune.samples.set_ticked(image_id, image_id in ticked)

    def _on_ended(self, result: FineTuneResult | None) -> None:
        self._panel.set_outcome(result)

    def _later(self, *_: object) -> None:
        self._rest.start()

    def _show_networks(self, live: WeightsInfo) -> None:
        self._panel.network.set_networks(live.networks, live.network)

    def _show_versions(self) -> None:
        live = self._weights.live
        rows = []
        for version in reversed(self._weights.versions.values()):
            images = (
                self.tr("1 image") if version.images == 1 else self.tr("{0} images").format(version.images)
            )
            data = self.tr("{0}, {1:.0f} s").format(images, version.seconds)
            if not version.images:
                is_file = version.path is not None
                data = self.tr("opened from a file") if is_file else self.tr("came with the program")
            if math.isnan(version.metric) and version.validated_on:  # figures that are no mean IoU
                data = version.validated_on
            if version.network:
                data = f"{version.network}: {data}"
            if version.is_lost:
                data = self.tr("its file is missing or damaged")
            rows.append(
                VersionRow(
                    version.name,
                    version.metric,
                    made=version.made,
                    data=data,
                    measured_on=version.validated_on,
                    is_active=live is not None and live.version == version.name,
                    is_removable=version.name != SHIPPED,
                    is_usable=not version.is_lost,
                )
            )
        self._panel.set_versions(rows)


def class_colours(classes: ClassTable) -> NDArray[np.uint8]:
    """RGB by class number, uint8 [256, 3]."""
    table = np.zeros((256, 3), np.uint8)
    for number, entry in enumerate(classes):
        table[number] = tuple(bytes.fromhex(entry.colour.lstrip("#")))
    return table


def painted(pixels: NDArray[np.uint8], labels: Labels, colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels uint8 [h, w, 3] under the colours of their labels; stripes where there is no label."""
    over = colours[labels].astype(np.float32)
    mixed = 0.55 * pixels + 0.45 * over
    rows, cols = np.indices(labels.shape)
    is_striped = (labels == UNLABELLED) & ((rows + cols) // 6 % 2 == 0)
    is_unknown = labels == UNLABELLED
    mixed[is_unknown] = pixels[is_unknown]
    mixed[is_striped] *= 0.5
    return mixed.astype(np.uint8)
