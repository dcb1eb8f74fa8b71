"""Where the model is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from latentseg_gui.app.flows.base import Base
from latentseg_gui.app.flows.images import ImagesFlow
from latentseg_gui.app.flows.prediction import PredictionFlow
from latentseg_gui.app.flows.training import TrainingFlow
from latentseg_gui.controllers.evaluation.errors_view import ErrorsView
from latentseg_gui.controllers.evaluation.evaluation import EvaluationController
from latentseg_gui.controllers.evaluation.measuring import Measuring


@dataclass(frozen=True, slots=True)
class EvaluationFlow:
    """The controllers that others speak to."""

    view: EvaluationController
    measuring: Measuring
    errors: ErrorsView


def build(
    base: Base, images: ImagesFlow, training: TrainingFlow, predictions: PredictionFlow
) -> EvaluationFlow:
    """Makes the flow and connects it to those of images, training and predictions."""
    window, document, jobs, owner = base.window, base.document, base.jobs, base.owner
    measuring = Measuring(
        document,
        engine=jobs.engine,
        readers=jobs.batch,
        translator=predictions.translator,
        extras=predictions.extras,
        errors=base.errors,
        parent=owner,
    )
    errors = ErrorsView(document, window.canvas, jobs=jobs.thumbnails, parent=owner)
    view = EvaluationController(
        document,
        window.evaluation,
        measuring=measuring,
        errors=errors,
        images=images.controller,
        navigator=images.navigator,
        parent=owner,
    )
    training.weights.activated.connect(view.use_weights)
    action = window.action["show_errors"]
    base.on_switch("show_errors", errors.set_on)
    errors.changed.connect(action.setChecked)

    def show_figures(is_on: bool) -> None:
        """Who asks for errors by key or menu sees the figures as well."""
        if is_on:
            window.show_panel("evaluation")

    action.triggered.connect(show_figures)
    return EvaluationFlow(view, measuring, errors)
