"""Which intent goes to which controller, and which event to which view: one line each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut

from latentseg_gui.app.appearance import Appearance
from latentseg_gui.app.chrome import Chrome
from latentseg_gui.app.hand_wiring import wire_hand
from latentseg_gui.app.help import Help
from latentseg_gui.app.intake import Intake
from latentseg_gui.app.job_bar import JobBar
from latentseg_gui.app.offers import OfferedActions
from latentseg_gui.app.session import Session
from latentseg_gui.app.shortcuts import Shortcuts
from latentseg_gui.app.storage_wiring import wire_storage
from latentseg_gui.controllers.images.layer_choice import LayerChoice
from latentseg_gui.controllers.prediction.image_shower import ImageShower
from latentseg_gui.controllers.prediction.model_process import ModelProcessController
from latentseg_gui.document.tools import ToolName

_CANVAS_ONLY = ("accept", "cancel", "drop_click", "delete_objects", "next_expert", "previous_expert")
"""Their keys mean something else in lists and text fields, so they act only while the canvas has the focus."""


def wire(session: Session) -> None:
    """Connects everything of ``session``."""
    chrome = Chrome(session)
    intake = Intake(
        session.project, session.window.empty_state, session.thumbnail_jobs, session.reporter, session
    )
    Appearance(session.window, session.preferences, session.reporter)
    JobBar(session.window.jobs, session.all_jobs, session)
    _wire_actions(session, chrome, intake)
    _wire_switches(session)
    _wire_tools(session)
    _wire_keys(session, chrome)
    wire_hand(session)
    _wire_files(session, chrome, intake)
    _wire_classes(session)
    _wire_model(session, chrome)
    wire_storage(session)
    chrome.begin()
    intake.begin()


def _wire_actions(session: Session, chrome: Chrome, intake: Intake) -> None:
    project, segment, edit, export = session.project, session.segment, session.edit, session.export
    weights, window, tool = session.weights, session.window, session.tool
    help_ = Help(window)
    handlers: dict[str, Callable[[], object]] = {
        "open_images": project.choose_images,
        "open_folder": project.choose_folder,
        "open_samples": intake.open_samples,
        "paste_image": intake.paste,
        "import_mask": session.importing.choose,
        "export_mask": export.export_current,
        "export_all": export.export_all,
        "save": export.save_beside,
        "quit": window.close,
        "undo": edit.undo,
        "redo": edit.redo,
        "accept": segment.accept,
        "drop_click": segment.drop_last,
        "accept_prediction": segment.accept_prediction,
        "mark_reviewed": edit.mark_current_reviewed,
        "clear_mask": edit.clear_mask,
        "fill_holes": edit.fill_holes,
        "remove_specks": edit.remove_specks,
        "smooth": edit.smooth,
        "grow": edit.grow,
        "shrink": edit.shrink,
        "swap_class": session.classes.swap_class,
        "brush_smaller": tool.smaller,
        "brush_larger": tool.larger,
        "fit": window.canvas.camera.zoom_to_fit,
        "actual_size": chrome.actual_size,
        "previous_image": project.previous,
        "next_image": project.next,
        "previous_page": window.pages.previous,
        "next_page": window.pages.next,
        "predict": session.predict.predict,
        "predict_folder": session.batch.choose,
        "next_expert": session.inspect.next_expert,
        "previous_expert": session.inspect.previous_expert,
        "pin": session.inspect.pin,
        "save_figures": session.figures.save,
        "open_weights": weights.choose_file,
        "save_weights": weights.save_as,
        "default_weights": weights.activate_shipped,
        "shortcut_sheet": help_.show_keys,
        "command_palette": help_.show_palette,
        "about": help_.show_about,
    }
    for name, handler in handlers.items():
        window.action[name].triggered.connect(_without_argument(handler))


def _without_argument(handler: Callable[[], object]) -> Callable[[], None]:
    """Qt hands ``triggered`` a boolean that plain commands have no use for."""

    def call() -> None:
        handler()

    return call


def _wire_switches(session: Session) -> None:
    window, canvas, options = session.window, session.window.canvas, session.window.options.display
    action = window.action
    action["show_overlay"].setChecked(True)
    action["show_overlay"].toggled.connect(canvas.visibility.set_overlay)
    action["show_outlines"].toggled.connect(canvas.labels.set_outlines_only)
    action["show_outlines"].toggled.connect(options.set_outlines)
    options.outlines_requested.connect(action["show_outlines"].setChecked)
    action["show_uncertainty"].toggled.connect(session.display.set_uncertainty_visible)
    action["show_uncertainty"].toggled.connect(options.set_uncertainty)
    options.uncertainty_requested.connect(action["show_uncertainty"].setChecked)
    _wire_layers(session)
    options.opacity_requested.connect(canvas.labels.set_opacity)
    action["show_attention"].setChecked(True)
    action["show_attention"].toggled.connect(session.inspect.set_overlay_visible)
    action["show_territory"].toggled.connect(session.inspect.set_territory_visible)
    window.experts.selection.territory_requested.connect(action["show_territory"].setChecked)
    action["knock_out"].triggered.connect(session.intervene.toggle_knock_out)
    action["live"].toggled.connect(session.live.set_on)
    for extra in ("mirror", "sizes", "edges"):
        action[f"predict_{extra}"].toggled.connect(partial(session.predict.set_extra, extra))


def _wire_layers(session: Session) -> None:
    layers = LayerChoice(session.document, session.window.canvas, session.display, session)
    action = session.window.action
    options = session.window.options.display
    options.layer_requested.connect(layers.choose)
    action["show_prediction"].toggled.connect(layers.set_prediction_shown)
    action["predict"].triggered.connect(_without_argument(layers.ask_for_prediction))
    layers.changed.connect(options.set_layer)
    layers.changed.connect(lambda shown: action["show_prediction"].setChecked(shown != "mask"))
    session.weights.activated.connect(layers.use_weights)


def _wire_tools(session: Session) -> None:
    window, tool, segment, options = session.window, session.tool, session.segment, session.window.options
    for each in ToolName:
        window.action[each.action].triggered.connect(_chooser(session, each))
    window.action[ToolName.CLICK.action].setChecked(True)
    _chooser(session, ToolName.CLICK)()
    options.diameter_requested.connect(tool.set_diameter)
    tool.diameter_changed.connect(options.set_diameter)
    options.tolerance_requested.connect(tool.set_tolerance)
    options.protect_requested.connect(tool.set_protect_others)
    options.protect_requested.connect(segment.set_protect_others)
    options.eraser_mode_requested.connect(tool.set_eraser_mode)
    options.accept_requested.connect(segment.accept)
    options.clear_requested.connect(segment.clear)
    options.preview_requested.connect(session.hover.set_enabled)
    tool.tool_changed.connect(session.hover.drop)
    session.hover.set_enabled(True)
    options.set_preview(True)
    options.set_tolerance(int(tool.options.wand_tolerance))
    options.set_eraser_mode("background" if tool.options.is_erasing_to_background else "unlabelled")


def _chooser(session: Session, tool: ToolName) -> Callable[[], None]:
    def choose() -> None:
        session.tool.use_tool(tool)
        session.window.options.set_tool(tool)

    return choose


def _wire_keys(session: Session, chrome: Chrome) -> None:
    window = session.window
    for digit in range(10):
        shortcut = QShortcut(QKeySequence(str(digit)), window)
        shortcut.activated.connect(_class_chooser(session, digit))
    for name in _CANVAS_ONLY:
        window.action[name].setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        window.canvas.addAction(window.action[name])
    shortcuts = Shortcuts(window, session.preferences, session.reporter)
    shortcuts.changed.connect(chrome.refresh_keys)
    window.action["edit_shortcuts"].triggered.connect(shortcuts.edit)
    window.canvas.installEventFilter(PeekKey(session, shortcuts))


def _class_chooser(session: Session, number: int) -> Callable[[], None]:
    def choose() -> None:
        session.classes.choose_number(number)

    return choose


class PeekKey(QObject):
    """Shows the raw image for as long as a key is held."""

    def __init__(self, session: Session, shortcuts: Shortcuts) -> None:
        super().__init__(session.window.canvas)
        self._canvas = session.window.canvas
        self._shortcuts = shortcuts

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt: sees every key before its widget does, and takes none away."""
        is_key = event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
        if watched is not self._canvas or not is_key or not isinstance(event, QKeyEvent):
            return False
        key = QKeySequence(event.key()).toString(QKeySequence.SequenceFormat.PortableText)
        if not event.isAutoRepeat() and key in self._shortcuts.keys("peek"):
            self._canvas.visibility.set_peek(event.type() == QEvent.Type.KeyPress)
        return False


