"""What the model says of an image, and what it answers to clicks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from latentseg_gui.app.flows.base import Base
from latentseg_gui.app.flows.images import ImagesFlow
from latentseg_gui.app.flows.masks import MasksFlow
from latentseg_gui.app.flows.training import TrainingFlow
from latentseg_gui.app.preferences import Preferences
from latentseg_gui.controllers.images.layer_choice import LayerChoice
from latentseg_gui.controllers.prediction.candidates import CandidatesController
from latentseg_gui.controllers.prediction.class_mapping import Translator
from latentseg_gui.controllers.prediction.click_model import ClickModelController
from latentseg_gui.controllers.prediction.compare import CompareController
from latentseg_gui.controllers.prediction.follow import FollowController
from latentseg_gui.controllers.prediction.going_on import GoingOn
from latentseg_gui.controllers.prediction.hover import HoverController
from latentseg_gui.controllers.prediction.in_turn import InTurn
from latentseg_gui.controllers.prediction.list_search import ListSearch, SameEverywhere
from latentseg_gui.controllers.prediction.meanings import MeaningsController
from latentseg_gui.controllers.prediction.model_process import ModelProcessController
from latentseg_gui.controllers.prediction.other_versions import OtherVersionsController
from latentseg_gui.controllers.prediction.pointing import PointingController
from latentseg_gui.controllers.prediction.predict import PredictController
from latentseg_gui.controllers.prediction.reencoding import Reencoding
from latentseg_gui.controllers.prediction.segment import SegmentController
from latentseg_gui.controllers.prediction.separate import SeparateController
from latentseg_gui.controllers.prediction.taking_up import TakeUpController
from latentseg_gui.controllers.prediction.tighten import TightenController
from latentseg_gui.document.masks.tools import ClickDrag, ToolName
from latentseg_gui.inference.messages import ClickModelInfo, PredictionExtras
from model.analysis.objects import ObjectOptions


@dataclass(frozen=True, slots=True)
class PredictionFlow:
    """The controllers that other flows speak to."""

    predict: PredictController
    compare: CompareController
    segment: SegmentController
    click_model: ClickModelController
    translator: Translator
    candidates: CandidatesController
    follow: FollowController
    list_search: ListSearch

    def extras(self) -> PredictionExtras:
        """What makes predictions better, and slower, as it is switched now."""
        return self.predict.extras


def build(base: Base, images: ImagesFlow, masks: MasksFlow, training: TrainingFlow) -> PredictionFlow:
    """Makes the flow and connects it to those of images, masks and training."""
    window, document, jobs, owner = base.window, base.document, base.jobs, base.owner
    translator = Translator(document, jobs.edits)
    compare = CompareController(document, window.canvas, jobs=jobs.files, errors=base.errors, parent=owner)
    predict = PredictController(
        document,
        engine=jobs.engine,
        translator=translator,
        errors=base.errors,
        window=window,
        parent=owner,
    )
    meanings = MeaningsController(
        document, window.canvas, predict, engine=jobs.engine, errors=base.errors, parent=owner
    )
    segment = SegmentController(
        document,
        masks.edits,
        window.canvas,
        predict,
        meanings,
        engine=jobs.engine,
        errors=base.errors,
        window=window,
        parent=owner,
    )
    click_model = _click_model(base, segment, images)
    candidates = _candidates(base, predict, masks)
    list_search = _list_search(base, images, candidates)
    follow = FollowController(
        document, masks.carry, predict, candidates, engine=jobs.engine, errors=base.errors, parent=owner
    )
    base.on("follow_objects", follow.begin)
    follow.began.connect(window.action[ToolName.CANDIDATES.action].trigger)
    predictions = PredictionFlow(
        predict, compare, segment, click_model, translator, candidates, follow, list_search
    )
    jobs.engine.show_image = Reencoding(document, predict, owner).show
    _connect_predictions(base, predictions, images)
    pointing = _pointing(base, predictions, meanings, training)
    _preview(base, predict, meanings, masks)
    _connect_clicks(base, predictions, masks, pointing)
    _going_on(base, images)
    _connect_comparison(base, predictions, training)
    _connect_weights(base, predictions, images, training)
    return predictions


def _connect_predictions(base: Base, predictions: PredictionFlow, images: ImagesFlow) -> None:
    predict = predictions.predict
    base.on("predict", predict.predict)
    for extra in ("mirror", "sizes", "edges"):
        base.on_switch(f"predict_{extra}", partial(predict.set_extra, extra))
    images.controller.neighbour_read.connect(predict.prefetch)
    separate = SeparateController(
        base.document, base.window.counting, jobs=base.jobs.thumbnails, parent=base.owner
    )
    wanted = base.preferences
    separate.set_options(wanted.object_threshold, wanted.object_separation, wanted.object_smoothness)
    predict.set_objects(separate.options)

    def remember(options: ObjectOptions) -> None:
        predict.set_objects(options)
        wanted.object_threshold, wanted.object_separation = options.threshold, options.separation
        wanted.object_smoothness = options.smoothness

    separate.options_changed.connect(remember)


def _going_on(base: Base, images: ImagesFlow) -> None:
    """Whatever Enter accepts, and then the next image."""
    going_on = GoingOn(
        base.document,
        accept=base.window.action["accept"].trigger,
        next_image=images.controller.next,
        errors=base.errors,
        parent=base.owner,
    )
    base.on("accept_next", going_on.accept_and_go_on)


def _pointing(
    base: Base, predictions: PredictionFlow, meanings: MeaningsController, training: TrainingFlow
) -> PointingController:
    """How the hand points with the click tool, and what is accepted by pointing on."""
    base.on("next_meaning", meanings.turn)
    document, window, options = base.document, base.window, base.window.options
    predict, segment = predictions.predict, predictions.segment
    in_turn = InTurn(
        document,
        predict,
        segment,
        meanings,
        engine=base.jobs.engine,
        errors=base.errors,
        has_no_model=lambda: training.weights.has_failed,
        parent=base.owner,
    )
    training.weights.load_failed.connect(in_turn.give_up)
    base.coming.add(in_turn.labels)
    pointing = PointingController(document, window.canvas, segment, in_turn, base.owner)
    base.on("drop_click", pointing.drop_last)
    options.clear_requested.connect(pointing.clear)

    def use_drag(drag: ClickDrag) -> None:
        window.canvas.pointer.set_click_drag(drag)
        options.prompting.set_drag(drag)

    options.prompting.drag_requested.connect(use_drag)
    base.on("next_drag", lambda: use_drag(options.prompting.drag.next))
    base.on_switch("each_new", pointing.set_each_new)
    base.on_switch("each_new", options.prompting.set_each_new)
    options.prompting.each_new_requested.connect(window.action["each_new"].setChecked)
    return pointing


def _connect_clicks(
    base: Base, predictions: PredictionFlow, masks: MasksFlow, pointing: PointingController
) -> None:
    window, segment, options = base.window, predictions.segment, base.window.options

    def accept() -> None:
        """Enter: the pieces that are shown of an object; else the proposal."""
        if not masks.dividing.accept():
            pointing.accept()

    base.on("accept", accept)
    base.on("accept_prediction", segment.accept_prediction)
    options.protect_requested.connect(segment.set_protect_others)
    base.on_remembered_switch("overwrite_objects", segment.set_overwrites)
    options.accept_requested.connect(pointing.accept)

    candidates = predictions.candidates

    def give_up() -> None:
        """Esc: the large edit that is worked out, else the search; else clicks, the choice, and what was found."""
        if masks.edits.cancel():
            return
        if candidates.is_searching or predictions.follow.is_following:
            predictions.follow.stop()
            candidates.stop()
            return
        if predictions.list_search.is_running:
            predictions.list_search.stop()
            return
        image_id = base.document.images.current_id
        had_more = bool(masks.objects.chosen) or (
            image_id is not None and not base.document.prompts.is_idle(image_id)
        )
        pointing.clear()
        masks.dividing.clear()
        masks.objects.clear()
        if masks.tool.tool is ToolName.CANDIDATES or not had_more:
            candidates.clear()

    base.on("cancel", give_up)
    TakeUpController(base.document, masks.edits, window.canvas, errors=base.errors, parent=base.owner)
    _shaping(base, masks, pointing)


def _shaping(base: Base, masks: MasksFlow, pointing: PointingController) -> None:
    """With the click tool, commands for the shape of objects are about the proposal where there is one.

    Else they are about what is labelled: with another tool, objects may have been chosen for them.
    """
    option, canvas = base.window.options.tighten, base.window.canvas
    tighten = TightenController(base.document, base.owner)
    option.changed.connect(tighten.use)
    tighten.changed.connect(option.set_value)
    canvas.border_move_requested.connect(tighten.shift)
    pointing.acts.connect(tighten.settle)

    def shape_or(shape: Callable[[], bool], otherwise: Callable[[], None]) -> None:
        if masks.tool.tool is not ToolName.CLICK or not shape():
            otherwise()

    base.on("grow", partial(shape_or, partial(tighten.shift, 1), masks.edit.grow))
    base.on("shrink", partial(shape_or, partial(tighten.shift, -1), masks.edit.shrink))
    base.on("follow_edges", partial(shape_or, tighten.toggle_edges, masks.following.follow_edges))


def _click_model(base: Base, segment: SegmentController, images: ImagesFlow) -> ClickModelController:
    """Who answers clicks, at the next start, too."""
    click_model = ClickModelController(
        base.document,
        segment,
        engine=base.jobs.engine,
        dialogs=base.dialogs,
        errors=base.errors,
        parent=base.owner,
    )
    base.on("open_click_model", click_model.choose)
    base.on("own_clicks", click_model.go_back)
    images.controller.click_model_dropped.connect(click_model.open)
    click_model.chosen.connect(partial(_remember_click_model, base.preferences))
    return click_model


def _remember_click_model(preferences: Preferences, info: ClickModelInfo) -> None:
    preferences.click_model = "" if info.path is None else str(info.path)
    preferences.click_model_digest = info.digest


def _preview(base: Base, predict: PredictController, meanings: MeaningsController, masks: MasksFlow) -> None:
    """What a click would do is shown while the mouse rests."""
    canvas, options = base.window.canvas, base.window.options
    hover = HoverController(
        base.document, canvas, predict, meanings, engine=base.jobs.engine, parent=base.owner
    )
    options.preview_requested.connect(hover.set_enabled)
    masks.tool.tool_changed.connect(hover.drop)
    hover.set_enabled(True)
    options.set_preview(True)


def _candidates(base: Base, predict: PredictController, masks: MasksFlow) -> CandidatesController:
    """What the model finds by itself, with the tool that takes it."""
    window, document, owner = base.window, base.document, base.owner
    candidates = CandidatesController(
        document,
        masks.edits,
        masks.objects,
        window.canvas,
        window.candidates,
        engine=base.jobs.engine,
        errors=base.errors,
        parent=owner,
    )
    same = SameEverywhere(document, candidates, owner)
    window.candidates.following_requested.connect(same.set_on)
    predict.encoded.connect(same.on_encoded)
    base.on("propose_all", candidates.propose_all)
    base.on("more_alike", candidates.more_alike)

    def show() -> None:
        """What is found is seen, counted and taken in one place."""
        window.show_panel("candidates")
        window.action[ToolName.CANDIDATES.action].trigger()

    candidates.began.connect(lambda *_: show())

    def accept() -> None:
        if masks.tool.tool is ToolName.CANDIDATES:
            candidates.accept_all()

    base.on("accept", accept)
    return candidates


def _list_search(base: Base, images: ImagesFlow, candidates: CandidatesController) -> ListSearch:
    """Searches that go on to all images of the list."""
    panel, jobs = base.window.candidates, base.jobs
    search = ListSearch(
        base.document, candidates, engine=jobs.engine, files=jobs.files, errors=base.errors, parent=base.owner
    )
    panel.everywhere_requested.connect(search.set_on)
    search.began.connect(lambda *_: panel.set_searching_others(True))
    search.ended.connect(lambda *_: panel.set_searching_others(False))
    candidates.kept_changed.connect(panel.set_kept)

    def go_on() -> None:
        """To the next image on which proposals wait, from the one that is looked at; at the end from the first."""
        ids, waiting = list(base.document.images.ids), candidates.kept_ids
        current = base.document.images.current_id
        place = ids.index(current) if current in ids else -1
        later = [each for each in waiting if ids.index(each) > place]
        if waiting:
            images.controller.show(*(later or waiting)[:1])

    panel.next_requested.connect(go_on)
    return search


def _connect_comparison(base: Base, predictions: PredictionFlow, training: TrainingFlow) -> None:
    compare, action, weights = predictions.compare, base.window.action, training.weights
    OtherVersionsController(
        compare,
        weights,
        base.jobs.engine,
        predictions.translator,
        extras=predictions.extras,
        parent=base.owner,
    )
    action["compare_mask"].triggered.connect(compare.set_mask)
    action["compare_earlier"].triggered.connect(compare.set_earlier)
    base.window.training.compare_requested.connect(compare.toggle_version)
    weights.versions_changed.connect(lambda: compare.keep_versions(weights.versions))

    def show_what(what: str) -> None:
        action["compare_mask"].setChecked(what == "mask")
        action["compare_earlier"].setChecked(what in ("earlier", "version"))

    compare.changed.connect(show_what)


def _connect_weights(
    base: Base, predictions: PredictionFlow, images: ImagesFlow, training: TrainingFlow
) -> None:
    window, weights = base.window, training.weights
    layers = LayerChoice(base.document, window.canvas, images.display, base.owner)
    window.options.display.layer_requested.connect(layers.choose)
    base.on_switch("show_prediction", layers.set_prediction_shown)
    base.on("predict", layers.ask_for_prediction)
    layers.changed.connect(window.options.display.set_layer)
    layers.changed.connect(lambda shown: window.action["show_prediction"].setChecked(shown != "mask"))
    weights.activated.connect(layers.use_weights)
    ModelProcessController(
        base.lanes.engine,
        training=base.lanes.training,
        predict=predictions.predict,
        weights=weights,
        errors=base.errors,
        offers=base.errors,
        parent=base.owner,
    )
    weights.activated.connect(predictions.predict.use_weights)
