"""Looking into the model: what its experts attend to, and what they change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from PySide6.QtGui import QAction

from latentseg_gui.app.flows.base import Base
from latentseg_gui.app.flows.images import ImagesFlow
from latentseg_gui.app.flows.prediction import PredictionFlow
from latentseg_gui.app.flows.training import TrainingFlow
from latentseg_gui.controllers.experts.changes import ExpertChangesController
from latentseg_gui.controllers.experts.click_maps import ClickMapsController
from latentseg_gui.controllers.experts.figures import FiguresController
from latentseg_gui.controllers.experts.folder import ExpertFolderController
from latentseg_gui.controllers.experts.inspect import InspectController
from latentseg_gui.controllers.experts.intervene import InterveneController
from latentseg_gui.controllers.experts.mix_worth import MixWorthController
from latentseg_gui.controllers.experts.names import ExpertNamesController
from latentseg_gui.controllers.experts.network_maps import NetworkMapsController
from latentseg_gui.controllers.experts.patches import ExpertPatchesController
from latentseg_gui.controllers.experts.regions import RegionAttentionController
from latentseg_gui.panels.experts.values import Selection


@dataclass(frozen=True, slots=True)
class ExpertsFlow:
    """The controllers that others speak to."""

    inspect: InspectController
    intervene: InterveneController
    region_attention: RegionAttentionController
    names: ExpertNamesController
    patches: ExpertPatchesController
    folder: ExpertFolderController
    mix_worth: MixWorthController
    network: NetworkMapsController


def build(base: Base, images: ImagesFlow, predictions: PredictionFlow, training: TrainingFlow) -> ExpertsFlow:
    """Makes the flow and connects it to those of images, predictions and training."""
    window, document, jobs, errors = base.window, base.document, base.jobs, base.errors
    panel, owner = window.experts, base.owner
    inspect = InspectController(document, panel, window.canvas, engine=jobs.engine, parent=owner)
    intervene = InterveneController(
        document,
        panel,
        inspect,
        engine=jobs.engine,
        translator=predictions.translator,
        errors=errors,
        parent=owner,
    )
    region_attention = RegionAttentionController(
        document, panel, inspect, window.canvas, engine=jobs.engine, errors=errors, parent=owner
    )
    names = ExpertNamesController(panel, training.weights, owner)
    changes = ExpertChangesController(document, panel, inspect, owner)
    patches = ExpertPatchesController(
        document, panel, inspect, navigator=images.navigator, engine=jobs.engine, parent=owner
    )
    folder = ExpertFolderController(
        document,
        panel,
        (inspect, changes, patches),
        engine=jobs.engine,
        readers=jobs.files,
        errors=errors,
        parent=owner,
    )
    ClickMapsController(document, panel, engine=jobs.engine, errors=errors, parent=owner)
    network = NetworkMapsController(document, panel, window.canvas, engine=jobs.engine, parent=owner)
    mix_worth = _mix_worth(base, inspect, training)
    experts = ExpertsFlow(inspect, intervene, region_attention, names, patches, folder, mix_worth, network)
    _connect(base, experts, training)
    return experts


def _mix_worth(base: Base, inspect: InspectController, training: TrainingFlow) -> MixWorthController:
    return MixWorthController(
        base.document,
        base.window.experts.view.mix_note,
        inspect,
        weights=training.weights,
        labelled=training.finetune.samples,
        engine=base.jobs.engine,
        parent=base.owner,
    )


def _connect(base: Base, experts: ExpertsFlow, training: TrainingFlow) -> None:
    window, inspect = base.window, experts.inspect
    figures = FiguresController(
        base.document,
        window.experts,
        (inspect, experts.intervene, experts.names),
        writers=base.jobs.files,
        dialogs=base.dialogs,
        errors=base.errors,
        parent=base.owner,
    )
    base.on("save_figures", figures.save)
    base.on("next_expert", inspect.next_expert)
    base.on("previous_expert", inspect.previous_expert)
    base.on("pin", inspect.pin)
    base.on("solo", window.experts.selection.toggle_solo)
    base.on("knock_out", experts.intervene.toggle_knock_out)
    window.action["show_attention"].setChecked(True)
    base.on_switch("show_attention", inspect.set_overlay_visible)
    base.on_switch("show_attention", experts.network.set_overlay_visible)
    base.on_switch("show_territory", inspect.set_territory_visible)
    window.experts.selection.changed.connect(partial(_tick_territory, window.action["show_territory"]))
    window.experts.view.pixel.described.connect(window.set_expert_text)
    training.weights.activated.connect(experts.names.use_weights)
    training.weights.activated.connect(experts.network.use_weights)  # takes its map away before others come
    training.weights.activated.connect(inspect.use_weights)
    training.weights.activated.connect(experts.patches.use_weights)
    training.weights.activated.connect(experts.folder.use_weights)
    training.weights.activated.connect(experts.mix_worth.use_weights)
    training.finetune.samples.changed.connect(experts.mix_worth.show)


def _tick_territory(action: QAction, selection: Selection) -> None:
    action.setChecked(selection.shows_territory)
