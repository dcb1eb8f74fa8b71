"""Puts a window together: the flows in `Session`, and round them what belongs to the window alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QActionGroup, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication
from typing_extensions import override

from latentseg_gui.app.drop_and_paste import DropAndPaste
from latentseg_gui.app.help import Help
from latentseg_gui.app.hints import hint
from latentseg_gui.app.main_window import MainWindow
from latentseg_gui.app.preferences import Preferences, preferences_path, save_preferences
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.session import Session
from latentseg_gui.app.shortcuts import Shortcuts, key_text
from latentseg_gui.app.theme import ThemeName, apply_theme
from latentseg_gui.app.tour import Tour
from latentseg_gui.controllers.jobs import JobSource
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.panels.feedback import DeviceEntry, JobsIndicator, Message
from latentseg_gui.panels.feedback.message_strip import MessageStrip
from latentseg_gui.panels.shortcut_tooltips import with_key


class Chrome(QObject):
    """Keeps the frame round the flows up to date."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._window = session.window
        self._document = session.document
        self._device: tuple[str, str] | None = None
        self._version = self._click_model = ""
        session.reporter.reported.connect(self._on_error_reported)
        session.reporter.informed.connect(self._on_informed)
        session.lanes.engine.lane_state_changed.connect(self._on_engine_state_changed)
        session.lanes.training.lane_state_changed.connect(self._on_training_state_changed)
        self._follow_document()

    def begin(self) -> None:
        """Shows the state of things at the start."""
        self._window.set_version_text(self.tr("loading the model..."))
        self._refresh_history()
        self.refresh_hint()

    def actual_size(self) -> None:
        """One image pixel per screen pixel."""
        self._window.canvas.camera.zoom_to(1.0)

    def mark_ready(self, image_id: str) -> None:
        """Shows that clicks on the image answer at once."""
        self._window.files.set_ready(image_id, True)

    def mark_none_ready(self) -> None:
        """Shows that the model has to see every image anew."""
        for image_id in self._document.images.ids:
            self._window.files.set_ready(image_id, False)

    def show_weights(self, weights: WeightsInfo) -> None:
        """Shows which weights are live, and where they run."""
        self.mark_none_ready()
        self._version = weights.version
        self._show_who_answers()
        self._device = weights.device, weights.device_reason
        self._window.device.set_device(*self._device)
        self._window.device.set_choices(_DEVICES, self._session.weights.device)
        self.refresh_hint()

    def show_no_model(self) -> None:
        """Shows that the model could not be loaded."""
        self._window.set_version_text(self.tr("no model"))
        self._window.device.set_device(self.tr("no model"), self.tr("The model could not be loaded."))
        self.refresh_hint()

    def show_click_model(self, title: str) -> None:
        """Shows which click model answers clicks; "" for the model itself."""
        self._click_model = title
        self._show_who_answers()

    def _show_who_answers(self) -> None:
        text = self.tr("weights: {0}").format(self._version)
        clicks = self.tr("clicks: {0}").format(self._click_model) if self._click_model else ""
        self._window.set_version_text(" · ".join(filter(None, (text, clicks))))

    def choose_device(self, key: str) -> None:
        """Runs the model elsewhere from now on, at the next start too."""
        self._session.weights.use_device(key)
        self._session.preferences.device = key  # type: ignore[assignment]  # checked on assignment

    def refresh_hint(self, *_: object) -> None:
        """Says what to do next."""
        self._window.set_hint(
            self._session.intervene.summary
            or hint(
                self._document,
                self._session.tool.tool,
                self._session.weights.live is not None,
                self.key_of,
                each_is_new=self._window.action["each_new"].isChecked(),
                has_failed=self._session.weights.has_failed,
            )
        )

    def refresh_keys(self) -> None:
        """Names other keys where keys are named."""
        self._refresh_history()
        self.refresh_hint()

    def key_of(self, name: str) -> str:
        """The key of an action as the user reads it, or the name of the action where it has none."""
        action = self._window.action[name]
        return key_text(action) or f"“{action.text()}”"

    def _follow_document(self) -> None:
        events = self._document.events
        self._window.action["each_new"].toggled.connect(self.refresh_hint)
        for event in (
            events.current_changed,
            events.prediction_changed,
            events.proposal_changed,
            events.prompts_changed,
            events.earlier_changed,
            events.mask_changed,
            events.classes_changed,
            events.active_class_changed,
        ):
            event.connect(self.refresh_hint)
        self._session.tool.tool_changed.connect(self.refresh_hint)
        events.proposal_changed.connect(self._on_proposal_changed)
        events.prompts_changed.connect(self._on_proposal_changed)
        events.earlier_changed.connect(self._on_proposal_changed)
        events.current_changed.connect(self._on_current_changed)
        self._session.history.events.changed.connect(self._refresh_history)

    def _on_error_reported(self, error: LatentsegError) -> None:
        self._window.messages.show_message(Message(error.what, error.action, error.detail))

    def _on_informed(self, sentence: str) -> None:
        self._window.messages.show_message(Message(sentence, kind="info"))

    def _on_engine_state_changed(self, state: str) -> None:
        """A model that does not come back stays to be seen beside its device (`ModelProcessController` says it)."""
        if state == "broken":
            what = self.tr("The model stopped several times in a row and does not run now.")
            self._window.device.set_device(self.tr("model stopped"), what)
        elif state == "ready" and self._device is not None:
            self._window.device.set_device(*self._device)

    def _on_training_state_changed(self, state: str) -> None:
        if state == "broken":
            self._on_broken(self.tr("The training process stopped several times in a row."))

    def _on_broken(self, what: str) -> None:
        action = self.tr(
            "It is tried again with the next step. If it stops again, save your work; the self-test in the menu "
            "of the device says what is wrong."
        )
        self._session.reporter.report(LatentsegError(what, action=action))

    def _on_proposal_changed(self, image_id: str) -> None:
        if image_id == self._document.images.current_id:
            self._on_current_changed(image_id)

    def _on_current_changed(self, image_id: str | None) -> None:
        prompts = self._document.prompts
        is_available = image_id is not None and not prompts.is_idle(image_id)
        count = 0
        if image_id is not None:
            count = len(prompts.earlier(image_id)) + (not prompts.of(image_id).is_empty)
        self._window.options.set_proposal_available(is_available, count)

    def _refresh_history(self) -> None:
        history, action = self._session.history, self._window.action
        action["undo"].setEnabled(history.can_undo)
        action["redo"].setEnabled(history.can_redo)
        undo, redo = self.tr("Undo {0}"), self.tr("Redo {0}")
        for name, words, label in (("undo", undo, history.undo_label), ("redo", redo, history.redo_label)):
            text = words.format(label.lower()).strip()
            action[name].setToolTip(with_key(text, key_text(action[name])))
        self._window.history.set_steps([entry.label for entry in history.entries], history.position)