def _wire_files(session: Session, chrome: Chrome, intake: Intake) -> None:
    window, project = session.window, session.project
    window.paths_dropped.connect(intake.open_names)
    window.picture_dropped.connect(intake.open_picture)
    window.addresses_dropped.connect(intake.answer_addresses)
    window.empty_state.open_images_requested.connect(project.choose_images)
    window.empty_state.open_folder_requested.connect(project.choose_folder)
    window.empty_state.sample_requested.connect(intake.open_sample)
    project.rows.reviewed_requested.connect(session.edit.mark_reviewed)
    session.pages.show_requested.connect(project.show)
    window.files.selection_changed.connect(session.batch.set_selected)
    project.opened.connect(session.preferences.remember)
    project.weights_dropped.connect(session.weights.open)
    project.masks_dropped.connect(session.importing.import_from)
    window.action["import_folder"].triggered.connect(_without_argument(session.importing.choose_folder))
    project.removed.connect(session.history.forget_image)
    project.neighbour_read.connect(session.predict.prefetch)
    session.predict.encoded.connect(chrome.mark_ready)
    session.predict.forgotten.connect(chrome.mark_none_ready)
    session.edit.other_image_edited.connect(project.show)


def _wire_classes(session: Session) -> None:
    panel, classes, document = session.window.classes, session.classes, session.document

    def show_classes() -> None:
        panel.set_classes(tuple(document.classes), document.classes.ids)
        panel.set_active(document.active_class)

    document.events.classes_changed.connect(show_classes)
    document.events.active_class_changed.connect(panel.set_active)
    panel.active_requested.connect(classes.choose_class)
    panel.add_requested.connect(classes.add_class)
    classes.added.connect(panel.begin_rename)
    panel.rename_requested.connect(classes.rename_class)
    panel.recolour_requested.connect(classes.recolour_class)
    panel.visibility_requested.connect(classes.show_class)
    panel.lock_requested.connect(classes.lock_class)
    panel.delete_requested.connect(classes.request_deletion)
    panel.merge_requested.connect(classes.merge_classes)
    panel.move_requested.connect(classes.move_class)
    session.paint.class_picked.connect(classes.choose_class)
    show_classes()


