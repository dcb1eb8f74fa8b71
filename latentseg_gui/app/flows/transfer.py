"""Masks in and out, and whole folders."""

from __future__ import annotations

from dataclasses import dataclass

from latentseg_gui.app.flows.base import Base
from latentseg_gui.app.flows.images import ImagesFlow
from latentseg_gui.app.flows.masks import MasksFlow
from latentseg_gui.app.flows.prediction import PredictionFlow
from latentseg_gui.app.flows.training import TrainingFlow
from latentseg_gui.controllers.transfer.batch import BatchController
from latentseg_gui.controllers.transfer.export import ExportController
from latentseg_gui.controllers.transfer.importing import ImportController


@dataclass(frozen=True, slots=True)
class TransferFlow:
    """The controllers that others speak to."""

    export: ExportController
    importing: ImportController
    batch: BatchController

    def is_importing(self) -> bool:
        """Whether masks are on their way into the document."""
        return self.importing.is_running


def build(
    base: Base, images: ImagesFlow, masks: MasksFlow, training: TrainingFlow, predictions: PredictionFlow
) -> TransferFlow:
    """Makes the flow and connects it to those of images, masks, training and predictions."""
    window, document, jobs, errors, owner = base.window, base.document, base.jobs, base.errors, base.owner
    export = ExportController(
        document,
        writers=jobs.files,
        engine=jobs.engine,
        extras=predictions.extras,
        errors=errors,
        offers=errors,
        coming=base.coming,
        window=window,
        parent=owner,
    )
    importing = ImportController(
        document,
        base.history,
        edits=masks.edits,
        readers=jobs.batch,
        is_painting=masks.is_painting,
        dialogs=base.dialogs,
        errors=errors,
        window=window,
        parent=owner,
    )
    batch = BatchController(
        document,
        engine=jobs.engine,
        files=jobs.batch,
        extras=predictions.extras,
        errors=errors,
        coming=base.coming,
        window=window,
        parent=owner,
    )
    transfer = TransferFlow(export, importing, batch)
    _connect(base, transfer, images, training)
    return transfer


def _connect(base: Base, transfer: TransferFlow, images: ImagesFlow, training: TrainingFlow) -> None:
    export, importing, batch = transfer.export, transfer.importing, transfer.batch
    base.on("import_mask", importing.choose)
    base.on("import_folder", importing.choose_folder)
    base.on("export_mask", export.export_current)
    base.on("export_all", export.export_all)
    base.on("save", export.save_beside)
    base.on("predict_folder", batch.choose)
    base.window.files.selection_changed.connect(batch.set_selected)
    images.controller.masks_dropped.connect(importing.import_from)
    training.weights.activated.connect(batch.use_weights)
    training.weights.activated.connect(export.use_weights)
    for output in (batch.output, export.output):
        training.weights.load_failed.connect(output.lose_model)
    base.coming.add(importing.labels)
