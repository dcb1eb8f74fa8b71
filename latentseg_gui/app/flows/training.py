"""Fine-tuning, and the versions of weights that come of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from latentseg_gui.app.flows.base import Base
from latentseg_gui.app.flows.images import ImagesFlow
from latentseg_gui.app.flows.masks import MasksFlow
from latentseg_gui.app.flows.project import ProjectFlow
from latentseg_gui.controllers.training.click_learning import ClickLearningController
from latentseg_gui.controllers.training.comparing import NetworkComparisonController
from latentseg_gui.controllers.training.finetune import FineTuneController
from latentseg_gui.controllers.training.kept_versions import VersionKeeper
from latentseg_gui.controllers.training.live import LiveController
from latentseg_gui.controllers.training.ranking import UncertaintyRanking
from latentseg_gui.controllers.training.training_view import TrainingViewController
from latentseg_gui.controllers.training.uncertain_regions import UncertainRegionsController
from latentseg_gui.controllers.training.weights import WeightsController


@dataclass(frozen=True, slots=True)
class TrainingFlow:
    """The controllers that other flows speak to."""

    weights: WeightsController
    finetune: FineTuneController
    live: LiveController
    view: TrainingViewController
    uncertain_regions: UncertainRegionsController
    comparing: NetworkComparisonController
    clicks: ClickLearningController


def build(base: Base, images: ImagesFlow, masks: MasksFlow, project: ProjectFlow) -> TrainingFlow:
    """Makes the flow and connects it to those of images, masks and the project."""
    document, jobs, errors, owner = base.document, base.jobs, base.errors, base.owner
    weights = WeightsController(
        document,
        base.history,
        engine=jobs.engine,
        files=jobs.files,
        dialogs=base.dialogs,
        errors=errors,
        parent=owner,
    )
    finetune = FineTuneController(
        document,
        weights,
        training=jobs.training,
        readers=jobs.files,
        errors=errors,
        versions_folder=base.own_versions,
        coming=base.coming,
        dialogs=base.dialogs,
        parent=owner,
    )
    live = LiveController(finetune, lane=base.lanes.training, parent=owner)
    view = TrainingViewController(
        document,
        base.window.training,
        finetune=finetune,
        weights=weights,
        engine=jobs.engine,
        errors=errors,
        parent=owner,
    )
    comparing = _comparing(base, weights, finetune)
    clicks = _clicks(base, masks, weights, finetune)
    training = TrainingFlow(
        weights, finetune, live, view, _uncertain_regions(base, images), comparing, clicks
    )
    _connect(base, training)
    _connect_flows(base, training, images, masks)
    _keep_versions(base, weights, project)
    return training


def _comparing(
    base: Base, weights: WeightsController, finetune: FineTuneController
) -> NetworkComparisonController:
    return NetworkComparisonController(
        base.document,
        weights,
        finetune,
        training=base.jobs.training,
        engine=base.jobs.engine,
        errors=base.errors,
        folder=base.own_versions,
        window=base.window,
        parent=base.owner,
    )


def _clicks(
    base: Base, masks: MasksFlow, weights: WeightsController, finetune: FineTuneController
) -> ClickLearningController:
    return ClickLearningController(
        base.document,
        masks.table,
        weights,
        finetune,
        training=base.jobs.training,
        errors=base.errors,
        offers=base.errors,
        folder=base.own_versions,
        parent=base.owner,
    )


def _uncertain_regions(base: Base, images: ImagesFlow) -> UncertainRegionsController:
    window, jobs = base.window, base.jobs
    return UncertainRegionsController(
        base.document,
        window.training.uncertain_regions,
        window.files,
        navigator=images.navigator,
        ranking=UncertaintyRanking(base.document, engine=jobs.engine, readers=jobs.batch, parent=base.owner),
        errors=base.errors,
        parent=base.owner,
    )


def _keep_versions(base: Base, weights: WeightsController, project: ProjectFlow) -> None:
    """What was learned belongs to the project, and is saved with it."""
    kept = VersionKeeper(
        weights,
        project.storage,
        files=base.jobs.files,
        errors=base.errors,
        folder=base.own_versions,
        parent=base.owner,
    )
    weights.versions_changed.connect(kept.note_change)
    project.storage.project_changed.connect(kept.note_change)
    project.storage.saved.connect(kept.note_save)
    kept.noted.connect(project.journal.note_weights)
    weights.versions_changed.connect(project.autosave.note_change)


def _connect(base: Base, training: TrainingFlow) -> None:
    window, weights = base.window, training.weights

    def fine_tune() -> None:
        """Starts, with the panel in sight that shows how it goes and what came of it."""
        window.show_panel("training")
        training.view.start()

    base.on("finetune", fine_tune)
    base.on("pause_training", training.finetune.toggle_pause)
    base.on("learn_clicks", training.clicks.start)
    base.on("compare_networks", training.comparing.open)
    window.training.network.comparison_requested.connect(training.comparing.open)
    base.on("next_uncertain_region", training.uncertain_regions.go_on)
    base.on("open_weights", weights.choose_file)
    base.on("save_weights", weights.save_as)
    base.on("default_weights", weights.activate_shipped)
    window.action["work_weights"].setChecked(base.preferences.work_weights)  # before anybody listens
    base.on_remembered_switch("work_weights", partial(_say_when_others_begin, base))
    base.on_switch("live", training.live.set_on)
    base.on_switch("live", window.training.set_live)
    window.training.live_requested.connect(window.action["live"].setChecked)
    weights.activated.connect(training.uncertain_regions.use_weights)
    weights.load_failed.connect(training.uncertain_regions.lose_model)
    for event in (weights.activated, weights.load_failed):  # what waited for the model looks again
        event.connect(training.finetune.state_changed)


def _say_when_others_begin(base: Base, is_for_work: bool) -> None:
    """Which of the shipped weights come first is read when the program starts."""
    if is_for_work:
        text = base.window.tr(
            "From the next start on, the program begins with weights that were trained only on sets whose terms "
            "allow commercial use. Versions that were learned from the other ones stay what they are."
        )
    else:
        text = base.window.tr("From the next start on, the program begins with the research weights again.")
    base.errors.inform(text)


def _connect_flows(base: Base, training: TrainingFlow, images: ImagesFlow, masks: MasksFlow) -> None:
    images.controller.weights_dropped.connect(training.weights.open)
    base.window.training.image_requested.connect(images.controller.show)
    masks.objects.edited.connect(training.live.note_correction)
    base.history.events.changed.connect(training.live.note_correction)
    masks.table.changed.connect(training.clicks.count_accepted)