_DEVICES = (
    DeviceEntry("auto", "Automatic"),
    DeviceEntry("cpu", "CPU"),
    DeviceEntry("cuda", "GPU (CUDA)"),
    DeviceEntry("mps", "GPU (Apple)"),
)


THEMES: tuple[ThemeName, ...] = ("system", "dark", "light")

_CANVAS_ONLY = ("accept", "cancel", "drop_click", "delete_objects", "next_expert", "previous_expert")
"""Their keys mean something else in lists and text fields, so they act only while the canvas has the focus."""


def compose(preferences: Preferences, reporter: Reporter) -> Session:
    """A window with everything in it, not shown yet, and nothing at work behind it."""
    session = Session(preferences, reporter)
    chrome = Chrome(session)
    dropped = DropAndPaste(
        session.images, session.window.empty_state, session.jobs.thumbnails, reporter, session
    )
    ThemeChoice(session.window, preferences, reporter)
    JobBar(session.window.jobs, session.all_jobs, session)
    OfferedActions(reporter, session.window.messages, session)
    _connect_chrome(session, chrome)
    _connect_dropped(session, dropped)
    tour = Tour(session, dropped.open_first_try, chrome.key_of)
    session.base.on("tour", tour.begin)
    session.window.empty_state.tour_requested.connect(tour.begin)
    _connect_keys(session, chrome, tour)
    chrome.begin()
    dropped.begin()
    return session


def _connect_chrome(session: Session, chrome: Chrome) -> None:
    window, base, help_ = session.window, session.base, Help(session.window)
    base.on("quit", window.close)
    base.on("actual_size", chrome.actual_size)
    base.on("shortcut_sheet", help_.show_keys)
    base.on("command_palette", help_.show_palette)
    base.on("about", help_.show_about)
    base.on("messages", window.message_log.click)
    session.predict.encoded.connect(chrome.mark_ready)
    session.predict.forgotten.connect(chrome.mark_none_ready)
    session.weights.activated.connect(chrome.show_weights)
    session.weights.load_failed.connect(chrome.show_no_model)
    session.click_model.changed.connect(chrome.show_click_model)
    window.device.device_requested.connect(chrome.choose_device)
    window.device.self_test_requested.connect(session.self_test.run)