def _fine_tune(session: Session) -> None:
    """Starts, with the panel in sight that shows how it goes and what came of it."""
    session.window.show_panel("training")
    session.training_view.start()


def _wire_model(session: Session, chrome: Chrome) -> None:
    weights, window = session.weights, session.window
    OfferedActions(session.reporter, window.messages, session)
    ModelProcessController(
        session.lanes.engine,
        training=session.lanes.training,
        predict=session.predict,
        weights=weights,
        errors=session.reporter,
        offers=session.reporter,
        parent=session,
    )
    session.engine_jobs.show_image = ImageShower(session.document, session.predict, session).show
    weights.activated.connect(session.predict.use_weights)
    weights.activated.connect(session.inspect.use_weights)
    weights.activated.connect(session.expert_folder.use_weights)
    weights.activated.connect(session.batch.use_weights)
    weights.activated.connect(session.export.use_weights)
    weights.activated.connect(session.places.use_weights)
    for name, handler in (
        ("finetune", partial(_fine_tune, session)),
        ("pause_training", session.finetune.toggle_pause),
        ("next_place", session.places.go_on),
        ("solo", window.experts.selection.toggle_solo),
        ("messages", window.message_log.click),
    ):
        window.action[name].triggered.connect(_without_argument(handler))
    weights.activated.connect(chrome.show_weights)
    window.experts.view.pixel.described.connect(window.set_expert_text)
    window.training.image_requested.connect(session.project.show)
    window.training.live_requested.connect(window.action["live"].setChecked)
    window.action["live"].toggled.connect(window.training.set_live)
    window.history.go_to_requested.connect(session.edit.jump_to)
    window.history.undo_requested.connect(session.edit.undo)
    window.history.redo_requested.connect(session.edit.redo)
    window.device.device_requested.connect(chrome.choose_device)
    window.device.self_test_requested.connect(session.self_test.run)
    session.history.events.changed.connect(session.live.note_correction)