def _connect_dropped(session: Session, dropped: DropAndPaste) -> None:
    window, base = session.window, session.base
    base.on("open_samples", dropped.open_samples)

    def paste() -> None:
        """What was copied last: objects of a mask, or a picture."""
        if not session.carry.paste():
            dropped.paste()

    base.on("paste_image", paste)
    window.paths_dropped.connect(dropped.open_names)
    window.picture_dropped.connect(dropped.open_picture)
    window.addresses_dropped.connect(dropped.answer_addresses)
    window.empty_state.sample_requested.connect(dropped.open_sample)


def _connect_keys(session: Session, chrome: Chrome, tour: Tour) -> None:
    window = session.window
    for digit in range(10):
        shortcut = QShortcut(QKeySequence(str(digit)), window)
        shortcut.activated.connect(partial(session.classes.choose_number, digit))
    for name in _CANVAS_ONLY:
        window.action[name].setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        window.canvas.addAction(window.action[name])
    shortcuts = Shortcuts(window, session.preferences, session.reporter)
    shortcuts.changed.connect(chrome.refresh_keys)
    shortcuts.changed.connect(tour.refresh)
    window.action["edit_shortcuts"].triggered.connect(shortcuts.edit)
    window.canvas.installEventFilter(PeekKey(session, shortcuts))


class ThemeChoice(QObject):
    """Connects the three themes of the menu View, of which exactly one is ticked."""

    def __init__(self, window: MainWindow, preferences: Preferences, reporter: Reporter) -> None:
        super().__init__(window)
        self._preferences = preferences
        self._reporter = reporter
        group = QActionGroup(self)
        for theme in THEMES:
            action = window.action[f"theme_{theme}"]
            group.addAction(action)
            action.setChecked(theme == preferences.theme)
            action.triggered.connect(partial(self.choose, theme))

    def choose(self, theme: ThemeName, _: bool = True) -> None:
        """Puts a theme in force, now and at every start from now on."""
        application = QApplication.instance()
        if theme == self._preferences.theme or not isinstance(application, QApplication):
            return
        apply_theme(application, theme)
        self._preferences.theme = theme
        try:
            save_preferences(preferences_path(), self._preferences)
        except LatentsegError as error:
            self._reporter.report(error)


class OfferedActions(QObject):
    """Shows what a reporter offers, and does it once the button is pressed."""

    def __init__(self, reporter: Reporter, strip: MessageStrip, parent: QObject) -> None:
        super().__init__(parent)
        self._strip = strip
        self._acts: dict[str, Callable[[], None]] = {}
        reporter.offered.connect(self._on_offered)
        reporter.suggested.connect(self._on_suggested)
        strip.action_requested.connect(self._on_action_requested)

    def _on_offered(self, error: LatentsegError, button: str, act: Callable[[], None]) -> None:
        self._show(error, button, act, "error")

    def _on_suggested(self, error: LatentsegError, button: str, act: Callable[[], None]) -> None:
        self._show(error, button, act, "info")

    def _show(self, error: LatentsegError, button: str, act: Callable[[], None], kind: str) -> None:
        self._acts[error.what] = act
        message = Message(error.what, error.action, error.detail, kind, button, token=error.what)
        self._strip.show_message(message)

    def _on_action_requested(self, token: str) -> None:
        act = self._acts.pop(token, None)
        if act is not None:
            act()


class JobBar(QObject):
    """Shows every job that has a title, with its progress and a way to cancel it."""

    def __init__(self, indicator: JobsIndicator, sources: Sequence[JobSource], parent: QObject) -> None:
        super().__init__(parent)
        self._indicator = indicator
        self._titles: dict[str, str] = {}
        for jobs in sources:
            jobs.began.connect(self._on_job_began)
            jobs.progressed.connect(self._on_job_progressed)
            jobs.ended.connect(indicator.finish_job)
            indicator.cancel_requested.connect(jobs.cancel_named)

    def _on_job_began(self, name: str, title: str) -> None:
        self._titles[name] = title
        self._indicator.set_job(name, title)

    def _on_job_progressed(self, name: str, fraction: float) -> None:
        self._indicator.set_job(name, self._titles.get(name, ""), fraction)


class PeekKey(QObject):
    """Shows the raw image for as long as a key is held."""

    def __init__(self, session: Session, shortcuts: Shortcuts) -> None:
        super().__init__(session.window.canvas)
        self._canvas = session.window.canvas
        self._shortcuts = shortcuts

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_key = event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
        if watched is not self._canvas or not is_key or not isinstance(event, QKeyEvent):
            return False
        key = QKeySequence(event.key()).toString(QKeySequence.SequenceFormat.PortableText)
        if not event.isAutoRepeat() and key in self._shortcuts.keys("peek"):
            self._canvas.visibility.set_peek(event.type() == QEvent.Type.KeyPress)
        return False
